//! `--max-memory`: its value, and its default from the memory of the machine.

use promemu_core::config::parse_size;
use promemu_core::error::Error;

/// Files with the limits of control groups, of the second and the first version.
const GROUP_LIMITS: [&str; 2] = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// The limit in bytes; half of the memory by default.
pub(super) fn max_memory(given: Option<&str>) -> Result<usize, Error> {
    let Some(text) = given else { return Ok(available().map_or(usize::MAX, |bytes| bytes / 2)) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "above 0, and saturating")]
    match parse_size(text) {
        Some(bytes) if bytes >= 1.0 => Ok(bytes as usize),
        _ => Err(Error::Usage(format!(
            "--max-memory or PME_MAX_MEMORY: {text:?} is not a size; write it as in 2GiB"
        ))),
    }
}

/// The memory of the machine, or of the control group if that has less. `None` if it is not known.
fn available() -> Option<usize> {
    let group =
        GROUP_LIMITS.iter().filter_map(|path| std::fs::read_to_string(path).ok()?.trim().parse().ok());
    group.chain(machine()).min()
}

fn machine() -> Option<usize> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: usize = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}
