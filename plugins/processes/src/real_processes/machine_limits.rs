//! Limits of the machine on the number of processes, their memory, and promemu's open files.
//!
//! They are read before the first process starts: a machine that is full ends the work of others, too.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

use procfs_core::process::Status;
use procfs_core::{FromRead, Meminfo};
use rustix::process::{Resource, Rlimit, geteuid, getrlimit, getuid, setrlimit};

/// Processes in a group: the shell, the program that holds memory, and the one that loads the CPU with its worker.
const PROCESSES_PER_GROUP: u64 = 4;
/// Memory of a group's programs that they do not share with others.
const BYTES_PER_GROUP: u64 = 1024 * 1024;
/// Open files that promemu needs beside one for each group.
const OTHER_FILES: u64 = 64;
const MIB: u64 = 1024 * 1024;
const CGROUPS: &str = "/sys/fs/cgroup";

/// A limit, and what it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Room {
    limit: String,
    left: u64,
}

/// Checks that this machine has room for so many groups that hold this memory together, and allows promemu the open files for them.
///
/// # Errors
///
/// The first limit that does not allow it.
pub(super) fn make_room(groups: usize, memory_bytes: u64) -> Result<(), String> {
    let groups = u64::try_from(groups).unwrap_or(u64::MAX);
    check(groups, "processes", groups.saturating_mul(PROCESSES_PER_GROUP), 1, &process_rooms())?;
    let bytes = groups.saturating_mul(BYTES_PER_GROUP).saturating_add(memory_bytes);
    check(groups, "MiB of memory", bytes, MIB, &memory_rooms())?;
    let files = groups.saturating_add(OTHER_FILES);
    check(groups, "open files", files, 1, &file_room(files).into_iter().collect::<Vec<_>>())
}

fn check(groups: u64, unit: &str, needed: u64, unit_size: u64, rooms: &[Room]) -> Result<(), String> {
    match rooms.iter().min_by_key(|room| room.left).filter(|room| room.left < needed) {
        None => Ok(()),
        Some(Room { limit, left }) => {
            let (needed, left) = (needed.div_ceil(unit_size), left / unit_size);
            Err(format!(
                "{groups} real processes need up to {needed} {unit}, but {limit} leaves {left}; lower process_count, \
                 children_max or memory_max, or raise the limit"
            ))
        }
    }
}

/// Processes that may still be started.
fn process_rooms() -> Vec<Room> {
    let mut rooms = cgroup_rooms("pids", ["pids.max", "pids.current"]);
    let statuses: Vec<Status> =
        pids().filter_map(|pid| Status::from_file(format!("/proc/{pid}/status")).ok()).collect();
    let threads =
        |statuses: &mut dyn Iterator<Item = &Status>| statuses.map(|status| status.threads).sum::<u64>();
    // The kernel does not limit root.
    if let (Some(max), false) = (getrlimit(Resource::Nproc).current, geteuid().is_root()) {
        let own = getuid().as_raw();
        let left = max.saturating_sub(threads(&mut statuses.iter().filter(|status| status.ruid == own)));
        rooms.push(Room { limit: "the limit on the processes of this user (ulimit -u)".to_owned(), left });
    }
    let all = threads(&mut statuses.iter());
    for name in ["pid_max", "threads-max"] {
        if let Some(max) = number(Path::new("/proc/sys/kernel").join(name)) {
            rooms.push(Room { limit: format!("kernel.{name}"), left: max.saturating_sub(all) });
        }
    }
    rooms
}

/// Memory that may still be used, in bytes.
fn memory_rooms() -> Vec<Room> {
    let mut rooms = cgroup_rooms("memory", ["memory.max", "memory.current"]);
    rooms.extend(cgroup_rooms("memory", ["memory.limit_in_bytes", "memory.usage_in_bytes"]));
    if let Some(left) = Meminfo::from_file("/proc/meminfo").ok().and_then(|it| it.mem_available) {
        rooms.push(Room { limit: "this machine".to_owned(), left });
    }
    rooms
}

/// Open files that promemu may still have, once its limit is as high as it needs or may be.
fn file_room(needed: u64) -> Option<Room> {
    let open = u64::try_from(read_dir("/proc/self/fd").ok()?.count()).ok()?;
    let limit = getrlimit(Resource::Nofile);
    let wanted = open.saturating_add(needed);
    let mut current = limit.current?;
    if current < wanted {
        let raised = limit.maximum.map_or(wanted, |max| max.min(wanted));
        if setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit }).is_ok() {
            current = raised;
        }
    }
    Some(Room {
        limit: "the limit on promemu's open files (ulimit -n)".to_owned(),
        left: current.saturating_sub(open),
    })
}

/// The rest of a controller that this process' cgroup and those around it leave. The files have the maximum and the present number.
fn cgroup_rooms(controller: &str, [max, current]: [&str; 2]) -> Vec<Room> {
    let Ok(groups) = read_to_string("/proc/self/cgroup") else { return Vec::new() };
    let dirs = groups.lines().filter_map(|line| cgroup_dir(line, controller));
    let dirs = dirs.flat_map(|(root, path)| {
        // In a container the path may be that of the machine; the container's own is then the root.
        let own = root.join(path.trim_start_matches('/'));
        own.ancestors().take_while(|dir| dir.starts_with(&root)).map(Path::to_owned).collect::<Vec<_>>()
    });
    let reclaimable = |dir: &Path| if controller == "memory" { inactive_file_bytes(dir) } else { 0 };
    let room = |dir: PathBuf| {
        let (most, used) = (number(dir.join(max))?, number(dir.join(current))?);
        let left = most.saturating_sub(used.saturating_sub(reclaimable(&dir)));
        Some(Room { limit: format!("{max} of its cgroup"), left })
    };
    dirs.filter_map(room).collect()
}

/// Root folder and path of a line of `/proc/self/cgroup`, `ID:CONTROLLERS:PATH`, if it is about this controller. Of the second
/// version it is about all.
fn cgroup_dir<'a>(line: &'a str, controller: &str) -> Option<(PathBuf, &'a str)> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    if controllers.is_empty() {
        Some((PathBuf::from(CGROUPS), path))
    } else {
        controllers
            .split(',')
            .any(|it| it == controller)
            .then(|| (Path::new(CGROUPS).join(controllers), path))
    }
}

/// Cached pages of a cgroup, which the kernel frees for others.
fn inactive_file_bytes(dir: &Path) -> u64 {
    let stat = read_to_string(dir.join("memory.stat")).unwrap_or_default();
    let lines = stat.lines().filter_map(|line| line.strip_prefix("inactive_file "));
    lines.filter_map(|bytes| bytes.parse::<u64>().ok()).sum()
}

/// The number in a file; `None` for `max`, which is no limit.
fn number(file: PathBuf) -> Option<u64> {
    read_to_string(file).ok()?.trim().parse().ok()
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(limit: &str, left: u64) -> Room {
        Room { limit: limit.to_owned(), left }
    }

    #[test]
    fn the_narrowest_limit_refuses_in_one_sentence() {
        let rooms = [room("kernel.pid_max", 5000), room("pids.max of its cgroup", 100)];
        assert_eq!(check(25, "processes", 100, 1, &rooms), Ok(()));
        let refused = [
            check(26, "processes", 104, 1, &rooms).unwrap_err(),
            check(1000, "MiB of memory", 1000 * MIB + 1, MIB, &[room("this machine", 999 * MIB)])
                .unwrap_err(),
        ];
        insta::assert_snapshot!(refused.join("\n"), @"
        26 real processes need up to 104 processes, but pids.max of its cgroup leaves 100; lower process_count, children_max or memory_max, or raise the limit
        1000 real processes need up to 1001 MiB of memory, but this machine leaves 999; lower process_count, children_max or memory_max, or raise the limit
        ");
        assert_eq!(check(1000, "processes", 4000, 1, &[]), Ok(()), "no limit is known");
    }

    #[test]
    fn lines_of_both_versions_of_cgroups_are_read() {
        let dir = |line| cgroup_dir(line, "pids").map(|(root, path)| (root.display().to_string(), path));
        assert_eq!(dir("0::/user.slice/a:b"), Some(("/sys/fs/cgroup".to_owned(), "/user.slice/a:b")));
        assert_eq!(dir("8:pids:/docker/7"), Some(("/sys/fs/cgroup/pids".to_owned(), "/docker/7")));
        assert_eq!(dir("3:cpu,pids:/"), Some(("/sys/fs/cgroup/cpu,pids".to_owned(), "/")));
        assert_eq!((dir("4:memory:/x"), dir("9:name=systemd:/"), dir("")), (None, None, None));
    }

    #[test]
    fn this_machine_has_room_for_a_process_and_not_for_all() {
        assert_eq!(make_room(1, 0), Ok(()));
        let refused = make_room(usize::MAX, 0).unwrap_err();
        assert!(refused.contains("real processes need up to"), "{refused}");
        let refused = make_room(1, u64::MAX).unwrap_err();
        assert!(refused.contains("MiB of memory, but "), "{refused}");
    }
}
