//! The values that metrics show: of one host, or aggregated over all.
//!
//! A series id is `HOST/METRIC`, or an aggregation operator of PromQL and a metric, as in `avg:METRIC`.

use std::sync::Arc;

use indexmap::IndexMap;

use promemu_core::backfill::Aggregate;
use promemu_core::event::HostId;
use promemu_core::metric::MetricType;
use promemu_core::metric::promql::{MetricQuery, equal_matchers};
use promemu_core::plan::{HostShape, MetricPlan};
use promemu_core::series::{Family, SampleCursor};
use promemu_core::time::Time;

use super::error::CommandError;
use super::lookup::{find_series, host_id, metric_key, metric_of};
use super::overrides::override_view;
use super::run_handle::RunHandle;
use super::views::{FamiliesPage, FamilyView, SeriesPage, SeriesView};
use crate::fleet::Fleet;

/// The rows that are read before their job's lock is released for a moment.
const ROWS_PER_LOCK: usize = 4_096;
/// The range of a rate in a query.
const RATE_RANGE: &str = "5m";

/// The series to list.
#[derive(Clone, Debug, Default)]
pub struct SeriesFilter {
    /// The metric's name; any if `None`.
    pub metric: Option<String>,
    /// A part of the host's name; empty for any.
    pub search: String,
}

/// An aggregation operator over the values of all hosts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Avg,
    Sum,
    Min,
    Max,
}

impl Operator {
    /// Reads `avg:METRIC` and the like.
    fn parse(id: &str) -> Option<(Self, &str)> {
        let (word, metric) = id.split_once(':')?;
        let operator = match word {
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        };
        (!metric.contains('/')).then_some((operator, metric))
    }

    /// Its value; `None` of nothing.
    fn of(self, all: &Aggregate) -> Option<f64> {
        let value = match self {
            Self::Avg => all.sum / all.count,
            Self::Sum => all.sum,
            Self::Min => all.min,
            Self::Max => all.max,
        };
        (all.count > 0.0).then_some(value)
    }
}

impl RunHandle {
    /// A page of the families whose name contains `search`, in the config's order.
    #[must_use]
    pub fn families(&self, search: &str, offset: usize, limit: usize) -> FamiliesPage {
        let fleet = self.fleet();
        let plan = fleet.plan();
        let mut hosts = vec![0; plan.families.len()];
        let mut shapes: IndexMap<*const HostShape, (Arc<HostShape>, usize)> = IndexMap::new();
        for (_, host) in fleet.hosts() {
            let (_, count) =
                shapes.entry(Arc::as_ptr(&host.shape)).or_insert_with(|| (Arc::clone(&host.shape), 0));
            *count += 1;
        }
        for (shape, count) in shapes.into_values() {
            let mut of_shape: Vec<usize> = shape.all_metrics().map(|metric| metric.family).collect();
            of_shape.sort_unstable();
            of_shape.dedup();
            for family in of_shape {
                hosts[family] += count;
            }
        }
        let matching = plan.families.iter().zip(hosts).filter(|(family, _)| family.name.contains(search));
        let all: Vec<_> = matching.collect();
        let view = |(family, hosts): &(&Family, usize)| FamilyView {
            name: family.name.to_string(),
            metric_type: family.metric_type.name(),
            unit: family.unit.to_string(),
            help: family.help.to_string(),
            hosts: *hosts,
        };
        let metrics = all.iter().skip(offset).take(limit).map(view).collect();
        FamiliesPage { total: plan.families.len(), matched: all.len(), offset, limit, metrics }
    }

    /// A page of the hosts' series that match; series of pools are not listed.
    #[must_use]
    pub fn series(&self, filter: &SeriesFilter, offset: usize, limit: usize) -> SeriesPage {
        let fleet = self.fleet();
        let now = fleet.clock().now();
        let is_match = |metric: &MetricPlan| filter.metric.as_ref().is_none_or(|name| **name == *metric.name);
        let (mut matched, mut series) = (0, Vec::new());
        for (id, host) in fleet.hosts() {
            if !host.name.contains(&filter.search) {
                continue;
            }
            for (index, _) in host.shape.metrics.iter().enumerate().filter(|(_, metric)| is_match(metric)) {
                if matched >= offset && series.len() < limit {
                    series.push(series_view(&fleet, id, index, now));
                }
                matched += 1;
            }
        }
        SeriesPage { matched, offset, limit, series }
    }

    /// One metric of one host.
    pub fn metric(&self, host: &str, metric: &str) -> Result<SeriesView, CommandError> {
        let fleet = self.fleet();
        let id = host_id(&fleet, host)?;
        let (index, _) = metric_of(&fleet.host(id), metric)?;
        Ok(series_view(&fleet, id, index, fleet.clock().now()))
    }

    /// The series of this id; `None` if the run has none.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<SeriesView> {
        let fleet = self.fleet();
        if let Some((operator, metric)) = Operator::parse(id) {
            return aggregate_view(&fleet, id, operator, metric);
        }
        let (host, metric) = find_series(&fleet, id)?;
        Some(series_view(&fleet, host, metric, fleet.clock().now()))
    }

    /// The values of the series with these ids, in their order, and the time of reading. A value is `None` if the series
    /// has no sample or does not exist.
    #[must_use]
    pub fn probe<'a>(&self, ids: impl Iterator<Item = &'a str>) -> (Time, Vec<Option<f64>>) {
        let fleet = self.fleet();
        let value = |id: &str| match Operator::parse(id) {
            Some((operator, metric)) => aggregate(&fleet, operator, metric),
            None => find_series(&fleet, id).and_then(|(host, metric)| value_of(&fleet, host, metric)),
        };
        (fleet.clock().now(), ids.map(value).collect())
    }

    /// The newest values that the series of this id had in the history of the run, in order of time; none without a history, or
    /// where too many series are in it.
    #[must_use]
    pub fn past(&self, id: &str) -> Vec<(Time, Option<f64>)> {
        let Some(recent) = &self.facts().recent else { return Vec::new() };
        if let Some((operator, metric)) = Operator::parse(id) {
            let all = recent.of_family(metric).into_iter();
            return all.map(|(time, all)| (time, operator.of(&all))).collect();
        }
        let fleet = self.fleet();
        let Some((host, metric)) = find_series(&fleet, id) else { return Vec::new() };
        let host = fleet.host(host);
        recent.of_metric(&host.name, &host.shape.metrics[metric])
    }

    /// `true` if the run has a series of this id now.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        let fleet = self.fleet();
        match Operator::parse(id) {
            Some((_, metric)) => fleet.plan().families.iter().any(|family| *family.name == *metric),
            None => find_series(&fleet, id).is_some(),
        }
    }
}

impl SeriesView {
    /// The view of a series that does not exist.
    #[must_use]
    pub fn gone(id: &str) -> Self {
        let key = id.split_once(['/', ':']).map_or(id, |(_, key)| key);
        Self {
            id: id.to_owned(),
            host: id.split_once('/').map(|(host, _)| host.to_owned()),
            metric: key.split_once('{').map_or(key, |(name, _)| name).to_owned(),
            labels: IndexMap::new(),
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

fn value_of(fleet: &Fleet, id: HostId, metric: usize) -> Option<f64> {
    let host = fleet.host(id);
    let metric = &host.shape.metrics[metric];
    metric.cells.layout().shown(&fleet.cells_of(id, metric))
}

pub(super) fn series_view(fleet: &Fleet, id: HostId, index: usize, now: Time) -> SeriesView {
    let (plan, host) = (fleet.plan(), fleet.host(id));
    let metric = &host.shape.metrics[index];
    let family = &plan.families[metric.family];
    let standing = fleet.active_override(id, index, now);
    let (low, high) = metric.value_range;
    let job = ("job", &*plan.jobs[host.job].name);
    let identity: Vec<(&str, &str)> = match host.labels.get("name") {
        Some(name) => vec![("name", name)],
        None => host.labels.iter().collect(),
    };
    let all: Vec<_> = [job].into_iter().chain(identity).chain(metric.labels.iter()).collect();
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

/// A metric aggregated over all hosts.
fn aggregate_view(fleet: &Fleet, id: &str, operator: Operator, metric: &str) -> Option<SeriesView> {
    let plan = fleet.plan();
    let family = plan.families.iter().find(|family| *family.name == *metric)?;
    let word = id.split_once(':').map_or("", |(word, _)| word);
    let jobs: Vec<&str> = fleet.present_jobs().map(|job| &*plan.jobs[job].name).collect();
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
        labels: IndexMap::new(),
        metric_type: family.metric_type.name(),
        unit: family.unit.to_string(),
        help: family.help.to_string(),
        value: aggregate(fleet, operator, metric),
        range: None,
        ordered: None,
        query: format!("{word}({inner})"),
    })
}

fn aggregate(fleet: &Fleet, operator: Operator, metric: &str) -> Option<f64> {
    let mut all = Aggregate::default();
    for job in fleet.jobs() {
        let Some(family) = job.store().families().position(|family| *family.name == *metric) else {
            continue;
        };
        let mut cursor = SampleCursor::default();
        loop {
            let has_more = job.store().for_each_sample_from(family, &mut cursor, ROWS_PER_LOCK, |sample| {
                if let Some(value) = sample.layout.shown(sample.cells) {
                    all.add(value);
                }
            });
            if !has_more {
                break;
            }
        }
    }
    operator.of(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_with_an_operator_and_no_slash_is_over_all_hosts() {
        assert_eq!(Operator::parse("avg:cpu"), Some((Operator::Avg, "cpu")));
        assert_eq!(Operator::parse("sum:node:cpu"), Some((Operator::Sum, "node:cpu")));
        assert_eq!(Operator::parse("avg:1/cpu"), None);
        assert_eq!(Operator::parse("web-1/cpu"), None);
    }
}
