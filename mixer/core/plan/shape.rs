//! Shapes: all that hosts of one template have in common, with the pools of their members.
//!
//! A member of a pool is shaped like a small host, so [`HostShape`] and [`PoolPlan`] contain each other.

use std::sync::Arc;

use super::listener::{Condition, Listener};
use super::metric::MetricPlan;
use crate::event::{Event, Subscription};
use crate::expression::{TextFormula, Value};
use crate::fault::FaultPlan;
use crate::metric::StateIndexes;
use crate::plugin::{ConfiguredModel, ModelDecl};
use crate::replay::ReplayPlan;
use crate::time::Span;

/// The metrics, pools, faults and listeners that hosts of one template share.
#[derive(Debug, Default, PartialEq)]
pub struct HostShape {
    /// The metrics; a relay comes after its source.
    pub metrics: Vec<MetricPlan>,
    /// [`MetricPlan::is_plain`] of each metric.
    pub plain: Vec<bool>,
    /// The place of each metric's scenario among those that have state; `None` for one without.
    pub state_places: Vec<Option<usize>>,
    /// Number of scenarios that have state.
    pub states: usize,
    /// Schedules of updates; most metrics share one.
    pub schedules: Vec<Schedule>,
    /// The metrics of each schedule, as indices into `metrics`.
    pub scheduled: Vec<Vec<usize>>,
    /// Reactions to events.
    pub listeners: Vec<Listener>,
    /// Initial content of the host's storage, `host.storage`.
    pub storage: Vec<(String, Value)>,
    /// Pools of members that come and go.
    pub pools: Vec<PoolPlan>,
    /// Faults that the host shows on purpose.
    pub faults: Vec<FaultPlan>,
    /// The recording that it plays in place of scenarios.
    pub replay: Option<Arc<ReplayPlan>>,
    /// `true` if a formula reads `dt`, the time since a metric's last update.
    pub keeps_update_times: bool,
    /// `true` if a formula or a model may read levers.
    pub reads_levers: bool,
    /// Number of cells in a host's row.
    pub width: usize,
    /// Number of series of a host, with those of pools of fixed size.
    pub series: usize,
}

/// The times of a metric's updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// First update, counted from its host's start.
    pub start_time: Span,
    /// Time from the first update on during which the metric has values.
    pub duration: Span,
    /// Time between two updates.
    pub update_interval: Span,
}

impl HostShape {
    /// Adds a metric behind the others, with its cells and its place among the states.
    pub fn push(&mut self, mut metric: MetricPlan, taken: &mut StateIndexes) {
        metric.offset = self.width;
        metric.cells.assign_index(taken);
        self.width += metric.cells.width();
        self.series += metric.cells.series();
        self.plain.push(metric.is_plain());
        let has_state = metric.scenario.has_state();
        self.state_places.push(has_state.then_some(self.states));
        self.states += usize::from(has_state);
        self.scheduled[metric.schedule].push(self.metrics.len());
        self.metrics.push(metric);
    }

    /// The metrics of the host and of its pools.
    pub fn all_metrics(&self) -> impl Iterator<Item = &MetricPlan> {
        self.metrics.iter().chain(self.pools.iter().flat_map(|pool| &pool.shape.metrics))
    }

    /// The pools whose model is a generator.
    pub fn generators(&self) -> impl Iterator<Item = (&PoolPlan, &'static ModelDecl)> {
        let models = self.pools.iter().filter_map(|pool| Some((pool, pool.model.as_ref()?.model.model())));
        models.filter(|(_, model)| model.is_generator())
    }

    /// The subscriptions of all listeners.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.listeners.iter().map(|listener| &listener.subscription)
    }

    /// The listeners to this event on the host called `own_name`.
    pub fn listeners_to(&self, event: &Event, own_name: &str) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter(move |listener| listener.subscription.matches(event, own_name))
    }

    /// Maximum number of series in pools of changing size.
    #[must_use]
    pub fn growth_max(&self) -> usize {
        let growing = self.pools.iter().filter(|pool| pool.grows());
        growing.map(PoolPlan::series_max).fold(0, usize::saturating_add)
    }
}

/// A pool: members that come and go on a host, each in a numbered slot.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolPlan {
    /// The name, unique on its host.
    pub name: Arc<str>,
    /// The metrics of one member.
    pub shape: Arc<HostShape>,
    /// The model that makes the members, their labels and values, in place of a lifetime and scenarios.
    pub model: Option<ModelPlan>,
    /// Names and texts of the labels, evaluated for each new member.
    pub labels: Vec<(String, TextFormula)>,
    /// Maximum number of members; the number of slots.
    pub max: usize,
    /// Number of slots in use.
    pub count: PoolSize,
    /// Shortest and longest lifetime of a member.
    pub lifetime: (Span, Span),
    /// Shortest and longest time between two members in one slot.
    pub pause: (Span, Span),
    /// The next member in the slot.
    pub reuse: ReusePolicy,
    /// Interval at which some members are replaced, whatever their lifetime.
    pub replace_every: Option<Span>,
    /// Share of members to replace, then and by [`super::Action::ReplaceMembers`].
    pub replace_share: f64,
}

impl PoolPlan {
    /// Number of series if all slots are in use.
    #[must_use]
    pub fn series_max(&self) -> usize {
        self.max.saturating_mul(self.shape.series)
    }

    /// `true` if the number of slots in use changes.
    #[must_use]
    pub const fn grows(&self) -> bool {
        matches!(self.count, PoolSize::Formula(..))
    }
}

/// A model whose table fills a pool. The pools of its tables stand side by side, in the tables' order.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPlan {
    /// The model with its parameters.
    pub model: Arc<ConfiguredModel>,
    /// Index of the pool's table.
    pub table: usize,
    /// Time between two of its ticks, from the host's first one on.
    pub interval: Span,
}

impl ModelPlan {
    /// The events that it listens to.
    pub fn subscriptions(&self) -> impl Iterator<Item = Subscription> {
        self.model.model().listens.iter().map(|event| Subscription::parse(event))
    }
}

/// The number of slots in use.
#[derive(Clone, Debug, PartialEq)]
pub enum PoolSize {
    /// Always all of them.
    All,
    /// The value of a formula, evaluated at this interval.
    Formula(Condition, Span),
}

/// The successor of a member that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReusePolicy {
    /// A new member with labels of its own.
    New,
    /// The same member again.
    Same,
    /// None: the slot stays empty.
    Never,
}
