//! The JSON that the API returns about a run. Field names are part of the API. Times of hosts are emulated times.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use super::selection::{RATE, is_operator};

/// The state of a run, without its hosts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The real time, in UTC.
    pub time: String,
    /// The emulated time, in UTC.
    pub emulated_time: String,
    /// The same in seconds since 1970.
    pub emulated_time_unix: f64,
    /// The emulated seconds that pass in a real second.
    pub speed: f64,
    /// The seed of all randomness.
    pub seed: u64,
    /// The time between two pushes.
    pub push_interval_seconds: f64,
    /// The real time since the run started.
    pub uptime_seconds: f64,
    /// The number of hosts: `total`, and by state.
    pub hosts: BTreeMap<&'static str, usize>,
    /// The number of series that have a sample now.
    pub series: usize,
    /// The number of families of the run.
    pub families: usize,
    /// The jobs, at most 100.
    pub jobs: Vec<JobView>,
    /// The number of jobs that are not listed.
    pub jobs_not_listed: usize,
    /// The outputs.
    pub outputs: Vec<OutputView>,
    /// Counters of what failed or was skipped so far, by name.
    pub counters: BTreeMap<&'static str, u64>,
    /// The number of new values of metrics so far.
    pub updates_total: u64,
    /// The seconds by which all turns of hosts together came late.
    pub lateness_seconds_sum: f64,
    /// The number of these turns.
    pub lateness_count: u64,
    /// The number of events so far.
    pub events_total: u64,
    /// The number of overrides that stand.
    pub overrides: usize,
}

/// One job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JobView {
    /// Its name.
    pub name: String,
    /// The number of its hosts.
    pub hosts: usize,
    /// The number of its families; of several shards, the most that one has.
    pub families: usize,
}

/// One shard of a run, as another one sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShardView {
    /// Its number, from 1.
    pub shard: u32,
    /// `here` for the one that was asked, `answers`, or `missing` if it gives no answer within a second.
    pub state: &'static str,
    /// The address of its page; null if it has none, is missing, or can be reached by more than one address.
    pub page: Option<String>,
}

/// One output and its health.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OutputView {
    /// The kind, as `--output` names it.
    pub kind: &'static str,
    /// The address or path, without secrets.
    pub target: String,
    /// The number of successful pushes; for a scraped output, of published updates.
    pub pushes: u64,
    /// The time of the last one, in UTC; null before that.
    pub last_push: Option<String>,
    /// The seconds since the server became unreachable; null while it is reachable.
    pub away_for: Option<f64>,
    /// The last error while it is unreachable.
    pub last_error: Option<String>,
    /// The jobs that the server refuses, with the reason.
    pub refused: IndexMap<String, String>,
    /// The number of failed pushes.
    pub failures: u64,
    /// The mean duration of a push; null for a scraped output.
    pub mean_seconds: Option<f64>,
    /// The bytes sent; null where they are not counted.
    pub sent_bytes: Option<u64>,
    /// The number of its shard, in a run of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}

/// A page of hosts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HostsPage {
    /// The number of hosts of the run.
    pub total: usize,
    /// The number of those that match.
    pub matched: usize,
    /// The number of matches before the first one listed.
    pub offset: usize,
    /// The most that are listed.
    pub limit: usize,
    /// The hosts, in the config's order; in a run of several shards those of the first one come first.
    pub hosts: Vec<HostView>,
    /// The shards, of which hosts of those that are missing are not listed; left out in a run that has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardView>,
}

/// One host without its metrics.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HostView {
    /// Its name.
    pub name: String,
    /// Its job.
    pub job: String,
    /// `waiting` for its start time, `running`, `down` while it reports nothing, `stopped` by a command, or `ended`.
    pub state: &'static str,
    /// Its label `host`.
    pub host: Option<String>,
    /// Its label `address`.
    pub address: Option<String>,
    /// Its start, in UTC; null before that.
    pub started_at: Option<String>,
    /// The emulated seconds since its start.
    pub uptime_seconds: f64,
    /// The emulated seconds until its end; null if it never ends.
    pub ttl_remaining_seconds: Option<f64>,
    /// The number of its metrics.
    pub metrics: usize,
    /// The number of its metrics with an override.
    pub overrides: usize,
    /// The number of its shard, in a run of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}

/// One host with its metrics.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HostDetail {
    /// The host.
    #[serde(flatten)]
    pub host: HostView,
    /// All its labels.
    pub labels: IndexMap<String, String>,
    /// Its metrics.
    pub listed_metrics: Vec<SeriesView>,
    /// The number of metrics that are not listed.
    pub not_listed: usize,
}

/// One metric of one host, or aggregated over all hosts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeriesView {
    /// `HOST/METRIC`, or for all hosts as in `avg:METRIC` or `sum:METRIC{server="a"}`.
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
    /// The unit; empty without one.
    pub unit: String,
    /// The help text.
    pub help: String,
    /// The value now, or the number of observations; null without a sample.
    pub value: Option<f64>,
    /// The lowest and the highest value of its `value_range`.
    pub range: Option<(f64, f64)>,
    /// The override that stands.
    #[serde(rename = "override")]
    pub ordered: Option<OverrideView>,
    /// The PromQL query that shows it.
    pub query: String,
}

/// One override.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OverrideView {
    /// The metric, as `HOST/METRIC`.
    pub id: String,
    /// Its host.
    pub host: String,
    /// The metric's name, with its own labels if it has some.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// `true` if the metric is a gauge and the value is outside its `value_range`.
    pub is_outside_range: bool,
    /// The emulated time of its end; null if it stands until it is released.
    pub until: Option<String>,
    /// The same in seconds since 1970.
    pub until_unix: Option<f64>,
}

/// One lever.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LeverView {
    /// Its name, as in `run.NAME`.
    pub name: String,
    /// Its value while nothing moves it.
    pub default: f64,
    /// Its value now, on hosts that no fault and no override is about in particular.
    pub value: f64,
    /// The values that it has now on the other hosts, among the first 10 000 of the run at most.
    pub by_hosts: Vec<LeverHostsView>,
    /// The ids of the faults that change it now, on all hosts or some.
    pub faults: Vec<String>,
    /// The values that clients and events have set and that hold now.
    pub overrides: Vec<LeverOverrideView>,
}

/// A lever's value on some hosts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LeverHostsView {
    /// The value.
    pub value: f64,
    /// The number of hosts on which the lever has it.
    pub count: usize,
    /// The names of the first 10 of them.
    pub hosts: Vec<String>,
}

/// A value that replaces a lever's.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LeverOverrideView {
    /// The pattern of its hosts; `*` for all.
    pub hosts: String,
    /// The value.
    pub value: f64,
    /// The emulated time of its end; null if it stands until it is released.
    pub until: Option<String>,
    /// The same in seconds since 1970.
    pub until_unix: Option<f64>,
}

/// A page of families.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FamiliesPage {
    /// The number of families of the run.
    pub total: usize,
    /// The number of those that match.
    pub matched: usize,
    /// The number of matches before the first one listed.
    pub offset: usize,
    /// The most that are listed.
    pub limit: usize,
    /// The families, in the config's order.
    pub metrics: Vec<FamilyView>,
}

/// One family.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FamilyView {
    /// Its name.
    pub name: String,
    /// Its type, as configs name it.
    #[serde(rename = "type")]
    pub metric_type: &'static str,
    /// The unit; empty without one.
    pub unit: String,
    /// The help text.
    pub help: String,
    /// The number of hosts that have it.
    pub hosts: usize,
    /// The number of buckets of a histogram, of which `bucket0:` and so on in ids are; 0 of other types, and of too many.
    pub buckets: usize,
}

/// A page of series.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeriesPage {
    /// The number of series that match.
    pub matched: usize,
    /// The number of matches before the first one listed.
    pub offset: usize,
    /// The most that are listed.
    pub limit: usize,
    /// The series.
    pub series: Vec<SeriesView>,
    /// The labels of the series of `metric` in the tables of a model or a generator, if they are few, as for
    /// `sum:METRIC{server="a"}`; empty for a series without.
    pub parts: Vec<String>,
}

/// The hosts that an action concerned.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActedView {
    /// The number of these hosts.
    pub count: usize,
    /// Their names, in the config's order; at most 100.
    pub hosts: Vec<String>,
    /// The number of those that are not listed.
    pub not_listed: usize,
    /// The numbers of shards that have refused the action for their hosts; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shards_refused: Vec<u32>,
    /// The numbers of shards that do not answer, whose hosts did not take it; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shards_missing: Vec<u32>,
    /// The emulated time of the action, in UTC.
    pub time: String,
    /// The same in seconds since 1970.
    pub time_unix: f64,
}

/// An event that hosts listen to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ListenedEvent {
    /// Its name.
    pub name: String,
    /// The number of hosts that listen to it.
    pub hearers: usize,
    /// The names of some of these hosts.
    pub examples: Vec<String>,
    /// Its effects, in words.
    pub effects: Vec<String>,
    /// `true` if promemu itself emits it.
    pub is_lifecycle: bool,
}

/// An event that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventView {
    /// Its name.
    pub name: String,
    /// The host that emitted it, or another source.
    pub source: String,
    /// Its data.
    #[schema(value_type = Option<Object>)]
    pub data: serde_json::Value,
    /// Its emulated time, in UTC.
    pub time: String,
    /// The same in seconds since 1970.
    pub time_unix: f64,
    /// Its number among the events of its source.
    pub sequence: u64,
}

/// An event that was posted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Posted {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: String,
    /// Its emulated time, in UTC.
    pub time: String,
    /// The same in seconds since 1970.
    pub time_unix: f64,
    /// The number of hosts that took it: they listen, live, and had room.
    pub hearers: usize,
}

/// A chart of a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChartView {
    /// The family's name.
    pub metric: String,
    /// Each is `avg`, `sum`, `min`, `max`, `p50`, `p90` or `p99`, with labels in braces or without; or the id of a host's series.
    pub lines: Vec<String>,
}

impl ChartView {
    /// The ids of its lines' rates, as a [`Sampler`](super::Sampler) reads them.
    pub fn ids(&self) -> impl Iterator<Item = Arc<str>> {
        self.lines.iter().map(|line| {
            let (word, labels) = line.split_at(line.find('{').unwrap_or(line.len()));
            let id = if is_operator(word) { format!("{word}:{}{labels}", self.metric) } else { line.clone() };
            format!("{RATE}{id}").into()
        })
    }
}
