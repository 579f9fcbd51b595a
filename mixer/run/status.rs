//! The status report of a run, as JSON and in one line. Data only.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

use promemu_core::plural::plural;

/// Status of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The time of the report, in UTC.
    pub timestamp: String,
    /// The hosts' time, in UTC. It differs from `timestamp` at another speed than the wall's.
    pub emulated_time: String,
    /// Emulated seconds per real second.
    pub speed: f64,
    /// `true` while a host runs.
    pub is_running: bool,
    /// URL of the first Pushgateway; null if there is none.
    pub pushgateway_url: Option<String>,
    /// Time between two pushes, in seconds.
    pub push_interval: f64,
    /// Seed of all randomness.
    pub seed: u64,
    /// Number of jobs.
    pub total_jobs: usize,
    /// Number of hosts in the config.
    pub total_hosts: usize,
    /// Number of hosts that run now.
    pub active_hosts: usize,
    /// Number of families of all jobs.
    pub total_metrics: usize,
    /// Number of series that have a sample now.
    pub total_series: usize,
    /// Health of the first output.
    pub output: OutputHealth,
    /// All outputs.
    pub outputs: Vec<OutputStatus>,
    /// Counters of failed and skipped work, by name.
    pub counters: BTreeMap<&'static str, u64>,
    /// The jobs by name.
    pub jobs: IndexMap<String, JobStatus>,
}

/// Status of one output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputStatus {
    /// Its kind, in `--output`'s words.
    pub kind: &'static str,
    /// `true` if it sends samples, not jobs.
    #[serde(skip)]
    pub sends_samples: bool,
    /// Its address, without secrets.
    pub target: String,
    /// Its health.
    #[serde(flatten)]
    pub health: OutputHealth,
}

/// Health of an output.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutputHealth {
    /// Number of pushes that arrived; for an output that is scraped, number of times that something new was published.
    pub pushes: u64,
    /// Time of the last one, in UTC; null before it.
    pub last_push: Option<String>,
    /// Seconds since the server went away; null if it is there.
    pub away_for: Option<f64>,
    /// The error that shows it is away.
    pub last_error: Option<String>,
    /// Jobs that the server refuses, each with the reason.
    pub refused: IndexMap<String, String>,
}

/// Status of one job.
#[derive(Clone, Debug, Serialize)]
pub struct JobStatus {
    /// Number of its hosts.
    pub hosts_count: usize,
    /// Number of its families.
    pub metrics_count: usize,
    /// Number of hosts that are not listed below because there are too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts_not_listed: Option<usize>,
    /// The hosts' names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_names: Option<Vec<String>>,
    /// The hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostStatus>>,
}

/// Status of one host.
#[derive(Clone, Debug, Serialize)]
pub struct HostStatus {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: IndexMap<String, String>,
    /// `true` while it runs.
    pub is_running: bool,
    /// Its emulated start, in UTC; null before it.
    pub start_time: Option<String>,
    /// Emulated seconds since its start.
    pub uptime: f64,
    /// Emulated seconds until its end; null if it has none.
    pub ttl_remaining: Option<f64>,
    /// Number of its metrics.
    pub metrics_count: usize,
    /// The metrics' values, if the settings ask for them: the value of a gauge or a counter, the number of observations
    /// of a histogram; null without a sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<IndexMap<String, Option<f64>>>,
}

impl Status {
    /// The status in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let troubles: Vec<String> = self
            .counters
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let of_outputs = self.outputs.iter().flat_map(OutputStatus::troubles);
        let troubles: Vec<String> = of_outputs.chain(troubles).collect();
        let troubles = if troubles.is_empty() { String::new() } else { format!("; {}", troubles.join(", ")) };
        format!(
            "{} of {} running in {}, {} in {}{troubles}",
            self.active_hosts,
            plural(self.total_hosts, "host", "hosts"),
            plural(self.total_jobs, "job", "jobs"),
            plural(self.total_series, "series", "series"),
            plural(self.total_metrics, "family", "families"),
        )
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"error\":{:?}}}", error.to_string()))
    }
}

impl OutputStatus {
    fn troubles(&self) -> impl Iterator<Item = String> {
        let Self { kind, sends_samples, target, health } = self;
        let away = health.away_for.map(|secs| format!("{kind} {target} away for {secs:.0} s"));
        // An output that sends samples has no jobs to name.
        let refused = match (health.refused.len(), *sends_samples) {
            (0, _) => None,
            (_, true) => Some(format!("samples refused by {kind} {target}")),
            (jobs, false) => Some(format!("{} refused by {kind} {target}", plural(jobs, "job", "jobs"))),
        };
        away.into_iter().chain(refused)
    }
}
