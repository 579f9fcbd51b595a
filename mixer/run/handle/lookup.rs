//! Hosts and metrics of a fleet by their names. An unknown name is an error that suggests a similar one.

use std::sync::Arc;

use promemu_core::error::suggestion;
use promemu_core::event::HostId;
use promemu_core::plan::{HostPlan, MetricPlan};

use super::error::{CommandError, NAME_BYTES_MAX};
use crate::fleet::Fleet;

/// A larger fleet has too many names to compare for a suggestion.
pub(super) const NAMES_COMPARED_MAX: usize = 1_000;
/// The most metrics that are compared for a suggestion.
const METRICS_COMPARED_MAX: usize = 200;
/// An id is split at one of its first slashes only.
const SLASHES_MAX: usize = 16;

/// The id of the host of this name.
pub(super) fn host_id(fleet: &Fleet, name: &str) -> Result<HostId, CommandError> {
    fleet.id_of(name).ok_or_else(|| {
        let names = fleet.hosts().take(NAMES_COMPARED_MAX).map(|(_, host)| Arc::clone(&host.name));
        let names: Vec<Arc<str>> = names.collect();
        let hint = if names.len() < NAMES_COMPARED_MAX { suggestion(name, &names) } else { String::new() };
        CommandError::UnknownHost { name: shortened(name), hint }
    })
}

/// The metric's name, with its own labels if it has some: `disk_used_bytes{device="sda"}`.
pub(super) fn metric_key(metric: &MetricPlan) -> String {
    let labels = String::from_utf8_lossy(metric.labels.as_text());
    if labels.is_empty() { metric.name.to_string() } else { format!("{}{{{labels}}}", metric.name) }
}

/// The host's metric of this key, and its index.
pub(super) fn metric_of<'a>(host: &'a HostPlan, key: &str) -> Result<(usize, &'a MetricPlan), CommandError> {
    find_metric(host, key).ok_or_else(|| {
        let metrics = host.shape.metrics.iter();
        let keys: Vec<String> = metrics.take(METRICS_COMPARED_MAX).map(metric_key).collect();
        CommandError::UnknownMetric {
            host: host.name.to_string(),
            metric: shortened(key),
            hint: suggestion(key, &keys),
        }
    })
}

/// The host and the index of the metric of an id `HOST/METRIC`. Both parts may have slashes.
pub(super) fn find_series(fleet: &Fleet, id: &str) -> Option<(HostId, usize)> {
    id.match_indices('/').take(SLASHES_MAX).find_map(|(at, _)| {
        let host = fleet.id_of(&id[..at])?;
        let (index, _) = find_metric(&fleet.host(host), &id[at + 1..])?;
        Some((host, index))
    })
}

/// The metric of this key; or of this name alone, if the host has one metric of it.
fn find_metric<'a>(host: &'a HostPlan, key: &str) -> Option<(usize, &'a MetricPlan)> {
    let name = key.split_once('{').map_or(key, |(name, _)| name);
    let named = host.shape.metrics.iter().enumerate().filter(|(_, metric)| *metric.name == *name);
    let found = named.clone().find(|(_, metric)| metric_key(metric) == key);
    found.or_else(|| {
        let mut named = named.filter(|_| name == key);
        named.next().filter(|_| named.next().is_none())
    })
}

/// A client's text, cut so that an error does not repeat something endless.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(NAME_BYTES_MAX).collect()
}
