//! Statistics of process groups, from `/proc` as proc(5) describes it.

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};

/// Clock ticks per second in `/proc`: `USER_HZ` is 100 on all architectures that Rust's standard library supports.
const TICKS_PER_SEC: f64 = 100.0;

/// Sums over all members of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct GroupStats {
    /// CPU of all members, and of all ended ones that were waited for, in seconds.
    pub(super) cpu_seconds: f64,
    /// Resident memory in bytes; shared pages count once per member.
    pub(super) memory_bytes: f64,
    pub(super) threads: u32,
    pub(super) open_fds: u32,
    /// Start of the leader, in seconds since boot.
    pub(super) start_secs: f64,
    /// `true` if the leader runs.
    pub(super) has_leader: bool,
    /// Running members beside the leader.
    pub(super) others: u32,
}

/// Some of the fields of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    is_zombie: bool,
    group: u32,
    /// Its own, and that of its children that it has waited for.
    cpu_ticks: u64,
    threads: u32,
    start_ticks: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The second field is the command in brackets, and may hold blanks and brackets itself.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Numbered as in proc(5), where the state is field 3.
        let field = |number: usize| fields.get(number - 3);
        let number = |at: usize| field(at)?.parse::<u64>().ok();
        Some(Self {
            is_zombie: matches!(*field(3)?, "Z" | "X"),
            group: field(5)?.parse().ok()?,
            cpu_ticks: (14..=17).map(number).sum::<Option<u64>>()?,
            threads: field(20)?.parse().ok()?,
            start_ticks: number(22)?,
        })
    }
}

/// Statistics of the groups with these leaders.
pub(super) fn read_groups(leaders: impl Iterator<Item = u32>) -> BTreeMap<u32, GroupStats> {
    let mut groups = BTreeMap::new();
    // Leaders first: a member that its leader waits for meanwhile is then missed once instead of counted twice.
    for leader in leaders {
        let mut stats = GroupStats::default();
        if let Some(stat) = Stat::of(leader) {
            stats.start_secs = seconds(stat.start_ticks);
            stats.has_leader = !stat.is_zombie;
            stats.add(leader, &stat);
        }
        groups.insert(leader, stats);
    }
    if groups.is_empty() {
        return groups;
    }
    let entries = read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids.collect::<Vec<_>>() {
        if groups.contains_key(&pid) {
            continue;
        }
        if let Some(stat) = Stat::of(pid)
            && let Some(stats) = groups.get_mut(&stat.group)
        {
            stats.others += u32::from(!stat.is_zombie);
            stats.add(pid, &stat);
        }
    }
    groups
}

impl GroupStats {
    fn add(&mut self, pid: u32, stat: &Stat) {
        self.cpu_seconds += seconds(stat.cpu_ticks);
        if !stat.is_zombie {
            self.threads += stat.threads;
            self.memory_bytes += resident_bytes(pid).unwrap_or(0.0);
            let open = read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
            self.open_fds += u32::try_from(open).unwrap_or(u32::MAX);
        }
    }
}

/// Boot of this machine, in seconds since the Unix epoch.
pub(super) fn boot_time_seconds() -> Option<f64> {
    line("/proc/stat", "btime ")?.trim().parse().ok()
}

/// Seconds since boot.
pub(super) fn uptime_seconds() -> Option<f64> {
    read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()
}

fn resident_bytes(pid: u32) -> Option<f64> {
    let size = line(&format!("/proc/{pid}/status"), "VmRSS:")?;
    let kib: f64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// Rest of the first line that begins so.
fn line(path: &str, beginning: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned)
}

#[expect(clippy::cast_precision_loss, reason = "it takes millions of years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SEC
}
