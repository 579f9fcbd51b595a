//! The hosts of a recording, and their metrics by type.
//!
//! A host is a target: its series have the same job and instance. Series that promemu pushed, which have no instance, are told
//! apart by their `name`.

use std::collections::BTreeMap;

use indexmap::{IndexMap, IndexSet};
use promemu_wire::recording::{FamilyEntry, Recording};
use promemu_wire::samples::ReadSeries;

use crate::load::{Floats, NativeSamples, Samples};

/// Names and values of labels.
pub(crate) type Labels = Vec<(String, String)>;

/// A host with its metrics.
#[derive(Debug)]
pub(crate) struct RecordedHost<'s> {
    pub(crate) name: String,
    pub(crate) job: String,
    /// The labels of all its series.
    pub(crate) labels: Labels,
    pub(crate) metrics: Vec<RecordedMetric<'s>>,
}

/// A metric of a host, with its own labels.
#[derive(Debug)]
pub(crate) struct RecordedMetric<'s> {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    /// Its HELP text, as far as it is known.
    pub(crate) help: String,
    pub(crate) content: Content<'s>,
}

/// The samples of a metric, by its type.
#[derive(Debug)]
pub(crate) enum Content<'s> {
    Gauge(&'s Floats),
    Counter(&'s Floats),
    Info,
    Histogram(Parts<'s>),
    Summary(Parts<'s>),
    Native(&'s NativeSamples),
}

/// The series of a histogram or summary.
#[derive(Debug, Default)]
pub(crate) struct Parts<'s> {
    /// Buckets by their upper bound, or quantiles, in ascending order.
    pub(crate) by_bound: Vec<(f64, &'s Floats)>,
    pub(crate) sum: Option<&'s Floats>,
    pub(crate) count: Option<&'s Floats>,
}

/// Hosts, and notes on what is left out.
#[derive(Debug)]
pub(crate) struct Inventory<'s> {
    pub(crate) hosts: Vec<RecordedHost<'s>>,
    pub(crate) left_out: Vec<String>,
}

/// Series that come by themselves wherever promemu is scraped.
const OF_SCRAPES: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];
const OF_A_GATEWAY: [&str; 2] = ["push_time_seconds", "push_failure_time_seconds"];
const OWN_PREFIX: &str = "promemu_";
/// The job of series without one.
const DEFAULT_JOB: &str = "recorded";
/// Labels that tell hosts apart.
const IDENTITY: [&str; 4] = ["instance", "name", "host", "address"];

/// The role of a series in its metric.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Gauge,
    Counter,
    Info,
    Bucket,
    Quantile,
    SumOf(bool),
    CountOf(bool),
}

/// The inventory of a recording.
pub(crate) fn inventory<'s>(recording: &Recording, samples: &'s Samples) -> Inventory<'s> {
    let families = &recording.manifest().families;
    let names = Names::of(families, samples);
    let mut hosts: BTreeMap<[String; 3], Vec<(ReadSeries, RecordedMetric<'s>)>> = BTreeMap::new();
    let mut skipped: IndexSet<&str> = IndexSet::new();
    let mut parts: IndexMap<([String; 3], ReadSeries, bool), Parts<'s>> = IndexMap::new();
    for (series, floats) in &samples.floats {
        if is_reserved(&series.metric) {
            skipped.insert(&series.metric);
            continue;
        }
        let (family, role) = names.role(series, floats);
        let key = host_key(series);
        let mut whole = own_series(series, family);
        let content = match role {
            Role::Gauge => Content::Gauge(floats),
            Role::Counter => Content::Counter(floats),
            Role::Info => Content::Info,
            Role::Bucket | Role::Quantile => {
                let label = if matches!(role, Role::Bucket) { "le" } else { "quantile" };
                let bound = series.label(label).and_then(|bound| bound.parse().ok()).unwrap_or(f64::INFINITY);
                whole.labels.retain(|(name, _)| name != label);
                let parts = parts.entry((key, whole, matches!(role, Role::Bucket))).or_default();
                parts.by_bound.push((bound, floats));
                continue;
            }
            Role::SumOf(is_histogram) => {
                parts.entry((key, whole, is_histogram)).or_default().sum = Some(floats);
                continue;
            }
            Role::CountOf(is_histogram) => {
                parts.entry((key, whole, is_histogram)).or_default().count = Some(floats);
                continue;
            }
        };
        put(&mut hosts, key, whole, content);
    }
    for ((key, series, is_histogram), mut parts) in parts {
        parts.by_bound.sort_by(|a, b| a.0.total_cmp(&b.0));
        let content = if is_histogram { Content::Histogram(parts) } else { Content::Summary(parts) };
        put(&mut hosts, key, series, content);
    }
    for (series, native) in &samples.histograms {
        put(&mut hosts, host_key(series), own_series(series, &series.metric), Content::Native(native));
    }
    let left_out = skipped.into_iter().map(|name| format!("{name}, which a run makes by itself")).collect();
    let mut hosts = named(hosts);
    for metric in hosts.iter_mut().flat_map(|host| &mut host.metrics) {
        metric.help = names.help(&metric.name).to_owned();
    }
    Inventory { hosts, left_out }
}

fn put<'s>(
    hosts: &mut BTreeMap<[String; 3], Vec<(ReadSeries, RecordedMetric<'s>)>>,
    key: [String; 3],
    series: ReadSeries,
    content: Content<'s>,
) {
    let (name, labels) = (series.metric.clone(), series.labels.clone());
    let metric = RecordedMetric { name, labels, help: String::new(), content };
    hosts.entry(key).or_default().push((series, metric));
}

/// `true` for series that a scrape or promemu makes by itself.
pub(crate) fn is_reserved(name: &str) -> bool {
    OF_SCRAPES.contains(&name) || OF_A_GATEWAY.contains(&name) || name.starts_with(OWN_PREFIX)
}

fn host_key(series: &ReadSeries) -> [String; 3] {
    let label = |name: &str| series.label(name).unwrap_or_default().to_owned();
    let (job, instance) = (label("job"), label("instance"));
    let name = if instance.is_empty() { label("name") } else { String::new() };
    [job, instance, name]
}

/// The series of a family without its job.
fn own_series(series: &ReadSeries, family: &str) -> ReadSeries {
    let labels = series.labels.iter().filter(|(name, _)| name != "job").cloned().collect();
    ReadSeries { metric: family.to_owned(), labels }
}

/// Hosts with unique names, their common labels apart from those of their metrics.
fn named(hosts: BTreeMap<[String; 3], Vec<(ReadSeries, RecordedMetric<'_>)>>) -> Vec<RecordedHost<'_>> {
    let mut names = IndexSet::new();
    let mut all = Vec::with_capacity(hosts.len());
    for ([job, instance, own_name], metrics) in hosts {
        let mut metrics: Vec<RecordedMetric<'_>> = metrics.into_iter().map(|(_, metric)| metric).collect();
        let is_common = |label: &(String, String)| {
            let is_everywhere = metrics.iter().all(|metric| metric.labels.contains(label));
            is_everywhere && (metrics.len() > 1 || IDENTITY.contains(&&*label.0))
        };
        let labels: Labels = match metrics.first() {
            Some(first) => first.labels.iter().filter(|label| is_common(label)).cloned().collect(),
            None => Vec::new(),
        };
        for metric in &mut metrics {
            metric.labels.retain(|label| !labels.contains(label));
        }
        metrics.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
        let job = if job.is_empty() { DEFAULT_JOB.to_owned() } else { job };
        let name =
            [instance, own_name].into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| job.clone());
        let name = if names.contains(&name) { format!("{job} {name}") } else { name };
        names.insert(name.clone());
        all.push(RecordedHost { name, job, labels, metrics });
    }
    all
}

/// Types of families, as the manifest has them, or by their names.
pub(crate) struct Names<'s> {
    families: &'s IndexMap<String, FamilyEntry>,
    /// Names of families that have buckets, and of those that have quantiles.
    histograms: IndexSet<&'s str>,
    summaries: IndexSet<&'s str>,
}

impl<'s> Names<'s> {
    pub(crate) fn of(families: &'s IndexMap<String, FamilyEntry>, samples: &'s Samples) -> Self {
        let mut names = Self { families, histograms: IndexSet::new(), summaries: IndexSet::new() };
        for series in samples.floats.keys() {
            if let Some(family) =
                series.metric.strip_suffix("_bucket").filter(|_| series.label("le").is_some())
            {
                names.histograms.insert(family);
            } else if series.label("quantile").is_some() && names.kind(&series.metric) != "gauge" {
                names.summaries.insert(&series.metric);
            }
        }
        for (family, entry) in families {
            if entry.kind == "summary" {
                names.summaries.insert(family);
            }
        }
        names
    }

    fn entry(&self, name: &str) -> Option<&FamilyEntry> {
        self.families.get(name).or_else(|| self.families.get(name.strip_suffix("_total")?))
    }

    fn kind(&self, name: &str) -> &str {
        self.entry(name).map_or("", |entry| &entry.kind)
    }

    fn help(&self, name: &str) -> &str {
        self.entry(name).map_or("", |entry| &entry.help)
    }

    /// The family of a series, and its role there.
    pub(crate) fn role<'n>(&self, series: &'n ReadSeries, floats: &Floats) -> (&'n str, Role) {
        let name = &*series.metric;
        let part = |suffix: &str| name.strip_suffix(suffix);
        if let Some(family) = part("_bucket").filter(|family| self.histograms.contains(family)) {
            return (family, Role::Bucket);
        }
        if self.summaries.contains(name) {
            return (name, Role::Quantile);
        }
        for (suffix, role) in [("_sum", Role::SumOf as fn(bool) -> Role), ("_count", Role::CountOf)] {
            let Some(family) = part(suffix) else { continue };
            if self.histograms.contains(family) || self.summaries.contains(family) {
                return (family, role(self.histograms.contains(family)));
            }
        }
        let is_one = || floats.iter().all(|(_, value)| value.to_bits() == 1.0f64.to_bits());
        let role = match self.kind(name) {
            "counter" => Role::Counter,
            _ if name.ends_with("_info") && is_one() => Role::Info,
            "" | "unknown" | "untyped" if is_counter_by_name(name) => Role::Counter,
            _ => Role::Gauge,
        };
        (name, role)
    }
}

pub(crate) fn is_counter_by_name(name: &str) -> bool {
    ["_total", "_count", "_sum"].iter().any(|suffix| name.ends_with(suffix))
}
