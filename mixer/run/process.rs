//! Processes as Linux reports them in `/proc`, read with procfs-core: proc(5).
//!
//! Where there is no `/proc`, all readings are `None`.

use std::fs::read_dir;

use procfs_core::process::{LimitValue, Limits, Stat, Status};
use procfs_core::{ExplicitSystemInfo, FromRead, FromReadSI, KernelStats};

/// Clock ticks per second in `/proc`: `USER_HZ` is 100 on all architectures that Rust's standard library supports.
const TICKS_PER_SEC: u16 = 100;

/// Start of a process, in clock ticks since boot. `None` if no such process runs; a zombie does not.
#[must_use]
pub fn start_ticks(pid: u32) -> Option<u64> {
    let stat = Stat::from_file(format!("/proc/{pid}/stat")).ok()?;
    let is_zombie = matches!(stat.state, 'Z' | 'X');
    (!is_zombie).then_some(stat.starttime)
}

/// CPU that this process has used, in seconds.
#[must_use]
pub fn cpu_seconds() -> Option<f64> {
    let stat = own_stat()?;
    Some(seconds(stat.utime + stat.stime))
}

/// Start of this process, in seconds since the Unix epoch.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "seconds since the epoch are far below 2^53")]
pub fn start_time_seconds() -> Option<f64> {
    // Required by the parser; only the boot time is read.
    let system = ExplicitSystemInfo {
        boot_time_secs: 0,
        ticks_per_second: TICKS_PER_SEC.into(),
        page_size: 0,
        is_little_endian: cfg!(target_endian = "little"),
    };
    let boot_secs = KernelStats::from_file("/proc/stat", &system).ok()?.btime;
    Some(boot_secs as f64 + seconds(own_stat()?.starttime))
}

/// Resident memory of this process, in bytes.
#[must_use]
pub fn resident_memory_bytes() -> Option<f64> {
    own_status()?.vmrss.map(bytes)
}

/// Virtual memory of this process, in bytes.
#[must_use]
pub fn virtual_memory_bytes() -> Option<f64> {
    own_status()?.vmsize.map(bytes)
}

/// Number of file descriptors that this process has open.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "there are never so many")]
pub fn open_fds() -> Option<f64> {
    let listed = read_dir("/proc/self/fd").ok()?.count();
    // One of them was the list itself.
    Some(listed.saturating_sub(1) as f64)
}

/// Number of file descriptors that this process may have open.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
pub fn max_fds() -> Option<f64> {
    Some(match Limits::from_file("/proc/self/limits").ok()?.max_open_files.soft_limit {
        LimitValue::Unlimited => f64::INFINITY,
        LimitValue::Value(count) => count as f64,
    })
}

fn own_stat() -> Option<Stat> {
    Stat::from_file("/proc/self/stat").ok()
}

fn own_status() -> Option<Status> {
    Status::from_file("/proc/self/status").ok()
}

#[expect(clippy::cast_precision_loss, reason = "it takes millions of years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / f64::from(TICKS_PER_SEC)
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn bytes(kib: u64) -> f64 {
    kib as f64 * 1024.0
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::clock::wall_now;

    #[test]
    fn a_process_has_a_start_while_it_runs_and_none_as_a_zombie() {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let (first, own) = (start_ticks(cat.id()).unwrap(), start_ticks(std::process::id()).unwrap());
        assert!(first >= own, "{first} is before {own}");
        assert_eq!(start_ticks(cat.id()), Some(first));
        drop(cat.stdin.take());
        let deadline = wall_now().unix_secs() + 10.0;
        while start_ticks(cat.id()).is_some() {
            assert!(wall_now().unix_secs() < deadline, "it ends without its input");
            std::thread::yield_now();
        }
        cat.wait().unwrap();
        assert_eq!(start_ticks(cat.id()), None);
        assert_eq!(start_ticks(0), None);
    }

    #[test]
    fn readings_of_this_process_have_the_right_units() {
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
