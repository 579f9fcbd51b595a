//! Whose a group is, and whether its owner still lives.
//!
//! Every pushed group carries one series that names the run, the machine and the process. A group without
//! it is a stranger's and is never touched.

use indexmap::IndexMap;

use super::groups::GatewayGroup;
use crate::process::start_ticks;
use promemu_core::metric::MetricType;
use promemu_core::rng::{fnv1a, random_seed};
use promemu_core::series::{Family, LabelBlock, SeriesStore};
use promemu_core::time::{Span, Time};

/// The family that marks a group as promemu's.
pub(super) const RUN_INFO: &str = "promemu_run_info";

/// A run that lives pushes at least this often, or every third interval.
const SILENCE_MIN: Span = Span::from_secs(60);
const SILENT_INTERVALS: u64 = 3;

/// A process, told apart from a later one with the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Names the machine since its last boot, and the space in which process numbers count.
    pub machine: String,
    /// The number and the start time, as `NUMBER-TICKS`.
    pub pid: String,
}

impl Process {
    /// This process. Where the system does not tell (no `/proc`), the parts that are missing are left out.
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

/// Liveness of the process of a `pid` label; `None` if it is unknown.
fn is_alive(pid: &str) -> Option<bool> {
    let (number, ticks) = pid.split_once('-')?;
    let (number, ticks): (u32, u64) = (number.parse().ok()?, ticks.parse().ok()?);
    // Where other users' processes are hidden, one that is not seen may live.
    start_ticks(1)?;
    Some(start_ticks(number) == Some(ticks))
}

/// What `promemu_run_info` says.
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
    /// How often it pushes.
    pub push_interval: Span,
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
        }
    }

    pub(super) fn from_labels(labels: &IndexMap<String, String>) -> Option<Self> {
        let get = |name: &str| labels.get(name).cloned();
        Some(Self {
            run_id: get("run_id")?,
            config: get("config").unwrap_or_default(),
            version: get("version").unwrap_or_default(),
            process: Process { machine: get("machine")?, pid: get("pid")? },
            push_interval: Span::from_secs_f64(get("push_interval")?.parse().ok()?)?,
        })
    }

    /// The one series that each of the run's groups carries.
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

    /// Whose a group is. A run of this machine is looked up; one elsewhere is judged by its silence: no
    /// living run is so late.
    #[must_use]
    pub fn judge(&self, group: &GatewayGroup, now: Time) -> Verdict {
        let Some(run) = &group.run else { return Verdict::Stranger };
        if run.run_id == self.run_id {
            return Verdict::Own;
        }
        if run.process.machine == self.process.machine
            && let Some(alive) = is_alive(&run.process.pid)
        {
            return if alive { Verdict::Alive } else { Verdict::Orphan };
        }
        let patience = run.push_interval.times(SILENT_INTERVALS).max(SILENCE_MIN);
        let silence = now.since(group.pushed_at);
        if silence > patience {
            Verdict::Orphan
        } else {
            Verdict::Unclear { orphan_in: patience.minus(silence) }
        }
    }
}

/// Whose a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This run's.
    Own,
    /// That of a run that is over.
    Orphan,
    /// That of a run that may be over: it is if it stays silent for so long.
    Unclear {
        /// From now.
        orphan_in: Span,
    },
    /// That of a run that is alive.
    Alive,
    /// Not promemu's.
    Stranger,
}

/// Why a job cannot be pushed.
pub(super) fn describe_conflict(job: &str, group: &GatewayGroup, verdict: Verdict) -> String {
    match (&group.run, verdict) {
        (Some(run), Verdict::Unclear { orphan_in }) => {
            let RunInfo { config, process: Process { machine, pid }, .. } = run;
            let secs = orphan_in.as_secs_f64();
            format!(
                "job {job:?} on the pushgateway was pushed lately by a promemu elsewhere (config {config:?}, pid {pid} \
                 on {machine}); it is taken over when that has been silent for {secs:.0} s more"
            )
        }
        (Some(run), _) => format!(
            "job {job:?} on the pushgateway belongs to a promemu that is alive (config {:?}, pid {} on {}); stop it, \
             or choose another job name",
            run.config, run.process.pid, run.process.machine
        ),
        (None, _) => format!(
            "job {job:?} on the pushgateway was pushed by something else and is not touched; choose another job \
             name, or delete it by hand"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Time {
        Time::from_unix_secs(1_767_600_000)
    }

    fn seconds_ago(secs: u64) -> Time {
        Time::from_unix_secs(1_767_600_000 - secs)
    }

    #[test]
    fn run_info_survives_its_labels() {
        let run = RunInfo::new("c", Span::from_secs(15));
        let store = run.store();
        let sample = store.samples(0).next().unwrap();
        let labels = sample.host_labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        assert_eq!(RunInfo::from_labels(&labels), Some(run));
    }

    fn group(run: &RunInfo, pushed_at: Time) -> GatewayGroup {
        GatewayGroup { grouping: IndexMap::new(), pushed_at, run: Some(run.clone()) }
    }

    #[test]
    fn a_process_of_this_machine_is_looked_up() {
        let own = RunInfo::new("c", Span::from_secs(15));
        let judge = |run: &RunInfo| own.judge(&group(run, seconds_ago(9999)), now());
        assert_eq!(judge(&own), Verdict::Own);
        let mut other = RunInfo { run_id: "other".into(), ..own.clone() };
        assert_eq!(judge(&other), Verdict::Alive, "its process lives, however long it was silent");
        other.process.pid = format!("{}-1", std::process::id());
        assert_eq!(judge(&other), Verdict::Orphan, "another process had the same number");
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

    #[test]
    fn a_run_elsewhere_is_judged_by_its_silence() {
        let own = RunInfo::new("c", Span::from_secs(15));
        let mut elsewhere = RunInfo { run_id: "other".into(), ..own.clone() };
        elsewhere.process.machine = "other-00000000".into();
        let judge = |run: &RunInfo, secs| own.judge(&group(run, seconds_ago(secs)), now());
        assert_eq!(judge(&elsewhere, 50), Verdict::Unclear { orphan_in: Span::from_secs(10) });
        assert_eq!(judge(&elsewhere, 61), Verdict::Orphan);
        elsewhere.push_interval = Span::from_secs(60);
        assert_eq!(judge(&elsewhere, 179), Verdict::Unclear { orphan_in: Span::from_secs(1) });
        assert_eq!(judge(&elsewhere, 181), Verdict::Orphan);
        let stranger = GatewayGroup { run: None, ..group(&own, now()) };
        assert_eq!(own.judge(&stranger, now()), Verdict::Stranger);
    }
}
