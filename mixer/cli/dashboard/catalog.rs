//! The metrics of a dashboard, with their types and labels: those of a config, or promemu's own.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use promemu_core::error::Error;
use promemu_core::metric::MetricType;
use promemu_core::plan::{HostShape, MetricPlan, Plan};
use promemu_core::scenario::ScenarioPlan;
use promemu_run::self_metrics::SelfMetrics;

use super::rule_limits::{self, RuleLimit};
use crate::test::Rules;

/// The most labels that have a variable, with the job and the host.
const VARIABLES_MAX: usize = 4;
/// Labels of hosts that say the same as their names.
const LIKE_NAME: [&str; 2] = ["host", "address"];
/// The label with the host's name.
pub(super) const HOST_LABEL: &str = "name";

/// The range of a metric of which no series is known.
const NO_RANGE: (f64, f64) = (f64::INFINITY, f64::NEG_INFINITY);

/// The metrics of a dashboard.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// The config's name, or `promemu`.
    pub(super) name: String,
    /// The labels that any series may have in a scrape, the job first.
    pub(super) labels: IndexSet<String>,
    /// Those of all labels that have a variable: the job, the host, and few that say more.
    pub(super) variables: IndexSet<String>,
    /// The metrics, in the config's order.
    pub(super) metrics: Vec<CatalogMetric>,
    /// The phases of the timeline, in their order.
    pub(super) phases: Vec<String>,
    /// `true` if the timeline's host shows faults.
    pub(super) shows_faults: bool,
    /// Indices of a few metrics, of which each host has at least one.
    pub(super) covering: IndexSet<usize>,
}

/// A metric of a dashboard.
#[derive(Debug)]
pub(super) struct CatalogMetric {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) metric_type: MetricType,
    /// Its own labels, without the hosts' and without `le` and `quantile`.
    pub(super) labels: IndexSet<String>,
    /// The maximum number of its series.
    pub(super) series: usize,
    /// The lowest and the highest value that the config allows; infinite where it sets none.
    pub(super) range: (f64, f64),
    /// `true` if it switches on and off; the times are marked in all panels.
    pub(super) is_switch: bool,
    /// The numbers that alert rules compare it with.
    pub(super) limits: Vec<RuleLimit>,
}

impl Catalog {
    /// The metrics of a config.
    pub(super) fn of_plan(plan: &Plan) -> Self {
        let metrics = plan.families.iter().map(|family| CatalogMetric {
            name: family.name.to_string(),
            help: family.help.to_string(),
            metric_type: family.metric_type,
            labels: IndexSet::new(),
            series: 0,
            range: NO_RANGE,
            is_switch: false,
            limits: Vec::new(),
        });
        let phases = &plan.timeline.phases;
        let mut catalog = Self {
            name: plan.config.clone(),
            metrics: metrics.collect(),
            phases: phases.iter().map(|phase| phase.name.to_string()).collect(),
            shows_faults: !phases.is_empty() && !plan.faults.is_empty(),
            ..Self::default()
        };
        catalog.labels.insert("job".to_owned());
        let mut hosts: IndexMap<*const HostShape, usize> = IndexMap::new();
        for host in &plan.hosts {
            catalog.labels.extend(host.labels.iter().map(|(label, _)| label.to_owned()));
            let count = hosts.entry(Arc::as_ptr(&host.shape)).or_default();
            *count += 1;
            if *count == 1 {
                catalog.add_labels(&host.shape);
            }
        }
        for host in &plan.hosts {
            // Each shape counts once, times its hosts.
            if let Some(count) = hosts.swap_remove(&Arc::as_ptr(&host.shape)) {
                catalog.add_series(&host.shape, count);
            }
        }
        for metric in &mut catalog.metrics {
            metric.labels.retain(|label| !catalog.labels.contains(label));
        }
        catalog.choose_variables();
        catalog
    }

    /// The same metrics with the limits that these rules set.
    pub(super) fn with_limits_of(mut self, rules: &Rules) -> Self {
        for metric in &mut self.metrics {
            let has_buckets =
                matches!(metric.metric_type, MetricType::Histogram | MetricType::NativeHistogram);
            if has_buckets || metric.metric_type == MetricType::Gauge {
                metric.limits = rule_limits::limits(rules, &metric.name, has_buckets);
            }
        }
        self
    }

    /// Chooses the labels that have a variable: those of hosts before those of metrics, and of these those that most metrics have.
    fn choose_variables(&mut self) {
        let mut of_metrics: IndexMap<&str, usize> = IndexMap::new();
        for label in self.metrics.iter().flat_map(|metric| &metric.labels) {
            *of_metrics.entry(label).or_default() += 1;
        }
        of_metrics.sort_by(|a, count_a, b, count_b| count_b.cmp(count_a).then(a.cmp(b)));
        let first = ["job", HOST_LABEL].into_iter().filter(|label| self.labels.contains(*label));
        let of_hosts = self.labels.iter().map(String::as_str).filter(|label| !LIKE_NAME.contains(label));
        let all = first.chain(of_hosts).chain(of_metrics.into_keys());
        let all: IndexSet<String> = all.map(str::to_owned).collect();
        self.variables = all.into_iter().take(VARIABLES_MAX).collect();
    }

    /// Adds the labels of the metrics of hosts of this shape.
    fn add_labels(&mut self, shape: &HostShape) {
        let families = || shape.all_metrics().map(|metric| metric.family);
        if !families().any(|family| self.covering.contains(&family)) {
            self.covering.extend(families().next());
        }
        let own = shape.metrics.iter().map(|metric| (metric, &[][..]));
        let of_pools = shape
            .pools
            .iter()
            .flat_map(|pools| pools.shape.metrics.iter().map(|metric| (metric, &pools.labels[..])));
        for (MetricPlan { family, labels, scenario, value_range, .. }, of_pool) in own.chain(of_pools) {
            let known = &mut self.metrics[*family];
            known.labels.extend(of_pool.iter().map(|(label, _)| label.clone()));
            known.labels.extend(labels.iter().map(|(label, _)| label.to_owned()));
            known.range = (known.range.0.min(value_range.0), known.range.1.max(value_range.1));
            let is_on_or_off = value_range.0 >= 0.0 && value_range.1 <= 1.0;
            known.is_switch |= is_on_or_off && matches!(scenario, ScenarioPlan::FeatureToggle(_));
        }
    }

    fn add_series(&mut self, shape: &HostShape, hosts: usize) {
        for metric in &shape.metrics {
            self.metrics[metric.family].series += hosts;
        }
        for pools in &shape.pools {
            for metric in &pools.shape.metrics {
                self.metrics[metric.family].series += pools.max.saturating_mul(hosts);
            }
        }
    }

    /// promemu's own metrics, and `up`.
    pub(super) fn of_self_metrics() -> Result<Self, Error> {
        let own = SelfMetrics::new()?;
        own.add_fleet(|| 0, || 0)?;
        // Metrics of outputs only have series if there is an output.
        let (_pushing, _scraped) = (own.outputs().delivering(""), own.outputs().scraped(""));
        let up = gauge("up", "1 while promemu can be scraped");
        let exposition = String::from_utf8_lossy(&own.page()?).into_owned();
        let (mut metrics, of_process): (Vec<_>, Vec<_>) = std::iter::once(up)
            .chain(read(&exposition))
            .partition(|metric| !metric.name.starts_with("process_"));
        metrics.extend(of_process);
        let build = metrics.iter().position(|metric| metric.name == "promemu_build_info");
        let mut catalog = Self {
            name: "promemu".to_owned(),
            labels: ["job", "instance"].map(str::to_owned).into(),
            metrics,
            covering: build.into_iter().collect(),
            ..Self::default()
        };
        catalog.choose_variables();
        Ok(catalog)
    }

    /// `true` if a metric has the label.
    pub(super) fn has_label(&self, label: &str) -> bool {
        self.all_labels().contains(&label)
    }

    /// All labels: those of the hosts, then those of the metrics.
    pub(super) fn all_labels(&self) -> Vec<&str> {
        let own = self.metrics.iter().flat_map(|metric| &metric.labels);
        let all: IndexSet<&str> = self.labels.iter().chain(own).map(String::as_str).collect();
        all.into_iter().collect()
    }
}

fn gauge(name: &str, help: &str) -> CatalogMetric {
    CatalogMetric {
        name: name.to_owned(),
        help: help.to_owned(),
        metric_type: MetricType::Gauge,
        labels: IndexSet::new(),
        series: 1,
        range: NO_RANGE,
        is_switch: false,
        limits: Vec::new(),
    }
}

/// The metrics of an exposition in the text format of promemu itself.
fn read(exposition: &str) -> Vec<CatalogMetric> {
    let mut metrics: Vec<CatalogMetric> = Vec::new();
    for line in exposition.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|line| line.split_once(' ')) {
            metrics.push(gauge(name, help));
        }
        let Some(metric) = metrics.last_mut() else { continue };
        if let Some((_, type_name)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            metric.metric_type = MetricType::from_name(type_name).unwrap_or(MetricType::Gauge);
        }
        if line.contains("{output=") {
            metric.labels.insert("output".to_owned());
        }
    }
    metrics
}
