//! Scenarios: what makes a metric's values.
//!
//! A [`ScenarioPlan`] is a scenario with its parameters, checked and shared by all metrics that were made
//! from one template; [`ScenarioPlan::start`] makes the small running state of one metric. Scenarios know
//! no host and no metric type: they get a [`Tick`] and give a value. The built-ins are a file per kind, each
//! with a [`Kind`] that says its parameters; the table of kinds is what configs are read with.

mod arguments;
mod calc_by_event;
mod do_nothing;
mod feature_toggle;
mod load_peak;
mod random_in_range;
mod random_walk;
mod relay_to_other_metric;
mod sine_wave;
mod switch_scenario_by_events;
mod time_duration;
mod update_by_trend;
mod variety_selection;

use std::sync::Arc;

pub use arguments::{Argument, Arguments, Case, Param, ParamKind};

use crate::clock::Time;
use crate::event::{Event, Subscription};
use crate::rng::Rng;

/// What a scenario sees when it is asked for a value.
#[derive(Debug)]
pub struct Tick<'a> {
    /// The emulated time.
    pub now: Time,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// The metric's current value.
    pub value: f64,
    /// The current value of the metric that this one is relayed from.
    pub source_value: f64,
    /// The event that asks for this value, if it is not the metric's interval.
    pub event: Option<&'a Event>,
    /// The name of the scenario's host.
    pub host_name: &'a str,
    /// The metric's own random stream.
    pub rng: &'a mut Rng,
    /// What the scenario wants to happen.
    pub effects: &'a mut Effects,
}

impl Tick<'_> {
    /// Whether this value is asked for by an event that the subscription is for.
    #[must_use]
    pub fn is_for(&self, subscription: &Subscription) -> bool {
        self.event.is_some_and(|event| subscription.matches(event, self.host_name))
    }
}

/// What a scenario wants to happen beside its value.
#[derive(Debug, Default)]
pub struct Effects {
    /// Events to emit.
    pub emitted: Vec<Emission>,
    /// When to ask for a value again, beside the metric's interval.
    pub wakes: Vec<Time>,
}

/// An event that a scenario emits; the host adds the rest.
#[derive(Debug, PartialEq)]
pub struct Emission {
    /// The event's name.
    pub event: Arc<str>,
    /// Its source, if that is not the host.
    pub source: Option<Arc<str>>,
    /// What it carries.
    pub data: serde_json::Value,
}

/// A running scenario: makes one value per update.
pub trait Scenario {
    /// The new value, or `None` to keep the present one. An error says why there is none; it costs this
    /// update and nothing else.
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String>;
}

/// A kind of scenario: its name, its parameters, and how a plan is made of them.
#[derive(Debug)]
pub struct Kind {
    /// The name in configs.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// Makes the plan; an error says which parameter is wrong and how.
    pub build: fn(&mut Arguments) -> Result<ScenarioPlan, String>,
}

/// All built-in kinds.
pub const KINDS: [&Kind; 14] = [
    &do_nothing::KIND,
    &random_in_range::KIND,
    &random_walk::KIND,
    &time_duration::KIND,
    &sine_wave::KIND,
    &update_by_trend::KIND,
    &variety_selection::KIND,
    &feature_toggle::KIND,
    &switch_scenario_by_events::KIND,
    &relay_to_other_metric::KIND,
    &calc_by_event::KIND,
    &load_peak::CPU,
    &load_peak::MEMORY,
    &load_peak::DISK,
];

/// A scenario with its parameters. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub enum ScenarioPlan {
    /// Keeps the value.
    DoNothing,
    /// See [`random_in_range`].
    RandomInRange(Arc<random_in_range::Plan>),
    /// See [`random_walk`].
    RandomWalk(Arc<random_walk::Plan>),
    /// See [`time_duration`].
    TimeDuration,
    /// See [`sine_wave`].
    SineWave(Arc<sine_wave::Plan>),
    /// See [`update_by_trend`].
    UpdateByTrend(Arc<update_by_trend::Plan>),
    /// See [`variety_selection`].
    VarietySelection(Arc<variety_selection::Plan>),
    /// See [`feature_toggle`].
    FeatureToggle(Arc<feature_toggle::Plan>),
    /// See [`switch_scenario_by_events`].
    SwitchScenarioByEvents(Arc<switch_scenario_by_events::Plan>),
    /// See [`relay_to_other_metric`].
    RelayToOtherMetric(Arc<relay_to_other_metric::Plan>),
    /// See [`calc_by_event`].
    CalcByEvent(Arc<calc_by_event::Plan>),
    /// See [`load_peak`].
    LoadPeak(Arc<load_peak::Plan>),
}

impl ScenarioPlan {
    /// The state of one metric, at its first update or when another scenario hands over to it.
    #[must_use]
    pub fn start(&self, value: f64) -> Running {
        match self {
            Self::DoNothing => Running::DoNothing(do_nothing::DoNothing),
            Self::RandomInRange(plan) => Running::RandomInRange(plan.start()),
            Self::RandomWalk(plan) => Running::RandomWalk(plan.start(value)),
            Self::TimeDuration => Running::TimeDuration(time_duration::TimeDuration::default()),
            Self::SineWave(plan) => Running::SineWave(plan.start()),
            Self::UpdateByTrend(plan) => Running::UpdateByTrend(plan.start(value)),
            Self::VarietySelection(plan) => Running::VarietySelection(plan.start()),
            Self::FeatureToggle(plan) => Running::FeatureToggle(plan.start()),
            Self::SwitchScenarioByEvents(plan) => {
                Running::SwitchScenarioByEvents(Box::new(plan.start(value)))
            }
            Self::RelayToOtherMetric(plan) => Running::RelayToOtherMetric(plan.start()),
            Self::CalcByEvent(plan) => Running::CalcByEvent(plan.start()),
            Self::LoadPeak(plan) => Running::LoadPeak(plan.start()),
        }
    }

    /// The events that ask it for a value.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Subscription> {
        match self {
            Self::SwitchScenarioByEvents(plan) => plan.subscriptions(),
            Self::CalcByEvent(plan) => plan.subscriptions(),
            Self::LoadPeak(plan) => plan.subscriptions(),
            _ => Vec::new(),
        }
    }

    /// The name of the metric that it is calculated from.
    #[must_use]
    pub fn source_metric(&self) -> Option<&str> {
        if let Self::RelayToOtherMetric(plan) = self { Some(&plan.source_metric_name) } else { None }
    }

    /// Whether its values are totals, which a counter takes as they are, and not levels to be added.
    #[must_use]
    pub const fn gives_totals(&self) -> bool {
        matches!(self, Self::TimeDuration | Self::CalcByEvent(_))
    }
}

/// A running built-in. Small, because there is one per series.
#[derive(Debug)]
pub enum Running {
    /// See [`do_nothing`].
    DoNothing(do_nothing::DoNothing),
    /// See [`random_in_range`].
    RandomInRange(random_in_range::RandomInRange),
    /// See [`random_walk`].
    RandomWalk(random_walk::RandomWalk),
    /// See [`time_duration`].
    TimeDuration(time_duration::TimeDuration),
    /// See [`sine_wave`].
    SineWave(sine_wave::SineWave),
    /// See [`update_by_trend`].
    UpdateByTrend(update_by_trend::UpdateByTrend),
    /// See [`variety_selection`].
    VarietySelection(variety_selection::VarietySelection),
    /// See [`feature_toggle`].
    FeatureToggle(feature_toggle::FeatureToggle),
    /// See [`switch_scenario_by_events`].
    SwitchScenarioByEvents(Box<switch_scenario_by_events::SwitchScenarioByEvents>),
    /// See [`relay_to_other_metric`].
    RelayToOtherMetric(relay_to_other_metric::RelayToOtherMetric),
    /// See [`calc_by_event`].
    CalcByEvent(calc_by_event::CalcByEvent),
    /// See [`load_peak`].
    LoadPeak(load_peak::LoadPeak),
}

impl Scenario for Running {
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        match self {
            Self::DoNothing(running) => running.update(tick),
            Self::RandomInRange(running) => running.update(tick),
            Self::RandomWalk(running) => running.update(tick),
            Self::TimeDuration(running) => running.update(tick),
            Self::SineWave(running) => running.update(tick),
            Self::UpdateByTrend(running) => running.update(tick),
            Self::VarietySelection(running) => running.update(tick),
            Self::FeatureToggle(running) => running.update(tick),
            Self::SwitchScenarioByEvents(running) => running.update(tick),
            Self::RelayToOtherMetric(running) => running.update(tick),
            Self::CalcByEvent(running) => running.update(tick),
            Self::LoadPeak(running) => running.update(tick),
        }
    }
}

#[cfg(test)]
mod tests;
