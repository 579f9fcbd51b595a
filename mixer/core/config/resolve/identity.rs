//! Hosts without identity labels: none of their series may equal another host's.

use indexmap::IndexMap;

use super::relays::{LabelSet, label_set};
use super::resolver::Resolver;
use crate::plan::{HostPlan, HostShape, MetricPlan};
use crate::rng::{Seed, fnv1a};

/// A series of a job: its host and its metric, as indices.
type Series = (u32, usize);

impl Resolver<'_> {
    /// Refuses two series of a job with the same name and labels: no server takes both. Only hosts without identity
    /// labels can have such series.
    pub(super) fn refuse_equal_series(&mut self) {
        let bare: IndexMap<u32, _> = self.bare_hosts.iter().copied().collect();
        for hosts in self.jobs.values().filter(|hosts| hosts.iter().any(|host| bare.contains_key(host))) {
            if let Some((one, other)) = first_equal_pools(&self.hosts, hosts) {
                let name = |host: u32| &self.hosts[host as usize].name;
                let span = bare.get(&other).or_else(|| bare.get(&one)).copied().unwrap_or_default();
                let message = format!(
                    "pools of hosts {:?} and {:?} may have the same series; without identity labels give them labels that differ, as with {{name}} or {{uuid()}}",
                    name(one),
                    name(other)
                );
                self.problems.error(span, message);
                continue;
            }
            let Some((one, other)) = first_equal(&self.hosts, hosts) else { continue };
            let name = |(host, _): Series| &self.hosts[host as usize].name;
            let (host, metric) = series_of(&self.hosts, one);
            let labels = full_labels(host, metric);
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            let shown = format!("{}{{{}}}", metric.name, labels.join(","));
            let span = bare.get(&other.0).or_else(|| bare.get(&one.0)).copied().unwrap_or_default();
            let message = format!(
                "hosts {:?} and {:?} both have the series {shown}; without identity labels give them labels that differ",
                name(one),
                name(other)
            );
            self.problems.error(span, message);
        }
    }
}

type Hosts = [std::sync::Arc<HostPlan>];

fn series_of(hosts: &Hosts, (host, metric): Series) -> (&HostPlan, &MetricPlan) {
    let host = &hosts[host as usize];
    (host, &host.shape.metrics[metric])
}

/// The first two equal series of these hosts. Series are compared by a hash that does not depend on the order of
/// labels; it is calculated once for a host's labels and once for a shape's metrics.
fn first_equal(hosts: &Hosts, ids: &[u32]) -> Option<(Series, Series)> {
    let mut seen: IndexMap<u64, Series> = IndexMap::new();
    let mut shapes: IndexMap<*const HostShape, Vec<u64>> = IndexMap::new();
    for id in ids {
        let host = &hosts[*id as usize];
        let of_host = hash(host.labels.iter());
        let of_metrics = shapes.entry(&raw const *host.shape).or_insert_with(|| {
            let of_metric =
                |metric: &MetricPlan| fnv1a(metric.name.as_bytes()).wrapping_add(hash(metric.labels.iter()));
            host.shape.metrics.iter().map(of_metric).collect()
        });
        for (metric, of_metric) in of_metrics.iter().enumerate() {
            let this = (*id, metric);
            let known = *seen.entry(of_host.wrapping_add(*of_metric)).or_insert(this);
            if known != this && are_equal(series_of(hosts, known), series_of(hosts, this)) {
                return Some((known, this));
            }
        }
    }
    None
}

/// The first two of these hosts whose pools make series of one name with labels of the same texts. Different texts
/// are assumed to give different labels.
fn first_equal_pools(hosts: &Hosts, ids: &[u32]) -> Option<(u32, u32)> {
    let mut seen: IndexMap<u64, u32> = IndexMap::new();
    for id in ids {
        let host = &hosts[*id as usize];
        let of_host = hash(host.labels.iter());
        let kinds = host.shape.pools.iter();
        for pools in kinds.filter(|pools| !pools.labels.iter().any(|(_, text)| text.is_of_one_host())) {
            let of_pools = hash(pools.labels.iter().map(|(name, text)| (name.as_str(), text.key())));
            for metric in &pools.shape.metrics {
                let of_metric = fnv1a(metric.name.as_bytes()).wrapping_add(hash(metric.labels.iter()));
                let whole = of_host.wrapping_add(of_pools).wrapping_add(of_metric);
                let known = *seen.entry(whole).or_insert(*id);
                if known != *id {
                    return Some((known, *id));
                }
            }
        }
    }
    None
}

/// A hash of labels, independent of their order.
fn hash<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    let labels = labels.filter(|(_, value)| !value.is_empty());
    let label = |(name, value): (&str, &str)| Seed::new(fnv1a(name.as_bytes())).child(value).rng().next_u64();
    labels.map(label).fold(0, u64::wrapping_add)
}

fn full_labels(host: &HostPlan, metric: &MetricPlan) -> LabelSet {
    label_set(host.labels.iter().chain(metric.labels.iter()))
}

fn are_equal(
    (host, metric): (&HostPlan, &MetricPlan),
    (other_host, other): (&HostPlan, &MetricPlan),
) -> bool {
    metric.name == other.name && full_labels(host, metric) == full_labels(other_host, other)
}
