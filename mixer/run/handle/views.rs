//! What is said of a run to who looks at it. Times of hosts are emulated ones.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

/// What a run is doing, without its hosts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The machine's time, in UTC.
    pub time: String,
    /// The hosts' time, in UTC.
    pub emulated_time: String,
    /// The same, in seconds since 1970.
    pub emulated_time_unix: f64,
    /// How many emulated seconds pass in a second.
    pub speed: f64,
    /// The seed of all randomness.
    pub seed: u64,
    /// The time between two pushes.
    pub push_interval_seconds: f64,
    /// For how long it has run, in real time.
    pub uptime_seconds: f64,
    /// How many hosts there are, `total` and by their state.
    pub hosts: BTreeMap<&'static str, usize>,
    /// How many series have a sample now.
    pub series: usize,
    /// How many families the run has.
    pub families: usize,
    /// The jobs, at most 100 of them.
    pub jobs: Vec<JobView>,
    /// How many jobs more there are.
    pub jobs_not_listed: usize,
    /// Where the metrics go.
    pub outputs: Vec<OutputView>,
    /// What went wrong or was left out so far, by name.
    pub counters: BTreeMap<&'static str, u64>,
    /// How many events there have been.
    pub events_total: u64,
    /// How many metrics show a value by order.
    pub overrides: usize,
}

/// One job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobView {
    /// Its name.
    pub name: String,
    /// How many hosts it has.
    pub hosts: usize,
    /// How many families.
    pub families: usize,
}

/// One output, and how it fares.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutputView {
    /// The kind, as `--output` calls it.
    pub kind: &'static str,
    /// Where it is, without what is secret.
    pub target: String,
    /// How many pushes have arrived; of a served run, how often something new was published.
    pub pushes: u64,
    /// When the last one did, in UTC.
    pub last_push: Option<String>,
    /// For how many seconds the server has been away.
    pub away_for: Option<f64>,
    /// Why it is away.
    pub last_error: Option<String>,
    /// The jobs that are not taken, and why.
    pub refused: IndexMap<String, String>,
    /// How many pushes have failed.
    pub failures: u64,
    /// How long a push takes on average; null for what is served.
    pub mean_seconds: Option<f64>,
    /// The bytes that were sent; null where they are not counted.
    pub sent_bytes: Option<u64>,
}

/// A part of all hosts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HostsPage {
    /// How many hosts the run has.
    pub total: usize,
    /// How many of them are wanted.
    pub matched: usize,
    /// How many of those come before the first one here.
    pub offset: usize,
    /// How many are listed at most.
    pub limit: usize,
    /// The hosts, in the config's order.
    pub hosts: Vec<HostView>,
}

/// One host, in short.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HostView {
    /// Its name.
    pub name: String,
    /// Its job.
    pub job: String,
    /// `waiting` for its start time, `running`, `stopped` by order, or `ended`.
    pub state: &'static str,
    /// Its label `host`.
    pub host: Option<String>,
    /// Its label `address`.
    pub address: Option<String>,
    /// When it began.
    pub started_at: Option<String>,
    /// For how many emulated seconds it has lived.
    pub uptime_seconds: f64,
    /// For how many emulated seconds it will live; null if without an end.
    pub ttl_remaining_seconds: Option<f64>,
    /// How many metrics it has.
    pub metrics: usize,
    /// How many of them show a value by order.
    pub overrides: usize,
}

/// One host.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HostDetail {
    /// In short.
    #[serde(flatten)]
    pub host: HostView,
    /// All its labels.
    pub labels: IndexMap<String, String>,
    /// Its metrics.
    pub listed_metrics: Vec<SeriesView>,
    /// How many metrics more it has.
    pub not_listed: usize,
}

/// One metric of one host, or a metric over all hosts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeriesView {
    /// `HOST/METRIC`, or as in `avg:METRIC` for all hosts.
    pub id: String,
    /// Its host; null for all hosts.
    pub host: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// The metric's own labels.
    pub labels: IndexMap<String, String>,
    /// `gauge`, `counter`, `histogram`, `native_histogram`, `summary`, `info` or `stateset`.
    #[serde(rename = "type")]
    pub metric_type: &'static str,
    /// Its unit, if it says one.
    pub unit: String,
    /// What it is.
    pub help: String,
    /// What it shows now: the value, or the number of observations; null without a sample.
    pub value: Option<f64>,
    /// Between which values it stays.
    pub range: Option<(f64, f64)>,
    /// What it shows by order.
    #[serde(rename = "override")]
    pub ordered: Option<OverrideView>,
    /// What to ask Prometheus to see it.
    pub query: String,
}

/// What a metric shows by order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverrideView {
    /// The metric, as `HOST/METRIC`.
    pub id: String,
    /// Its host.
    pub host: String,
    /// The metric, with its own labels if it has some.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// Whether it is a gauge, and the value outside its `value_range`.
    pub is_outside_range: bool,
    /// Until when; null until it is released.
    pub until: Option<String>,
    /// The same, in seconds since 1970.
    pub until_unix: Option<f64>,
}

/// A part of all families.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FamiliesPage {
    /// How many families the run has.
    pub total: usize,
    /// How many of them are wanted.
    pub matched: usize,
    /// How many of those come before the first one here.
    pub offset: usize,
    /// How many are listed at most.
    pub limit: usize,
    /// The families, in the config's order.
    pub metrics: Vec<FamilyView>,
}

/// One family.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FamilyView {
    /// Its name.
    pub name: String,
    /// Its type, as configs call it.
    #[serde(rename = "type")]
    pub metric_type: &'static str,
    /// Its unit, if it says one.
    pub unit: String,
    /// What it is.
    pub help: String,
    /// How many hosts have it.
    pub hosts: usize,
}

/// A part of all series.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeriesPage {
    /// How many are wanted.
    pub matched: usize,
    /// How many of those come before the first one here.
    pub offset: usize,
    /// How many are listed at most.
    pub limit: usize,
    /// The series.
    pub series: Vec<SeriesView>,
}

/// An event that hosts listen to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ListenedEvent {
    /// Its name.
    pub name: String,
    /// How many hosts listen to it.
    pub hearers: usize,
    /// Some of them.
    pub examples: Vec<String>,
    /// What happens then, in words.
    pub effects: Vec<String>,
    /// Whether promemu itself emits it.
    pub is_lifecycle: bool,
}

/// An event that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventView {
    /// What happened.
    pub name: String,
    /// Who emitted it.
    pub source: String,
    /// What it carries.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
    /// When.
    pub time: String,
    /// The same, in seconds since 1970.
    pub time_unix: f64,
    /// Its number among its source's events.
    pub sequence: u64,
}

/// An event that was posted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Posted {
    /// What happened.
    pub name: String,
    /// As whose event.
    pub source: String,
    /// When.
    pub time: String,
    /// The same, in seconds since 1970.
    pub time_unix: f64,
    /// How many hosts hear it.
    pub hearers: usize,
}
