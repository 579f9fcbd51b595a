//! What Linux tells of processes: `/proc`, as proc(5) describes it.
//!
//! Elsewhere nothing is known, and all readings are `None`.

use std::fs::{read_dir, read_to_string};

/// Clock ticks in a second, as `/proc` counts them: `USER_HZ` is 100 on all architectures that Rust's
/// standard library runs on.
const TICKS_PER_SEC: f64 = 100.0;

/// Some of the fields of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Only the process's remains are left (a zombie).
    pub is_dead: bool,
    /// The processor time that it has used, in clock ticks.
    pub cpu_ticks: u64,
    /// When it started, in clock ticks since the boot.
    pub start_ticks: u64,
}

impl Stat {
    /// Of the process with this number, or of `self`; `None` if there is no such process.
    #[must_use]
    pub fn of(pid: &str) -> Option<Self> {
        Self::parse(&read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(stat: &str) -> Option<Self> {
        // The second field is the command in brackets, and may hold blanks and brackets itself.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        // Numbered as in proc(5), where the state is field 3.
        let field = |number: usize| fields.get(number - 3);
        let ticks = |number: usize| field(number)?.parse::<u64>().ok();
        Some(Self {
            is_dead: matches!(*field(3)?, "Z" | "X"),
            cpu_ticks: ticks(14)? + ticks(15)?,
            start_ticks: ticks(22)?,
        })
    }
}

/// The processor time that this process has used, in seconds.
#[must_use]
pub fn cpu_seconds() -> Option<f64> {
    Some(seconds(Stat::of("self")?.cpu_ticks))
}

/// When this process started, in seconds since the Unix epoch.
#[must_use]
pub fn start_time_seconds() -> Option<f64> {
    let boot: f64 = line("/proc/stat", "btime ")?.trim().parse().ok()?;
    Some(boot + seconds(Stat::of("self")?.start_ticks))
}

/// The memory of this process that is in use, in bytes.
#[must_use]
pub fn resident_memory_bytes() -> Option<f64> {
    memory_bytes("VmRSS:")
}

/// The memory that this process has addresses for, in bytes.
#[must_use]
pub fn virtual_memory_bytes() -> Option<f64> {
    memory_bytes("VmSize:")
}

/// How many files, sockets and the like this process has open.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "there are never so many")]
pub fn open_fds() -> Option<f64> {
    let listed = read_dir("/proc/self/fd").ok()?.count();
    // One of them was the list itself.
    Some(listed.saturating_sub(1) as f64)
}

/// How many it may have open.
#[must_use]
pub fn max_fds() -> Option<f64> {
    let limits = line("/proc/self/limits", "Max open files")?;
    match limits.split_whitespace().next()? {
        "unlimited" => Some(f64::INFINITY),
        soft => soft.parse().ok(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "it takes millions of years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SEC
}

fn memory_bytes(field: &str) -> Option<f64> {
    let size = line("/proc/self/status", field)?;
    let kib: f64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

/// What stands behind a line's beginning.
fn line(path: &str, beginning: &str) -> Option<String> {
    let text = read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(beginning)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::wall_now;

    #[test]
    fn a_command_may_look_like_fields() {
        let stat = "7 (a) Z 1 (b) S 1 2 3 4 5 6 7 8 9 10 300 40 13 14 15 16 17 18 99 20";
        assert_eq!(Stat::parse(stat), Some(Stat { is_dead: false, cpu_ticks: 340, start_ticks: 99 }));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(Stat::of("0"), None);
    }

    #[test]
    fn this_process_is_told_of_in_the_right_units() {
        let now = wall_now().unix_secs();
        let age = now - start_time_seconds().unwrap();
        assert!((-2.0..86_400.0).contains(&age), "it started {age} s ago");
        assert!((0.0..86_400.0).contains(&cpu_seconds().unwrap()));
        let (resident, virtual_) = (resident_memory_bytes().unwrap(), virtual_memory_bytes().unwrap());
        assert!((1e6..1e11).contains(&resident) && resident <= virtual_, "{resident} of {virtual_}");
        let before = open_fds().unwrap();
        let _files: Vec<_> = (0..50).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        assert!(open_fds().unwrap() >= before.min(3.0) + 50.0 && max_fds().unwrap() > before);
    }
}
