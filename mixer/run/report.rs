//! The report that every run ends with. Data only.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The report of a run that is over.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RunReport {
    /// The reason of the end.
    pub reason: EndReason,
    /// The error it failed with; null if it did not fail.
    pub error: Option<String>,
    /// The real seconds from its first host's start, or from its history's end, to its end.
    pub ran_seconds: f64,
    /// The emulated seconds that passed meanwhile.
    pub emulated_seconds: f64,
    /// Everything that was counted.
    #[serde(flatten)]
    pub counts: RunCounts,
}

/// The reason of a run's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// All hosts have ended.
    AllHostsOver,
    /// Its workload was over on every host that has one.
    WorkloadOver,
    /// Its duration was over.
    Duration,
    /// Its timeline was over, and it had no hosts of its own.
    TimelineOver,
    /// A client of the API stopped it.
    Stopped,
    /// promemu was stopped by a signal, and the run with it.
    Signal,
    /// The readers of all its outputs have gone.
    Unread,
    /// It failed; its error says why.
    Failed,
}

impl EndReason {
    /// The reason in words, for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllHostsOver => "all hosts have ended",
            Self::WorkloadOver => "its workload is over",
            Self::Duration => "its duration is over",
            Self::TimelineOver => "its timeline is over",
            Self::Stopped => "it was stopped",
            Self::Signal => "promemu was stopped by a signal",
            Self::Unread => "the readers of its outputs have gone",
            Self::Failed => "it failed",
        }
    }
}

/// Everything that a run counts.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct RunCounts {
    /// The values that metrics were given.
    pub updates: u64,
    /// The values left out because they were overdue.
    pub updates_skipped: u64,
    /// The values and conditions that a scenario or a formula failed to give.
    pub scenario_errors: u64,
    /// The events that were emitted.
    pub events: u64,
    /// The events that were dropped.
    pub events_dropped: u64,
    /// The series that were not made because there would be too many.
    pub series_refused: u64,
    /// The hosts that have begun.
    pub hosts_begun: u64,
    /// The hosts that have ended after they had begun.
    pub hosts_ended: u64,
    /// The members of pools that have begun, as reports show them.
    pub members_begun: u64,
    /// The members of pools that have ended, alone or with their host.
    pub members_ended: u64,
    /// The simulated processes that have ended, as the last report shows; null without any.
    #[schema(inline)]
    pub processes: Option<EndedProcesses>,
    /// The pushes that arrived, of all outputs.
    pub pushes: u64,
    /// Each output, in the order in which they were given.
    pub outputs: Vec<OutputCounts>,
}

impl RunCounts {
    /// The sentence that nothing arrived, of a run that pushed and of which no output took a push.
    #[must_use]
    pub fn undelivered(&self) -> Option<String> {
        let tried: Vec<&OutputCounts> = self.outputs.iter().filter(|output| output.is_tried()).collect();
        if self.pushes > 0 || tried.is_empty() {
            return None;
        }
        let target = |output: &&OutputCounts| format!("{}={}", output.kind, output.target);
        let targets: Vec<String> = tried.iter().map(target).collect();
        Some(format!(
            "no push arrived at {}; check the address, and the log for the errors",
            targets.join(" or ")
        ))
    }
}

impl OutputCounts {
    /// `true` if something was to be pushed there.
    fn is_tried(&self) -> bool {
        self.failures > 0 || self.samples_dropped.is_some_and(|dropped| dropped > 0)
    }
}

/// The simulated processes that have ended, by cause and priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedProcesses {
    /// Those that churn replaced.
    pub churned: ByPriority,
    /// Those that were killed.
    pub killed: ByPriority,
    /// Those that reached the limit of their memory.
    pub out_of_memory: ByPriority,
}

/// A number for each priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ByPriority {
    /// Of critical processes.
    pub critical: u64,
    /// Of those of high priority.
    pub high: u64,
    /// Of those of medium priority.
    pub medium: u64,
    /// Of those of low priority.
    pub low: u64,
}

impl AddAssign for EndedProcesses {
    fn add_assign(&mut self, more: Self) {
        let Self { churned, killed, out_of_memory } = more;
        self.churned += churned;
        self.killed += killed;
        self.out_of_memory += out_of_memory;
    }
}

impl AddAssign for ByPriority {
    fn add_assign(&mut self, more: Self) {
        let Self { critical, high, medium, low } = more;
        self.critical += critical;
        self.high += high;
        self.medium += medium;
        self.low += low;
    }
}

/// Everything that is counted of one output of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutputCounts {
    /// The kind, as `--output` names it.
    pub kind: &'static str,
    /// The address or path, without secrets.
    pub target: String,
    /// The pushes that arrived; of an output that is scraped, the times that something new was published.
    pub pushes: u64,
    /// The pushes that failed.
    pub failures: u64,
    /// The bytes that arrived; 0 of an output that is scraped.
    pub sent_bytes: u64,
    /// The samples that arrived; null of an output that sends jobs.
    pub samples_sent: Option<u64>,
    /// The samples that were dropped; null of an output that sends jobs.
    pub samples_dropped: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(kind: &'static str, pushes: u64, failures: u64, samples_dropped: Option<u64>) -> OutputCounts {
        let target = "http://x".to_owned();
        OutputCounts { kind, target, pushes, failures, sent_bytes: 0, samples_sent: None, samples_dropped }
    }

    #[test]
    fn a_run_is_undelivered_if_it_pushed_and_no_output_took_anything() {
        let told = |outputs: Vec<OutputCounts>| {
            let pushes = outputs.iter().map(|output| output.pushes).sum();
            RunCounts { pushes, outputs, ..RunCounts::default() }.undelivered()
        };
        let (gateway, unsent) = (output("pushgateway", 0, 3, None), output("otlp", 0, 0, Some(5)));
        let text = told(vec![gateway.clone(), unsent.clone()]).unwrap();
        assert!(text.starts_with("no push arrived at pushgateway=http://x or otlp=http://x; "), "{text}");
        assert!(told(vec![gateway.clone(), output("scrape", 1, 0, None)]).is_none(), "a page was published");
        assert!(told(vec![unsent, output("remote-write", 1, 7, Some(9))]).is_none());
        assert!(
            told(vec![]).is_none() && told(vec![output("file", 0, 0, None)]).is_none(),
            "nothing was pushed"
        );
        assert!(told(vec![output("remote-write", 0, 0, Some(0))]).is_none());
    }
}
