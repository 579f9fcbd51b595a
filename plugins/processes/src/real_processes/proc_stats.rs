//! Statistics of process groups, from `/proc` as proc(5) describes it.

use std::collections::BTreeMap;
use std::fs::read_dir;

use procfs_core::process::Stat;
use procfs_core::{ExplicitSystemInfo, FromRead, FromReadSI, KernelStats, Uptime};

/// Clock ticks per second in `/proc`: `USER_HZ` is 100 on all architectures that Rust's standard library supports.
const TICKS_PER_SEC: u16 = 100;

/// Sums over all members of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct GroupStats {
    /// CPU of all members, and of all ended ones that were waited for, in seconds.
    pub(super) cpu_seconds: f64,
    /// Resident memory in bytes; shared pages count once per member.
    pub(super) memory_bytes: f64,
    /// The part of it of programs that hold memory.
    pub(super) held_bytes: f64,
    pub(super) threads: u32,
    pub(super) open_fds: u32,
    /// Start of the leader, in seconds since boot.
    pub(super) start_secs: f64,
    /// `true` if the leader runs.
    pub(super) has_leader: bool,
    /// Running members beside the leader.
    pub(super) others: u32,
}

fn read_stat(pid: u32) -> Option<Stat> {
    Stat::from_file(format!("/proc/{pid}/stat")).ok()
}

fn is_zombie(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X')
}

/// Statistics of the groups with these leaders.
pub(super) fn read_groups(leaders: impl Iterator<Item = u32>) -> BTreeMap<u32, GroupStats> {
    let mut groups = BTreeMap::new();
    // Leaders first: a member that its leader waits for meanwhile is then missed once instead of counted twice.
    for leader in leaders {
        let mut stats = GroupStats::default();
        if let Some(stat) = read_stat(leader) {
            stats.start_secs = seconds(stat.starttime);
            stats.has_leader = !is_zombie(&stat);
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
        if let Some(stat) = read_stat(pid)
            && let Ok(group) = u32::try_from(stat.pgrp)
            && let Some(stats) = groups.get_mut(&group)
        {
            stats.others += u32::from(!is_zombie(&stat));
            stats.add(pid, &stat);
        }
    }
    groups
}

impl GroupStats {
    /// Memory that the group must hold beside that of its other programs, to use this much.
    pub(super) fn missing_bytes(&self, wanted_bytes: f64) -> f64 {
        (wanted_bytes - (self.memory_bytes - self.held_bytes)).max(0.0)
    }

    fn add(&mut self, pid: u32, stat: &Stat) {
        // Its own, and that of its children that it has waited for.
        let children_ticks = u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
        self.cpu_seconds += seconds(stat.utime + stat.stime + children_ticks);
        if !is_zombie(stat) {
            self.threads += u32::try_from(stat.num_threads).unwrap_or(0);
            let resident = resident_bytes(stat);
            self.memory_bytes += resident;
            if stat.comm == "dd" {
                self.held_bytes += resident;
            }
            let open = read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
            self.open_fds += u32::try_from(open).unwrap_or(u32::MAX);
        }
    }
}

/// Boot of this machine, in seconds since the Unix epoch.
#[expect(clippy::cast_precision_loss, reason = "seconds since the epoch are far below 2^53")]
pub(super) fn boot_time_seconds() -> Option<f64> {
    // Required by the parser; only the boot time is read.
    let system = ExplicitSystemInfo {
        boot_time_secs: 0,
        ticks_per_second: TICKS_PER_SEC.into(),
        page_size: 0,
        is_little_endian: cfg!(target_endian = "little"),
    };
    Some(KernelStats::from_file("/proc/stat", &system).ok()?.btime as f64)
}

/// Seconds since boot.
pub(super) fn uptime_seconds() -> Option<f64> {
    Uptime::from_file("/proc/uptime").ok().map(|it| it.uptime)
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn resident_bytes(stat: &Stat) -> f64 {
    stat.rss as f64 * rustix::param::page_size() as f64
}

#[expect(clippy::cast_precision_loss, reason = "it takes millions of years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / f64::from(TICKS_PER_SEC)
}
