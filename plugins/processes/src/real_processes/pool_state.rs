//! Desired and observed state of the real processes.

use crate::Process;

/// Desired state of one real process.
#[derive(Clone, Debug)]
pub(super) struct ProcessSpec {
    /// Pid of the simulated process. Another pid is another process.
    pub(super) simulated_pid: u32,
    pub(super) name: String,
    /// CPU to use from now on, in cores.
    pub(super) cores: f64,
    /// CPU that the simulated process has used, in seconds.
    pub(super) cpu_seconds: f64,
    /// Memory to use from now on, in bytes.
    pub(super) memory_bytes: f64,
}

/// Desired state of each slot, at a time in seconds since an arbitrary start.
#[derive(Clone, Debug, Default)]
pub(super) struct PoolSpec {
    pub(super) now_secs: f64,
    pub(super) slots: Vec<Option<ProcessSpec>>,
}

/// Observed state of one real process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ProcessStatus {
    /// As [`ProcessSpec::simulated_pid`].
    pub(super) simulated_pid: u32,
    pub(super) pid: u32,
    pub(super) cpu_seconds: f64,
    pub(super) memory_bytes: f64,
    pub(super) threads: u32,
    pub(super) open_fds: u32,
    /// Since the Unix epoch.
    pub(super) start_time_seconds: f64,
    pub(super) uptime_seconds: f64,
}

impl ProcessStatus {
    /// The simulated process with the pid and the values of the real one.
    pub(super) fn process<'a>(&self, simulated: Process<'a>) -> Process<'a> {
        Process {
            pid: self.pid,
            cpu_seconds: self.cpu_seconds,
            memory_bytes: self.memory_bytes,
            threads: self.threads,
            open_fds: self.open_fds,
            start_time_seconds: self.start_time_seconds,
            uptime_seconds: self.uptime_seconds,
            ..simulated
        }
    }
}

/// Observed state of all slots.
#[derive(Debug, Default)]
pub(super) struct PoolStatus {
    pub(super) processes: Vec<Option<ProcessStatus>>,
    /// Share of its demand for memory that each process gets; 0 before the first round.
    pub(super) memory_share: f64,
    /// Latest failure, for the log.
    pub(super) warning: Option<String>,
}
