//! What metrics show, of one host or over all.

use super::commands::{CommandError, known};
use super::hosts::override_view;
use super::{FamiliesPage, FamilyView, RunHandle, SeriesPage, SeriesView};
use crate::fleet::Fleet;
use promemu_core::event::HostId;
use promemu_core::metric::promql::{MetricQuery, equal_matchers};
use promemu_core::metric::{Kind, Layout, MetricType, buckets, is_absent};
use promemu_core::plan::{HostPlan, MetricPlan};
use promemu_core::series::SampleCursor;
use promemu_core::time::Time;

/// So many rows are gone through before their job is let go for a moment.
const ROWS_AT_ONCE: usize = 4_096;
/// A host's name is looked for before so many of an id's slashes.
const SLASHES_MAX: usize = 16;
/// The range of a rate in a query.
const RATE_RANGE: &str = "5m";

/// Which series are wanted.
#[derive(Clone, Debug, Default)]
pub struct SeriesFilter {
    /// The metric's name.
    pub metric: Option<String>,
    /// A part of the host's name.
    pub search: String,
}

/// What is made of the values of all hosts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Avg,
    Sum,
    Min,
    Max,
}

impl Over {
    /// Reads `avg:METRIC` and the like.
    fn parse(id: &str) -> Option<(Self, &str)> {
        let (word, metric) = id.split_once(':')?;
        let over = match word {
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        };
        (!metric.contains('/')).then_some((over, metric))
    }
}

impl RunHandle {
    /// A part of the families whose name has this text.
    #[must_use]
    pub fn families(&self, search: &str, offset: usize, limit: usize) -> FamiliesPage {
        let fleet = self.fleet();
        let plan = fleet.plan();
        let mut hosts = vec![0; plan.families.len()];
        for (shape, count) in plan.jobs.iter().flat_map(|job| plan.shapes(job)) {
            let mut of_shape: Vec<usize> = shape.all_metrics().map(|metric| metric.family).collect();
            of_shape.sort_unstable();
            of_shape.dedup();
            for family in of_shape {
                hosts[family] += count;
            }
        }
        let wanted = plan.families.iter().zip(hosts).filter(|(family, _)| family.name.contains(search));
        let all: Vec<_> = wanted.collect();
        let view = |(family, hosts): &(&promemu_core::series::Family, usize)| FamilyView {
            name: family.name.to_string(),
            metric_type: family.metric_type.name(),
            unit: family.unit.to_string(),
            help: family.help.to_string(),
            hosts: *hosts,
        };
        let metrics = all.iter().skip(offset).take(limit).map(view).collect();
        FamiliesPage { total: plan.families.len(), matched: all.len(), offset, limit, metrics }
    }

    /// A part of the series of hosts; those of pools are not among them.
    #[must_use]
    pub fn series(&self, filter: &SeriesFilter, offset: usize, limit: usize) -> SeriesPage {
        let fleet = self.fleet();
        let now = fleet.clock().now();
        let is_wanted =
            |metric: &MetricPlan| filter.metric.as_ref().is_none_or(|name| **name == *metric.name);
        let (mut matched, mut series) = (0, Vec::new());
        for (id, host) in (0..).zip(&fleet.plan().hosts) {
            if !host.name.contains(&filter.search) {
                continue;
            }
            for (index, _) in host.shape.metrics.iter().enumerate().filter(|(_, metric)| is_wanted(metric)) {
                if matched >= offset && series.len() < limit {
                    series.push(series_of(&fleet, id, index, now));
                }
                matched += 1;
            }
        }
        SeriesPage { matched, offset, limit, series }
    }

    /// One metric of one host.
    pub fn metric(&self, host: &str, metric: &str) -> Result<SeriesView, CommandError> {
        let fleet = self.fleet();
        let id = known(&fleet, host)?;
        let (index, _) = metric_of(&fleet.plan().hosts[id as usize], metric)?;
        Ok(series_of(&fleet, id, index, fleet.clock().now()))
    }

    /// What has this id: a metric of a host, or a metric over all hosts.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<SeriesView> {
        let fleet = self.fleet();
        if let Some((over, metric)) = Over::parse(id) {
            return over_all(&fleet, id, over, metric);
        }
        let (host, metric) = place_of(&fleet, id)?;
        Some(series_of(&fleet, host, metric, fleet.clock().now()))
    }

    /// What these show now, in their order, and when that is. None for what has no sample or is not there.
    #[must_use]
    pub fn probe<'a>(&self, ids: impl Iterator<Item = &'a str>) -> (Time, Vec<Option<f64>>) {
        let fleet = self.fleet();
        let value = |id: &str| match Over::parse(id) {
            Some((over, metric)) => aggregate(&fleet, over, metric),
            None => place_of(&fleet, id).and_then(|(host, metric)| value_of(&fleet, host, metric)),
        };
        (fleet.clock().now(), ids.map(value).collect())
    }

    /// Whether there is such a metric now.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        let fleet = self.fleet();
        match Over::parse(id) {
            Some((_, metric)) => fleet.plan().families.iter().any(|family| *family.name == *metric),
            None => place_of(&fleet, id).is_some(),
        }
    }
}

impl SeriesView {
    /// What can be said of a metric that is not there.
    #[must_use]
    pub fn gone(id: &str) -> Self {
        let key = id.split_once(['/', ':']).map_or(id, |(_, key)| key);
        Self {
            id: id.to_owned(),
            host: id.split_once('/').map(|(host, _)| host.to_owned()),
            metric: key.split_once('{').map_or(key, |(name, _)| name).to_owned(),
            labels: indexmap::IndexMap::new(),
            metric_type: MetricType::Gauge.name(),
            unit: String::new(),
            help: String::new(),
            value: None,
            range: None,
            ordered: None,
            query: String::new(),
        }
    }
}

/// A metric's name, with its own labels where it has some: `disk_used_bytes{device="sda"}`.
pub(crate) fn metric_key(metric: &MetricPlan) -> String {
    let labels = String::from_utf8_lossy(metric.labels.as_text());
    if labels.is_empty() { metric.name.to_string() } else { format!("{}{{{labels}}}", metric.name) }
}

/// The metric of a host that has this key.
pub(crate) fn metric_of<'a>(host: &'a HostPlan, key: &str) -> Result<(usize, &'a MetricPlan), CommandError> {
    let name = key.split_once('{').map_or(key, |(name, _)| name);
    let named = host.shape.metrics.iter().enumerate().filter(|(_, metric)| *metric.name == *name);
    let mut wanted = named.filter(|(_, metric)| metric_key(metric) == key);
    wanted.next().ok_or_else(|| {
        let keys: Vec<String> = host.shape.metrics.iter().take(200).map(metric_key).collect();
        let shown: String = key.chars().take(200).collect();
        let hint = promemu_core::error::suggestion(key, &keys);
        CommandError::UnknownMetric(format!("host {:?} has no metric {shown:?}{hint}", host.name))
    })
}

/// `HOST/METRIC`; both may have slashes.
fn place_of(fleet: &Fleet, id: &str) -> Option<(HostId, usize)> {
    id.match_indices('/').take(SLASHES_MAX).find_map(|(at, _)| {
        let host = fleet.id_of(&id[..at])?;
        let key = &id[at + 1..];
        let name = key.split_once('{').map_or(key, |(name, _)| name);
        let metrics = fleet.plan().hosts[host as usize].shape.metrics.iter().enumerate();
        let mut named = metrics.filter(|(_, metric)| *metric.name == *name);
        named.find(|(_, metric)| metric_key(metric) == key).map(|(index, _)| (host, index))
    })
}

fn value_of(fleet: &Fleet, id: HostId, metric: usize) -> Option<f64> {
    let metric = &fleet.plan().hosts[id as usize].shape.metrics[metric];
    shown(metric.cells.layout(), &fleet.cells_of(id, metric))
}

/// What a series shows: the value, or the number of observations.
fn shown(layout: &Layout, cells: &[f64]) -> Option<f64> {
    if is_absent(cells[0]) {
        return None;
    }
    let shown = match &layout.kind {
        Kind::Histogram { bounds } => buckets(bounds, cells).count(),
        // A native histogram's and a summary's first cell is their number of observations.
        _ => cells[0],
    };
    shown.is_finite().then_some(shown)
}

pub(crate) fn series_of(fleet: &Fleet, id: HostId, index: usize, now: Time) -> SeriesView {
    let (plan, host) = (fleet.plan(), &fleet.plan().hosts[id as usize]);
    let metric = &host.shape.metrics[index];
    let family = &plan.families[metric.family];
    let standing = fleet.standing_of(id, index, now);
    let (low, high) = metric.value_range;
    let job = ("job", &*plan.jobs[host.job].name);
    let who: Vec<(&str, &str)> = match host.labels.get("name") {
        Some(name) => vec![("name", name)],
        None => host.labels.iter().collect(),
    };
    let all: Vec<_> = [job].into_iter().chain(who).chain(metric.labels.iter()).collect();
    SeriesView {
        id: format!("{}/{}", host.name, metric_key(metric)),
        host: Some(host.name.to_string()),
        metric: metric.name.to_string(),
        labels: metric.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        metric_type: family.metric_type.name(),
        unit: family.unit.to_string(),
        help: family.help.to_string(),
        value: value_of(fleet, id, index),
        range: (low.is_finite() && high.is_finite()).then_some((low, high)),
        ordered: standing.map(|standing| override_view(fleet, id, index, standing)),
        query: query(&metric.name, family.metric_type, &all).chart(),
    }
}

/// The PromQL of a metric's series with these labels.
fn query<'a>(name: &'a str, metric_type: MetricType, labels: &[(&str, &str)]) -> MetricQuery<'a> {
    MetricQuery { name, metric_type, matchers: equal_matchers(labels.iter().copied()), range: RATE_RANGE }
}

/// A metric over all hosts.
fn over_all(fleet: &Fleet, id: &str, over: Over, metric: &str) -> Option<SeriesView> {
    let plan = fleet.plan();
    let family = plan.families.iter().find(|family| *family.name == *metric)?;
    let word = id.split_once(':').map_or("", |(word, _)| word);
    let jobs: Vec<&str> = plan.jobs.iter().map(|job| &*job.name).collect();
    let labels = if let [job] = jobs[..] { vec![("job", job)] } else { Vec::new() };
    let query = query(metric, family.metric_type, &labels);
    let inner = match family.metric_type {
        MetricType::Histogram | MetricType::NativeHistogram | MetricType::Summary => {
            query.observation_count()
        }
        _ => query.level(),
    };
    Some(SeriesView {
        id: id.to_owned(),
        host: None,
        metric: metric.to_owned(),
        labels: indexmap::IndexMap::new(),
        metric_type: family.metric_type.name(),
        unit: family.unit.to_string(),
        help: family.help.to_string(),
        value: aggregate(fleet, over, metric),
        range: None,
        ordered: None,
        query: format!("{word}({inner})"),
    })
}

fn aggregate(fleet: &Fleet, over: Over, metric: &str) -> Option<f64> {
    let (mut count, mut sum, mut min, mut max) = (0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY);
    for job in fleet.jobs() {
        let Some(family) = job.store().families().position(|family| *family.name == *metric) else {
            continue;
        };
        let mut place = SampleCursor::default();
        loop {
            let has_more = job.store().for_each_sample_from(family, &mut place, ROWS_AT_ONCE, |sample| {
                if let Some(value) = shown(sample.layout, sample.cells) {
                    count += 1.0;
                    sum += value;
                    min = value.min(min);
                    max = value.max(max);
                }
            });
            if !has_more {
                break;
            }
        }
    }
    let value = match over {
        Over::Avg => sum / count,
        Over::Sum => sum,
        Over::Min => min,
        Over::Max => max,
    };
    (count > 0.0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_all_hosts_is_told_by_its_word() {
        assert_eq!(Over::parse("avg:cpu"), Some((Over::Avg, "cpu")));
        assert_eq!(Over::parse("sum:node:cpu"), Some((Over::Sum, "node:cpu")));
        assert_eq!(Over::parse("avg:1/cpu"), None);
        assert_eq!(Over::parse("web-1/cpu"), None);
    }
}
