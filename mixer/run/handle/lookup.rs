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
        let metrics = host.shape.metrics.iter().take(METRICS_COMPARED_MAX);
        let of_name = metrics.clone().filter(|metric| *metric.name == *key).map(metric_key);
        let of_name: Vec<String> = of_name.collect();
        let hint = if of_name.is_empty() {
            suggestion(key, &metrics.map(metric_key).collect::<Vec<_>>())
        } else {
            format!(" without labels; expected one of {}", of_name.join(", "))
        };
        CommandError::UnknownMetric { host: host.name.to_string(), metric: shortened(key), hint }
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
    let labels = key.strip_prefix(name).unwrap_or_default();
    let labels = sorted_pairs(labels.trim_start_matches('{').trim_end_matches('}'));
    let has_labels =
        |metric: &MetricPlan| sorted_pairs(&String::from_utf8_lossy(metric.labels.as_text())) == labels;
    let found = named.clone().find(|(_, metric)| has_labels(metric));
    found.or_else(|| {
        let mut named = named.filter(|_| name == key);
        named.next().filter(|_| named.next().is_none())
    })
}

/// The pairs of a text of labels, in one order.
fn sorted_pairs(labels: &str) -> Vec<&str> {
    let mut pairs = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, c) in labels.char_indices() {
        match c {
            '"' if !is_escaped => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                pairs.push(labels[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    pairs.push(labels[start..].trim());
    pairs.retain(|pair| !pair.is_empty());
    pairs.sort_unstable();
    pairs
}

/// A client's text, cut so that an error does not repeat something endless.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(NAME_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_labels_are_equal_in_any_order() {
        assert_eq!(sorted_pairs(r#"b="2", a="1""#), sorted_pairs(r#"a="1",b="2""#));
        assert_eq!(sorted_pairs(r#"a="x,y\",z",b="}""#), [r#"a="x,y\",z""#, r#"b="}""#]);
        assert_eq!(sorted_pairs(r#"a="\\",b="1""#), [r#"a="\\""#, r#"b="1""#]);
        assert_ne!(sorted_pairs(r#"a="1""#), sorted_pairs(r#"a="2""#));
        assert!(sorted_pairs("").is_empty());
    }
}
