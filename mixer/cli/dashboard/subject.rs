//! What a dashboard is of: metrics, with their types and labels.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use promemu_core::error::Error;
use promemu_core::metric::MetricType;
use promemu_core::plan::{HostShape, MetricPlan, Plan};
use promemu_core::scenario::ScenarioPlan;
use promemu_run::self_metrics::SelfMetrics;

/// The label that tells hosts apart.
pub(super) const HOST_LABEL: &str = "name";

/// What a dashboard is of.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// What it is called.
    pub(super) name: String,
    /// The labels that all series may have, as a scrape shows them: the job first.
    pub(super) labels: IndexSet<String>,
    /// The metrics, in the config's order.
    pub(super) metrics: Vec<Shown>,
    /// So few of the metrics, as indices, that each host has one of them.
    pub(super) everywhere: IndexSet<usize>,
}

/// A metric that is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) metric_type: MetricType,
    /// The labels of its own: not the hosts', and not those that its type brings.
    pub(super) labels: IndexSet<String>,
    /// How many series of it there may be.
    pub(super) series: usize,
    /// Whether it switches on and off: a mark for the others.
    pub(super) is_switch: bool,
}

impl Subject {
    /// The metrics of a config.
    pub(super) fn of_plan(plan: &Plan) -> Self {
        let metrics = plan.families.iter().map(|family| Shown {
            name: family.name.to_string(),
            help: family.help.to_string(),
            metric_type: family.metric_type,
            labels: IndexSet::new(),
            series: 0,
            is_switch: false,
        });
        let mut subject = Self { name: plan.config.clone(), metrics: metrics.collect(), ..Self::default() };
        subject.labels.insert("job".to_owned());
        let mut hosts: IndexMap<*const HostShape, usize> = IndexMap::new();
        for host in &plan.hosts {
            subject.labels.extend(host.labels.iter().map(|(label, _)| label.to_owned()));
            let count = hosts.entry(Arc::as_ptr(&host.shape)).or_default();
            *count += 1;
            if *count == 1 {
                subject.add_shape(&host.shape);
            }
        }
        for host in &plan.hosts {
            // Each shape once, with the number of its hosts.
            if let Some(count) = hosts.swap_remove(&Arc::as_ptr(&host.shape)) {
                subject.add_series(&host.shape, count);
            }
        }
        for metric in &mut subject.metrics {
            metric.labels.retain(|label| !subject.labels.contains(label));
        }
        subject
    }

    /// Takes note of the labels of such a host's metrics.
    fn add_shape(&mut self, shape: &HostShape) {
        let families = || shape.all_metrics().map(|metric| metric.family);
        if !families().any(|family| self.everywhere.contains(&family)) {
            self.everywhere.extend(families().next());
        }
        let own = shape.metrics.iter().map(|metric| (metric, &[][..]));
        let of_pools = shape
            .pools
            .iter()
            .flat_map(|pools| pools.shape.metrics.iter().map(|metric| (metric, &pools.labels[..])));
        for (MetricPlan { family, labels, scenario, value_range, .. }, of_slot) in own.chain(of_pools) {
            let shown = &mut self.metrics[*family];
            shown.labels.extend(of_slot.iter().map(|(label, _)| label.clone()));
            shown.labels.extend(labels.iter().map(|(label, _)| label.to_owned()));
            let is_on_or_off = value_range.0 >= 0.0 && value_range.1 <= 1.0;
            shown.is_switch |= is_on_or_off && matches!(scenario, ScenarioPlan::FeatureToggle(_));
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

    /// The metrics of promemu itself, and whether it can be scraped at all.
    pub(super) fn of_own_metrics() -> Result<Self, Error> {
        let own = SelfMetrics::new()?;
        own.add_fleet(|| 0, || 0)?;
        // Only outputs that there are have series.
        let (_pushing, _scraped) = (own.delivery(""), own.scraped_output(""));
        let up = gauge("up", "1 while promemu can be scraped");
        let page = String::from_utf8_lossy(&own.page()?).into_owned();
        let (mut metrics, of_process): (Vec<_>, Vec<_>) =
            std::iter::once(up).chain(read(&page)).partition(|metric| !metric.name.starts_with("process_"));
        metrics.extend(of_process);
        let build = metrics.iter().position(|metric| metric.name == "promemu_build_info");
        Ok(Self {
            name: "promemu".to_owned(),
            labels: ["job", "instance"].map(str::to_owned).into(),
            metrics,
            everywhere: build.into_iter().collect(),
        })
    }

    /// Whether some metric has the label.
    pub(super) fn has_label(&self, label: &str) -> bool {
        self.all_labels().contains(&label)
    }

    /// All labels: those of the hosts, then those of single metrics.
    pub(super) fn all_labels(&self) -> Vec<&str> {
        let own = self.metrics.iter().flat_map(|metric| &metric.labels);
        let all: IndexSet<&str> = self.labels.iter().chain(own).map(String::as_str).collect();
        all.into_iter().collect()
    }
}

fn gauge(name: &str, help: &str) -> Shown {
    Shown {
        name: name.to_owned(),
        help: help.to_owned(),
        metric_type: MetricType::Gauge,
        labels: IndexSet::new(),
        series: 1,
        is_switch: false,
    }
}

/// The metrics of a page in the text format that promemu has made itself.
fn read(page: &str) -> Vec<Shown> {
    let mut metrics: Vec<Shown> = Vec::new();
    for line in page.lines() {
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
