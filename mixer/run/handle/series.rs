//! The values that metrics show: of one host, or aggregated over all.
//!
//! A series id is `HOST/METRIC`, or names an operator and a metric, as in `avg:METRIC` ([`Selection`]).

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use promemu_core::backfill::Aggregate;
use promemu_core::event::HostId;
use promemu_core::metric::promql::{MetricQuery, QuantileOf, equal_matchers};
use promemu_core::metric::{Kind, MetricType, is_absent};
use promemu_core::number::Shown;
use promemu_core::plan::{HostShape, MetricPlan};
use promemu_core::series::{Family, LabelBlock, Sample, SampleCursor};
use promemu_core::time::Time;

use super::error::CommandError;
use super::lookup::{NAMES_COMPARED_MAX, find_series, host_id, metric_key, metric_of};
use super::overrides::override_view;
use super::past;
use super::readings::JobKey;
use super::run_handle::RunHandle;
use super::selection::{BUCKETS_MAX, Operator, Selection, has_labels, without_rate};
use super::views::{FamiliesPage, FamilyView, SeriesPage, SeriesView};
use crate::fleet::Fleet;

/// The rows that are read before their job's lock is released for a moment.
const ROWS_PER_LOCK: usize = 4_096;
/// The most series of pools that are listed.
const PARTS_MAX: usize = 16;
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

impl RunHandle {
    /// A page of the families whose name contains `search`, in the config's order.
    #[must_use]
    pub fn families(&self, search: &str, offset: usize, limit: usize) -> FamiliesPage {
        let fleet = self.fleet();
        let plan = fleet.plan();
        let hosts = hosts_of_families(&fleet);
        let matching = plan.families.iter().zip(hosts).filter(|(family, _)| family.name.contains(search));
        let all: Vec<_> = matching.collect();
        let view = |(family, hosts): &(&Family, usize)| FamilyView {
            name: family.name.to_string(),
            metric_type: family.metric_type.name(),
            unit: family.unit.to_string(),
            help: family.help.to_string(),
            hosts: *hosts,
            buckets: buckets_of(&fleet, family).len(),
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
        let parts = filter.metric.as_deref().map(|metric| parts(&fleet, metric)).unwrap_or_default();
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
        SeriesPage { matched, offset, limit, series, parts }
    }

    /// One metric of one host.
    pub fn metric(&self, host: &str, metric: &str) -> Result<SeriesView, CommandError> {
        let fleet = self.fleet();
        let id = host_id(&fleet, host)?;
        let (index, _) = metric_of(&fleet.host(id), metric)?;
        Ok(series_view(&fleet, id, index, fleet.clock().now()))
    }

    /// The series of this id; `None` if the run has none. A rate has no value here: it needs a [`Sampler`](super::Sampler).
    #[must_use]
    pub fn find(&self, id: &str) -> Option<SeriesView> {
        series_of(&self.fleet(), id)
    }

    /// The newest values that the series of this id had in the history of the run, in order of time; none without a history, or
    /// where too many series are in it.
    #[must_use]
    pub fn past(&self, id: &str) -> Vec<(Time, Option<f64>)> {
        self.facts().recent.as_ref().map_or_else(Vec::new, |recent| past::of(&self.fleet(), recent, id))
    }

    /// `true` if the run has a series of this id now.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        let (fleet, (plain, _)) = (self.fleet(), without_rate(id));
        match Selection::parse(plain) {
            Some(selection) => family_of(&fleet, &selection).is_some(),
            None => find_series(&fleet, plain).is_some(),
        }
    }
}

/// The series of this id in a fleet, as of [`RunHandle::find`].
pub(crate) fn series_of(fleet: &Fleet, id: &str) -> Option<SeriesView> {
    let (plain, is_rate) = without_rate(id);
    let view = if let Some(selection) = Selection::parse(plain) {
        aggregate_view(fleet, plain, &selection, is_rate)?
    } else {
        let (host, metric) = find_series(fleet, plain)?;
        view_of(fleet, host, metric, fleet.clock().now(), is_rate)
    };
    let has_value = !is_rate || MetricType::from_name(view.metric_type).is_some_and(|of| !of.grows());
    Some(SeriesView { id: id.to_owned(), value: view.value.filter(|_| has_value), ..view })
}

impl SeriesView {
    /// The view of a series that does not exist.
    #[must_use]
    pub fn gone(id: &str) -> Self {
        let (plain, _) = without_rate(id);
        let key = plain.split_once(['/', ':']).map_or(plain, |(_, key)| key);
        Self {
            id: id.to_owned(),
            host: plain.split_once('/').map(|(host, _)| host.to_owned()),
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

/// The number that a host's metric shows; `None` without a sample.
pub(super) fn number_of(fleet: &Fleet, id: HostId, metric: usize) -> Option<f64> {
    let host = fleet.host(id);
    let metric = &host.shape.metrics[metric];
    let number = metric.cells.layout().number(&fleet.cells_of(id, metric));
    (!is_absent(number)).then_some(number)
}

/// A host's metric, with the PromQL of its chart.
pub(super) fn series_view(fleet: &Fleet, id: HostId, index: usize, now: Time) -> SeriesView {
    view_of(fleet, id, index, now, false)
}

/// A host's metric, with the PromQL of its chart, or of its growth for a rate.
fn view_of(fleet: &Fleet, id: HostId, index: usize, now: Time, is_rate: bool) -> SeriesView {
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
    let query = query(&metric.name, family.metric_type, &all);
    SeriesView {
        id: format!("{}/{}", host.name, metric_key(metric)),
        host: Some(host.name.to_string()),
        metric: metric.name.to_string(),
        labels: metric.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        metric_type: family.metric_type.name(),
        unit: family.unit.to_string(),
        help: family.help.to_string(),
        value: number_of(fleet, id, index).filter(|number| number.is_finite()),
        range: (low.is_finite() && high.is_finite()).then_some((low, high)),
        ordered: standing.map(|standing| override_view(fleet, id, index, standing)),
        query: if is_rate { query.growth() } else { query.chart() },
    }
}

/// The PromQL of a metric's series with these labels.
fn query<'a>(name: &'a str, metric_type: MetricType, labels: &[(&str, &str)]) -> MetricQuery<'a> {
    MetricQuery { name, metric_type, matchers: equal_matchers(labels.iter().copied()), range: RATE_RANGE }
}

/// The family of a selection; `None` if the run has none of this name, or none with quantiles where they are wanted.
fn family_of<'f>(fleet: &'f Fleet, selection: &Selection) -> Option<&'f Family> {
    let family = fleet.plan().families.iter().find(|family| *family.name == *selection.metric)?;
    let has_it = match selection.operator {
        Operator::Bucket(number) => number < buckets_of(fleet, family).len(),
        operator => !operator.needs_buckets() || family.metric_type == MetricType::Histogram,
    };
    has_it.then_some(family)
}

/// The upper bounds of the buckets of a histogram, with that of the last, if they are few; none of another type.
fn buckets_of(fleet: &Fleet, family: &Family) -> Vec<f64> {
    let plan = fleet.plan();
    if family.metric_type != MetricType::Histogram {
        return Vec::new();
    }
    let shapes = plan.hosts.iter().map(|host| &host.shape);
    let mut metrics = shapes.flat_map(|shape| shape.all_metrics());
    let metric = metrics.find(|metric| plan.families[metric.family].name == family.name);
    let bounds = match metric.map(|metric| metric.cells.layout().kind.clone()) {
        Some(Kind::Histogram { bounds }) if bounds.len() < BUCKETS_MAX => bounds,
        _ => return Vec::new(),
    };
    bounds.iter().copied().chain([f64::INFINITY]).collect()
}

/// A metric aggregated over all hosts.
fn aggregate_view(fleet: &Fleet, id: &str, selection: &Selection, is_rate: bool) -> Option<SeriesView> {
    let (plan, family) = (fleet.plan(), family_of(fleet, selection)?);
    let word = id.split_once(':').map_or("", |(word, _)| word);
    let jobs: Vec<&str> = fleet.present_jobs().map(|job| &*plan.jobs[job].name).collect();
    let mut labels = if let [job] = jobs[..] { vec![("job", job)] } else { Vec::new() };
    labels.extend(selection.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let query = query(&selection.metric, family.metric_type, &labels);
    let mut of_bucket = None;
    let (metric_type, query) = match (selection.operator, family.metric_type) {
        // Its value is a level, not a number of observations.
        (Operator::Bucket(number), _) => {
            let bound = buckets_of(fleet, family).get(number).copied().unwrap_or(f64::INFINITY);
            of_bucket = Some(bound);
            (MetricType::Gauge, format!("sum by (le) ({})", query.rate("_bucket")))
        }
        (Operator::Quantile(quantile), _) => (MetricType::Gauge, query.quantile(quantile, QuantileOf::All)),
        _ if is_rate => (family.metric_type, format!("{word}({})", query.growth())),
        (_, MetricType::Histogram | MetricType::NativeHistogram | MetricType::Summary) => {
            (family.metric_type, format!("{word}({})", query.observation_count()))
        }
        _ => (family.metric_type, format!("{word}({})", query.level())),
    };
    Some(SeriesView {
        id: id.to_owned(),
        host: None,
        metric: selection.metric.clone(),
        labels: selection
            .labels
            .iter()
            .cloned()
            .chain(of_bucket.map(|bound| ("le".to_owned(), le(bound))))
            .collect(),
        metric_type: metric_type.name(),
        unit: family.unit.to_string(),
        help: family.help.to_string(),
        value: aggregate(fleet, selection),
        range: None,
        ordered: None,
        query,
    })
}

/// A bound as the label `le` has it.
fn le(bound: f64) -> String {
    if bound.is_infinite() { "+Inf".to_owned() } else { Shown(bound).to_string() }
}

fn aggregate(fleet: &Fleet, selection: &Selection) -> Option<f64> {
    let mut all = Aggregate::default();
    if selection.operator.needs_buckets() {
        return None;
    }
    for_each_sample(fleet, &selection.metric, |_, sample| {
        if has_labels(&selection.labels, sample) {
            all.add(sample.layout.number(sample.cells));
        }
    });
    selection.operator.of(&all).filter(|value| value.is_finite())
}

/// Visits the series of a family that have a sample, each with its job.
pub(super) fn for_each_sample(fleet: &Fleet, family: &str, mut visit: impl FnMut(JobKey, &Sample<'_>)) {
    for job in fleet.jobs() {
        let Some(family) = job.store().families().position(|known| *known.name == *family) else {
            continue;
        };
        let key = JobKey::of(job.name());
        let mut cursor = SampleCursor::default();
        loop {
            let has_more = job.store().for_each_sample_from(family, &mut cursor, ROWS_PER_LOCK, |sample| {
                visit(key, sample);
            });
            if !has_more {
                break;
            }
        }
    }
}

/// Number of the hosts that have each family.
pub(super) fn hosts_of_families(fleet: &Fleet) -> Vec<usize> {
    let mut hosts = vec![0; fleet.plan().families.len()];
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
    hosts
}

/// The labels of the series of a family in a model's tables, beside those of hosts, as ids have them in braces, empty for none; no
/// list if it is longer than a chart shows. Members of other pools come and go.
fn parts(fleet: &Fleet, metric: &str) -> Vec<String> {
    let Some(family) = fleet.plan().families.iter().position(|family| *family.name == *metric) else {
        return Vec::new();
    };
    let (mut is_of_model, mut is_of_host) = (false, IndexSet::new());
    for (_, host) in fleet.hosts().take(NAMES_COMPARED_MAX) {
        let mut models = host.shape.pools.iter().filter(|pool| pool.model.is_some());
        is_of_model |= models.any(|pool| pool.shape.metrics.iter().any(|metric| metric.family == family));
        is_of_host.extend(host.labels.iter().map(|(name, _)| name.to_owned()));
    }
    if !is_of_model {
        return Vec::new();
    }
    let mut parts: IndexSet<String> = IndexSet::new();
    for job in fleet.jobs() {
        let Some(family) = job.store().families().position(|family| *family.name == *metric) else {
            continue;
        };
        let mut cursor = SampleCursor::default();
        let has_more = job.store().for_each_sample_from(family, &mut cursor, PARTS_MAX + 1, |sample| {
            let labels = sample.host_labels.iter().chain(sample.metric_labels.iter());
            let own = LabelBlock::new(labels.filter(|(name, _)| !is_of_host.contains(*name)));
            let text = String::from_utf8_lossy(own.as_text());
            parts.insert(if text.is_empty() { String::new() } else { format!("{{{text}}}") });
        });
        if has_more || parts.len() > PARTS_MAX {
            return Vec::new();
        }
    }
    parts.into_iter().collect()
}
