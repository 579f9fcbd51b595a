//! Identity of a run: the series `promemu_run_info` in every group it pushes, and the liveness of its process.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use indexmap::IndexMap;

use super::groups::{GatewayGroup, SHARD};
use crate::process::start_ticks;
use promemu_core::metric::MetricType;
use promemu_core::rng::{fnv1a, random_seed};
use promemu_core::series::{Family, LabelBlock, SeriesStore};
use promemu_core::time::Span;

/// The family that marks a group as promemu's.
pub(super) const RUN_INFO: &str = "promemu_run_info";

/// A process, distinct from a later one with the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The machine since its last boot, and the pid namespace.
    pub machine: String,
    /// The number and the start time, as `NUMBER-TICKS`.
    pub pid: String,
}

impl Process {
    /// This process. Parts that the system does not show (no `/proc`) are left out.
    #[must_use]
    pub fn current() -> Self {
        let read =
            |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let host_name = read("/proc/sys/kernel/hostname");
        let boot = read("/proc/sys/kernel/random/boot_id");
        let pid_space = std::fs::read_link("/proc/self/ns/pid")
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        let host_name = if host_name.is_empty() { "unknown" } else { &host_name };
        let mark = fnv1a(format!("{host_name} {boot} {pid_space}").as_bytes()) >> 32;
        let number = std::process::id();
        let pid = start_ticks(number).map_or_else(|| number.to_string(), |ticks| format!("{number}-{ticks}"));
        Self { machine: format!("{host_name}-{mark:08x}"), pid }
    }
}

/// Liveness of the process of a `pid` label; `None` if it cannot be found out.
pub(super) fn is_alive(pid: &str) -> Option<bool> {
    let (number, ticks) = pid.split_once('-')?;
    let (number, ticks): (u32, u64) = (number.parse().ok()?, ticks.parse().ok()?);
    // Where other users' processes are hidden, a process that is not seen may be alive.
    start_ticks(1)?;
    Some(start_ticks(number) == Some(ticks))
}

/// Ids of the runs of this process that have ended, though it lives.
static ENDED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The labels of `promemu_run_info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// The run.
    pub run_id: String,
    /// Its config.
    pub config: String,
    /// The version of promemu.
    pub version: String,
    /// The process that pushes.
    pub process: Process,
    /// The time between two of its pushes.
    pub push_interval: Span,
    /// The number of its shard, if it is one of several: a label of its groups.
    pub shard: Option<String>,
}

impl RunInfo {
    /// A new run of this process.
    #[must_use]
    pub fn new(config: &str, push_interval: Span) -> Self {
        Self {
            run_id: format!("{:016x}", random_seed()),
            config: config.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            process: Process::current(),
            push_interval,
            shard: None,
        }
    }

    /// The same run as one of several shards.
    #[must_use]
    pub fn of_shard(self, shard: Option<u32>) -> Self {
        Self { shard: shard.map(|number| number.to_string()), ..self }
    }

    /// `true` for a group that a run of the same shard would push. Those of other shards are none of its concern.
    pub(super) fn is_of_shard(&self, group: &GatewayGroup) -> bool {
        group.shard() == self.shard.as_deref()
    }

    /// The run has ended. Groups that it leaves behind are like those of a process that is gone.
    pub(super) fn mark_ended(&self) {
        ENDED.lock().unwrap_or_else(PoisonError::into_inner).insert(self.run_id.clone());
    }

    /// `true` if it was a run of this process and has ended.
    pub(super) fn has_ended_here(&self) -> bool {
        ENDED.lock().unwrap_or_else(PoisonError::into_inner).contains(&self.run_id)
    }

    pub(super) fn from_labels(labels: &IndexMap<String, String>) -> Option<Self> {
        let get = |name: &str| labels.get(name).cloned();
        Some(Self {
            run_id: get("run_id")?,
            config: get("config").unwrap_or_default(),
            version: get("version").unwrap_or_default(),
            process: Process { machine: get("machine")?, pid: get("pid")? },
            push_interval: Span::from_secs_f64(get("push_interval")?.parse().ok()?)?,
            shard: get(SHARD),
        })
    }

    /// A store with the one series that each of the run's groups carries.
    #[must_use]
    pub fn store(&self) -> SeriesStore {
        let interval = self.push_interval.as_secs_f64().to_string();
        let labels = LabelBlock::new([
            ("run_id", self.run_id.as_str()),
            ("config", &self.config),
            ("version", &self.version),
            ("machine", &self.process.machine),
            ("pid", &self.process.pid),
            ("push_interval", &interval),
        ]);
        let help = "the promemu run that pushes this group";
        SeriesStore::single(Family::new(RUN_INFO, help, MetricType::Gauge), labels, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_info_survives_its_labels() {
        let run = RunInfo::new("c", Span::from_secs(15));
        let store = run.store();
        let sample = store.samples(0).next().unwrap();
        let labels = sample.host_labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        assert_eq!(RunInfo::from_labels(&labels), Some(run));
    }

    #[test]
    fn a_process_that_was_killed_and_not_waited_for_is_dead() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let pid = format!("{}-{}", child.id(), start_ticks(child.id()).unwrap());
        assert_eq!(is_alive(&pid), Some(true));
        child.kill().unwrap();
        let is_dead = (0..1000).any(|_| {
            std::thread::yield_now();
            std::thread::park_timeout(std::time::Duration::from_millis(5));
            is_alive(&pid) == Some(false)
        });
        assert!(is_dead);
        child.wait().unwrap();
    }
}
