//! The plan: a run with every name resolved and every number checked. Data only.
//!
//! Hosts that were made from one template share their [`HostShape`], so a plan of 66 667 hosts with 15
//! metrics each is 66 667 small [`HostPlan`]s and one shape.

mod changes;
mod edits;
mod fault;
mod pool;

use std::sync::Arc;

use indexmap::IndexMap;

pub use changes::Changes;
pub use fault::{FaultKind, FaultPlan, HELD_MAX, Opening, Pulses};
pub use pool::{ModelPlan, PoolPlan, PoolRows, PoolSize, ReusePolicy};

use crate::event::{Event, Subscription};
use crate::expression::{Formula, Value};
use crate::metric::{Aggregation, Cells, Distribution, Rounding};
use crate::plural::plural;
use crate::scenario::ScenarioPlan;
use crate::series::{Column, Family, LabelBlock, PoolRanges, Row, SeriesStore};
use crate::time::Span;

/// A resolved, validated run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The config's name.
    pub config: String,
    /// The families, in the config's order. One name has one type and one HELP.
    pub families: Vec<Family>,
    /// The jobs, in the config's order.
    pub jobs: Vec<JobPlan>,
    /// The hosts, in the config's order.
    pub hosts: Vec<Arc<HostPlan>>,
    /// What the config says about the run's settings.
    pub defaults: RunDefaults,
}

/// Settings that a config may bring; flags and variables come before them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunDefaults {
    /// Where to push.
    pub pushgateway_url: Option<String>,
    /// How often.
    pub push_interval: Option<Span>,
    /// Whether to clean the gateway up before.
    pub cleanup_on_start: Option<bool>,
    /// Whether to clean it up after.
    pub cleanup_on_finish: Option<bool>,
}

/// One Pushgateway group.
#[derive(Clone, Debug)]
pub struct JobPlan {
    /// The job's name.
    pub name: Arc<str>,
    /// Its hosts, as indices into the plan's; hosts of one shape are neighbours. A host's row in the
    /// job's store is its place in this list.
    pub hosts: Vec<u32>,
}

/// One emulated host.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// The name, unique in the run.
    pub name: Arc<str>,
    /// The job, as an index into the plan's.
    pub job: usize,
    /// How long it lives.
    pub ttl: Span,
    /// The shortest and the longest time between two reports.
    pub interval: (Span, Span),
    /// How long after the run's start it starts.
    pub start_time: Span,
    /// The labels of all its series.
    pub labels: LabelBlock,
    /// How many series its pools may have whose number changes.
    pub growth_max: usize,
    /// Its metrics.
    pub shape: Arc<HostShape>,
}

/// What hosts of one template have in common: their metrics, and what they listen to.
#[derive(Debug, Default, PartialEq)]
pub struct HostShape {
    /// The metrics, each after the one that it is calculated from.
    pub metrics: Vec<MetricPlan>,
    /// Which of them are plain; see [`MetricPlan::is_plain`].
    pub plain: Vec<bool>,
    /// When metrics are updated; most share one.
    pub schedules: Vec<Schedule>,
    /// The metrics of each schedule, as indices.
    pub members: Vec<Vec<usize>>,
    /// What happens on which event.
    pub listeners: Vec<Listener>,
    /// What the host's storage begins with.
    pub storage: Vec<(String, Value)>,
    /// Series that come and go.
    pub pools: Vec<PoolPlan>,
    /// What the hosts do wrong on purpose.
    pub dirt: Vec<FaultPlan>,
    /// Whether a metric asks for the time since its last update.
    pub keeps_update_times: bool,
    /// How many cells a host's row has.
    pub width: usize,
    /// How many series a host has, with those of pools whose number does not change.
    pub series: usize,
}

/// When a metric has values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// How long after its host's start the first one comes.
    pub start_time: Span,
    /// For how long there are any.
    pub duration: Span,
    /// How often a new one comes.
    pub update_interval: Span,
}

/// One metric of a host.
#[derive(Debug)]
pub struct MetricPlan {
    /// The name.
    pub name: Arc<str>,
    /// The family, as an index into the plan's.
    pub family: usize,
    /// What becomes of its values.
    pub cells: Cells,
    /// Where in the host's row its cells begin.
    pub offset: usize,
    /// Values are clamped to this.
    pub value_range: (f64, f64),
    /// The value before the first update.
    pub default_value: f64,
    /// The decimals that are shown.
    pub rounding: Rounding,
    /// When it is updated, as an index into the shape's schedules.
    pub schedule: usize,
    /// Its own labels, after the host's.
    pub labels: LabelBlock,
    /// What makes its values.
    pub scenario: ScenarioPlan,
    /// The metric that it is calculated from, as an index into the shape's; it comes before this one.
    pub source: Option<usize>,
    /// The metrics that its formulas read, as indices into the shape's.
    pub links: Vec<usize>,
    /// What must hold for it to have a sample.
    pub when: Option<Formula>,
    /// How many observations an update of a histogram or a summary makes; without it, one.
    pub observations: Option<Formula>,
    /// How the observations of an update scatter; without it, all of them are the value.
    pub spread: Option<ObservationDistribution>,
}

impl MetricPlan {
    /// Whether its scenario's value, clamped and rounded, is all there is to an update.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.source.is_none()
            && self.links.is_empty()
            && self.when.is_none()
            && self.observations.is_none()
            && matches!(self.cells.aggregation(), Aggregation::Gauge)
    }
}

/// Metrics are equal if they behave in the same way; families are numbered anew in each plan.
impl PartialEq for MetricPlan {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            name,
            family: _,
            cells,
            offset,
            value_range,
            default_value,
            rounding,
            schedule,
            labels,
            scenario,
            source,
            links,
            when,
            observations,
            spread,
        } = self;
        *name == other.name
            && *cells == other.cells
            && *offset == other.offset
            && *value_range == other.value_range
            && default_value.to_bits() == other.default_value.to_bits()
            && *rounding == other.rounding
            && *schedule == other.schedule
            && *labels == other.labels
            && *scenario == other.scenario
            && *source == other.source
            && *links == other.links
            && *when == other.when
            && *observations == other.observations
            && *spread == other.spread
    }
}

/// How observations scatter.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservationDistribution {
    /// In which way.
    pub kind: DistributionKind,
    /// What half of them are below, over the scenario's new value; without it, that value.
    pub median: Option<Formula>,
    /// What 99 of 100 of them are below.
    pub p99: Option<Formula>,
}

/// In which way observations scatter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DistributionKind {
    /// Evenly to both sides.
    Normal,
    /// Their logarithms evenly to both sides.
    LogNormal,
    /// Many small ones, few large ones; the median says all.
    Exponential,
    /// Around two values; this share of them around the upper one.
    Bimodal(f64),
}

impl ObservationDistribution {
    /// Whether a formula asks for the time since the last update.
    #[must_use]
    pub fn uses_dt(&self) -> bool {
        [&self.median, &self.p99].into_iter().flatten().any(Formula::uses_dt)
    }

    /// Where the observations fall, by their median and what 99 of 100 are below.
    #[must_use]
    pub fn distribution(&self, median: f64, p99: f64) -> Distribution {
        match self.kind {
            DistributionKind::Normal => Distribution::normal(median, p99),
            DistributionKind::LogNormal => Distribution::lognormal(median, p99),
            DistributionKind::Exponential => Distribution::exponential(median),
            DistributionKind::Bimodal(share) => Distribution::bimodal(median, p99, share),
        }
    }
}

/// Something that happens on an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// The event.
    pub subscription: Subscription,
    /// What happens.
    pub reaction: Reaction,
    /// What must hold for it to happen.
    pub when: Option<Condition>,
}

/// A formula, and the metrics that it reads, as indices into the shape's.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What must hold.
    pub formula: Formula,
    /// The metrics, in the order of the formula's links.
    pub links: Vec<usize>,
}

/// What happens on an event. Metrics are indices into the shape's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The metric is updated.
    Update(usize),
    /// Another event is emitted.
    Emit(Arc<str>),
    /// The metric gets values again.
    StartMetric(usize),
    /// The metric has no values any more.
    StopMetric(usize),
    /// A window of dirt opens; an index into the shape's.
    BeginDirt(usize),
    /// A window of dirt closes.
    EndDirt(usize),
    /// Some pools of a kind are replaced; an index into the shape's.
    ReplaceSlots(usize),
    /// Whoever lives in a slot of this kind hears it, too.
    TellSlots(usize),
}

impl Plan {
    /// How many series there are when all hosts, metrics and pools are there.
    #[must_use]
    pub fn series_count(&self) -> usize {
        let growth = |host: &HostPlan| host.shape.growth_max().min(host.growth_max);
        self.hosts.iter().map(|host| host.shape.series.saturating_add(growth(host))).sum()
    }

    /// The same in words; series that come and go may be fewer.
    #[must_use]
    pub fn series_told(&self) -> String {
        let has_pools = self.hosts.iter().any(|host| !host.shape.pools.is_empty());
        let series = plural(self.series_count(), "series", "series");
        if has_pools { format!("up to {series}") } else { series }
    }

    /// How many families the job has.
    #[must_use]
    pub fn job_families(&self, job: &JobPlan) -> usize {
        let mut seen = vec![false; self.families.len()];
        for shape in self.shapes(job).map(|(shape, _)| shape) {
            for metric in shape.all_metrics() {
                seen[metric.family] = true;
            }
        }
        seen.into_iter().filter(|seen| *seen).count()
    }

    /// An empty store for the job's series.
    #[must_use]
    pub fn store(&self, job: &JobPlan) -> SeriesStore {
        let rows = job.hosts.iter().map(|host| {
            let host = &self.hosts[*host as usize];
            Row { labels: host.labels.clone(), width: host.shape.width }
        });
        let mut families: IndexMap<usize, Family> = IndexMap::new();
        let mut columns = Vec::new();
        let mut first_row = 0;
        let mut add_columns = |shape: &HostShape, first_row: usize, rows: usize| {
            for metric in &shape.metrics {
                let entry = families.entry(metric.family);
                let family = entry.index();
                entry.or_insert_with(|| self.families[metric.family].clone());
                let (offset, labels) = (metric.offset, metric.labels.clone());
                let layout = Arc::clone(metric.cells.layout());
                columns.push(Column { family, first_row, rows, offset, labels, layout });
            }
        };
        for (shape, rows) in self.shapes(job) {
            add_columns(shape, first_row, rows);
            first_row += rows;
        }
        let nobody = LabelBlock::empty();
        let mut pool_rows = Vec::new();
        let of_hosts = self.lay_out_pools(job, |shape, first_row, rows| {
            add_columns(shape, first_row, rows);
            let row = Row { labels: nobody.clone(), width: shape.width };
            pool_rows.extend(std::iter::repeat_n(row, rows));
        });
        let shapes = self.shapes(job).flat_map(|(shape, _)| &shape.pools);
        let member_labels = shapes.flat_map(|pools| pools.labels.iter().map(|(name, _)| name.clone()));
        let rows_of = |(row, host): (usize, &u32)| {
            let rows: Vec<_> = of_hosts.ranges(*host).collect();
            (!rows.is_empty()).then_some((row, rows))
        };
        let pools = PoolRanges {
            labels: member_labels.collect(),
            rows: job.hosts.iter().enumerate().filter_map(rows_of).collect(),
        };
        let store =
            SeriesStore::new(families.into_values().collect(), columns, rows.chain(pool_rows).collect());
        store.with_pools(first_row, pools)
    }

    /// The job's shapes, and how many neighbouring hosts have each.
    pub fn shapes(&self, job: &JobPlan) -> impl Iterator<Item = (&HostShape, usize)> {
        let shape_of = |host: &u32| &self.hosts[*host as usize].shape;
        let runs = job.hosts.chunk_by(move |a, b| Arc::ptr_eq(shape_of(a), shape_of(b)));
        runs.map(move |run| (&**shape_of(&run[0]), run.len()))
    }
}

impl HostShape {
    /// The metrics of such a host and of its pools.
    pub fn all_metrics(&self) -> impl Iterator<Item = &MetricPlan> {
        self.metrics.iter().chain(self.pools.iter().flat_map(|pools| &pools.shape.metrics))
    }

    /// Whether the samples of such a host have times of their own.
    #[must_use]
    pub fn stamps(&self) -> bool {
        self.dirt.iter().any(|dirt| dirt.kind.stamps())
    }

    /// What listens to this event on the host called `own_name`.
    pub fn listeners_to(&self, event: &Event, own_name: &str) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter(move |listener| listener.subscription.matches(event, own_name))
    }
}
