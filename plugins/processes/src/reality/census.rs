//! What Linux tells of process groups: `/proc`, as proc(5) describes it.

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};

/// Clock ticks in a second, as `/proc` counts them: `USER_HZ` is 100 on all architectures that Rust's standard
/// library runs on.
const TICKS_PER_SEC: f64 = 100.0;

/// A group, all its members together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Count {
    /// The processor time of all that are in it, and of all that have ended and were waited for, in seconds.
    pub(super) cpu_seconds: f64,
    /// Resident memory, in bytes; what several share is counted for each.
    pub(super) memory_bytes: f64,
    pub(super) threads: u32,
    pub(super) open_fds: u32,
    /// When its leader began, in seconds since the boot.
    pub(super) start_secs: f64,
    /// Whether the leader lives.
    pub(super) is_led: bool,
    /// How many live beside the leader.
    pub(super) others: u32,
}

/// Some of the fields of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    /// Only its remains are left (a zombie).
    is_dead: bool,
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
            is_dead: matches!(*field(3)?, "Z" | "X"),
            group: field(5)?.parse().ok()?,
            cpu_ticks: (14..=17).map(number).sum::<Option<u64>>()?,
            threads: field(20)?.parse().ok()?,
            start_ticks: number(22)?,
        })
    }
}

/// Counts the groups that these lead.
pub(super) fn census(leaders: impl Iterator<Item = u32>) -> BTreeMap<u32, Count> {
    let mut groups = BTreeMap::new();
    // Leaders first: whose end is waited for meanwhile is then missed once, and not counted twice.
    for leader in leaders {
        let mut count = Count::default();
        if let Some(stat) = Stat::of(leader) {
            count.start_secs = seconds(stat.start_ticks);
            count.is_led = !stat.is_dead;
            count.add(leader, &stat);
        }
        groups.insert(leader, count);
    }
    let entries = read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    for pid in pids.filter(|_| !groups.is_empty()).collect::<Vec<_>>() {
        if groups.contains_key(&pid) {
            continue;
        }
        if let Some(stat) = Stat::of(pid)
            && let Some(count) = groups.get_mut(&stat.group)
        {
            count.others += u32::from(!stat.is_dead);
            count.add(pid, &stat);
        }
    }
    groups
}

impl Count {
    fn add(&mut self, pid: u32, stat: &Stat) {
        self.cpu_seconds += seconds(stat.cpu_ticks);
        if !stat.is_dead {
            self.threads += stat.threads;
            self.memory_bytes += resident_bytes(pid).unwrap_or(0.0);
            let open = read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
            self.open_fds += u32::try_from(open).unwrap_or(u32::MAX);
        }
    }
}

/// When the machine was started, in seconds since the Unix epoch.
pub(super) fn boot_time_seconds() -> Option<f64> {
    line("/proc/stat", "btime ")?.trim().parse().ok()
}

/// How long that is ago.
pub(super) fn since_boot_seconds() -> Option<f64> {
    read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()
}

fn resident_bytes(pid: u32) -> Option<f64> {
    let size = line(&format!("/proc/{pid}/status"), "VmRSS:")?;
    let kib: f64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// What stands behind a line's beginning.
fn line(path: &str, beginning: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned)
}

#[expect(clippy::cast_precision_loss, reason = "it takes millions of years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SEC
}
