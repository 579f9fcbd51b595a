//! SIGHUP, which a process gets when its terminal is closed: under nohup that is no reason to stop.

/// `true` if SIGHUP, signal 1, was ignored when the process started (proc(5)).
pub(crate) fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
