//! The status report: what runs, as JSON and in one line.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

use promemu_core::plural::plural;

/// What a run is doing.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The time of the report, in UTC.
    pub timestamp: String,
    /// The hosts' time, in UTC: the same, unless they run at another speed.
    pub emulated_time: String,
    /// How many emulated seconds pass in a second.
    pub speed: f64,
    /// Whether hosts are running.
    pub is_running: bool,
    /// The first Pushgateway that jobs are pushed to; null if there is none.
    pub pushgateway_url: Option<String>,
    /// How often, in seconds.
    pub push_interval: f64,
    /// The seed: the same one gives the same values.
    pub seed: u64,
    /// How many jobs there are.
    pub total_jobs: usize,
    /// How many hosts the config has.
    pub total_hosts: usize,
    /// How many of them live now.
    pub active_hosts: usize,
    /// How many families the jobs have together.
    pub total_metrics: usize,
    /// How many series have a sample now.
    pub total_series: usize,
    /// How the jobs get out: how the first output fares.
    pub output: OutputHealth,
    /// All outputs.
    pub outputs: Vec<OutputStatus>,
    /// What went wrong or was left out so far, by name.
    pub counters: BTreeMap<&'static str, u64>,
    /// The jobs by name.
    pub jobs: IndexMap<String, JobStatus>,
}

/// One output: where jobs go, and how they get there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputStatus {
    /// The kind, as `--output` calls it.
    pub kind: &'static str,
    /// Where it is, without what is secret.
    pub target: String,
    /// How it fares.
    #[serde(flatten)]
    pub health: OutputHealth,
}

/// How an output fares.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutputHealth {
    /// How many pushes have arrived; of a served run, how often something new was published.
    pub pushes: u64,
    /// When the last one did, in UTC; null before that.
    pub last_push: Option<String>,
    /// For how many seconds the server has been away; null if it is there.
    pub away_for: Option<f64>,
    /// Why it is away.
    pub last_error: Option<String>,
    /// The jobs that are not taken, and why.
    pub refused: IndexMap<String, String>,
}

/// One job.
#[derive(Clone, Debug, Serialize)]
pub struct JobStatus {
    /// How many hosts the job has.
    pub hosts_count: usize,
    /// How many families.
    pub metrics_count: usize,
    /// How many hosts are not listed below, because there are too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts_not_listed: Option<usize>,
    /// The hosts' names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_names: Option<Vec<String>>,
    /// The hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostStatus>>,
}

/// One host.
#[derive(Clone, Debug, Serialize)]
pub struct HostStatus {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: IndexMap<String, String>,
    /// Whether it lives now.
    pub is_running: bool,
    /// When it started, in emulated time, in UTC; null before that.
    pub start_time: Option<String>,
    /// For how many emulated seconds it has lived.
    pub uptime: f64,
    /// For how many emulated seconds it will live; null if without an end.
    pub ttl_remaining: Option<f64>,
    /// How many metrics it has.
    pub metrics_count: usize,
    /// The metrics' values, where asked for: the value of a gauge or a counter, the number of observations
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

    /// The report on one line.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"error\":{:?}}}", error.to_string()))
    }
}

impl OutputStatus {
    fn troubles(&self) -> impl Iterator<Item = String> {
        let Self { kind, target, health } = self;
        let away = health.away_for.map(|secs| format!("{kind} {target} away for {secs:.0} s"));
        // An output that sends samples has no jobs to name: it says of itself that some were refused.
        let refused = match (health.refused.len(), *kind) {
            (0, _) => None,
            (_, "remote-write" | "otlp") => Some(format!("samples refused by {kind} {target}")),
            (jobs, _) => Some(format!("{} refused by {kind} {target}", plural(jobs, "job", "jobs"))),
        };
        away.into_iter().chain(refused)
    }
}
