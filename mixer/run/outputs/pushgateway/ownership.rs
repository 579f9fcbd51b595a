//! Ownership of a group: this run's, another run's, alive or over, or a stranger's.
//!
//! A group without `promemu_run_info` is a stranger's and is never touched.

use super::groups::GatewayGroup;
use super::jobs::Reason;
use super::run_info::{Process, RunInfo, is_alive};
use promemu_core::time::{Span, Time};

/// A live run pushes at least this often, or every third interval.
const SILENCE_MIN: Span = Span::from_secs(60);
const SILENT_INTERVALS: u64 = 3;

impl RunInfo {
    /// Ownership of a group. A run of this machine is looked up; one elsewhere is judged by its silence: no live run
    /// is that late.
    #[must_use]
    pub fn judge(&self, group: &GatewayGroup, now: Time) -> Verdict {
        let Some(run) = &group.run else { return Verdict::Stranger };
        if run.run_id == self.run_id {
            return Verdict::Own;
        }
        if run.has_ended_here() {
            return Verdict::Orphan;
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

/// Ownership of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Owned by this run.
    Own,
    /// Owned by a run that has ended.
    Orphan,
    /// Owned by a run that may have ended: it has, if nothing is pushed for this time.
    Unclear {
        /// From now.
        orphan_in: Span,
    },
    /// Owned by another live run.
    Alive,
    /// Not owned by promemu.
    Stranger,
}

/// The reason why a job that another run is about to take cannot be pushed.
pub(super) fn describe_claim(job: &str, claims: &GatewayGroup) -> Reason {
    let describe = |owner: &str| {
        format!(
            "job {job:?} on the pushgateway is being taken by a promemu that has started at the same time{owner}; stop it, or \
             choose another job name"
        )
    };
    Reason { text: describe(&owner(claims)), for_clients: describe("") }
}

/// The run that pushed a group, in parentheses.
fn owner(group: &GatewayGroup) -> String {
    let Some(RunInfo { config, process: Process { machine, pid }, .. }) = &group.run else {
        return String::new();
    };
    format!(" (config {config:?}, pid {pid} on {machine})")
}

/// The reason why a job cannot be pushed.
pub(super) fn describe_conflict(job: &str, group: &GatewayGroup, verdict: Verdict) -> Reason {
    let describe = |owner: &str| match (&group.run, verdict) {
        (Some(_), Verdict::Unclear { orphan_in }) => {
            let secs = orphan_in.as_secs_f64();
            format!(
                "job {job:?} on the pushgateway was pushed recently by a promemu on another machine{owner}; this run takes it \
                 over if it is not pushed for another {secs:.0} s"
            )
        }
        (Some(_), _) => format!(
            "job {job:?} on the pushgateway belongs to a promemu that is alive{owner}; stop it, or choose another job name"
        ),
        (None, _) => format!(
            "job {job:?} on the pushgateway was pushed by something else and is not touched; choose another job \
             name, or delete it by hand"
        ),
    };
    Reason { text: describe(&owner(group)), for_clients: describe("") }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;

    fn now() -> Time {
        Time::from_unix_secs(1_767_600_000)
    }

    fn seconds_ago(secs: u64) -> Time {
        Time::from_unix_secs(1_767_600_000 - secs)
    }

    fn group(run: &RunInfo, pushed_at: Time) -> GatewayGroup {
        GatewayGroup { grouping: IndexMap::new(), pushed_at, run: Some(run.clone()), claims: Vec::new() }
    }

    #[test]
    fn a_process_of_this_machine_is_looked_up() {
        let own = RunInfo::new("c", Span::from_secs(15));
        let judge = |run: &RunInfo| own.judge(&group(run, seconds_ago(9999)), now());
        assert_eq!(judge(&own), Verdict::Own);
        let mut other = RunInfo { run_id: "other".into(), ..own.clone() };
        assert_eq!(judge(&other), Verdict::Alive, "its process lives, however long it was silent");
        let before = RunInfo { run_id: "before".into(), ..own.clone() };
        before.mark_ended();
        assert_eq!(judge(&before), Verdict::Orphan, "its process lives, but it has ended");
        other.process.pid = format!("{}-1", std::process::id());
        assert_eq!(judge(&other), Verdict::Orphan, "another process had the same number");
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
