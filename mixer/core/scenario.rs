//! Scenarios: what makes a metric's values.
//!
//! A [`ScenarioPlan`] is a scenario with its parameters, checked and shared by all metrics that were made
//! from one template; [`ScenarioPlan::start`] makes the small running state of one metric. Scenarios know
//! no host and no metric type: they get a [`UpdateContext`] and give a value. The built-ins are a file per kind, each
//! with a [`ScenarioKind`] that says its parameters; the table of kinds is what configs are read with.

mod arguments;
mod brownian;
mod burst;
mod calc_by_event;
mod composition;
mod do_nothing;
mod feature_toggle;
mod load_peak;
mod plugin;
mod random_in_range;
mod random_walk;
mod relay_to_other_metric;
mod script;
mod seasonal;
mod sine_wave;
mod switch_scenario_by_events;
mod time_duration;
mod update_by_trend;
mod variety_selection;

use std::sync::Arc;

pub use arguments::{Argument, Arguments, Case, MetricContext, Param, ParamKind, Script};

use crate::event::{Event, Subscription};
use crate::expression::{EvalContext, EventRef, Storage};
use crate::plugin::{ConfiguredWorkload, WorkloadDecl};
use crate::rng::Rng;
use crate::time::Time;

/// What a scenario sees when it is asked for a value.
#[derive(Debug)]
pub struct UpdateContext<'a> {
    /// The emulated time.
    pub now: Time,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the metric's last update, and 0 at the first, where [`ScenarioPlan::uses_dt`] asks for it.
    pub dt_secs: f64,
    /// The metric's current value.
    pub value: f64,
    /// The current value of the metric that this one is relayed from.
    pub source_value: f64,
    /// The event that asks for this value, if it is not the metric's interval.
    pub event: Option<&'a Event>,
    /// The name of the scenario's host.
    pub host_name: &'a str,
    /// What the metrics show that the scenario's formulas are linked to.
    pub links: &'a [f64],
    /// The metric's own random stream.
    pub rng: &'a mut Rng,
    /// What the host's scripts keep.
    pub storage: &'a mut Storage,
    /// What the scenario wants to happen.
    pub effects: &'a mut SideEffects,
}

impl<'a> UpdateContext<'a> {
    /// Whether this value is asked for by an event that the subscription is for.
    #[must_use]
    pub fn is_for(&self, subscription: &Subscription) -> bool {
        self.event.is_some_and(|event| subscription.matches(event, self.host_name))
    }

    /// What a formula sees that is about `value`.
    pub fn eval_context(&mut self, value: f64) -> EvalContext<'_> {
        let happening =
            |event: &'a Event| EventRef { name: &event.name, source: &event.source, data: &event.data };
        EvalContext {
            value,
            t_secs: self.t_secs,
            dt_secs: self.dt_secs,
            now_secs: self.now.unix_secs(),
            event: self.event.map(happening),
            links: self.links,
            rng: self.rng,
            storage: self.storage,
        }
    }
}

/// What a scenario wants to happen beside its value.
#[derive(Debug, Default)]
pub struct SideEffects {
    /// Events to emit.
    pub emitted: Vec<EmittedEvent>,
    /// When to ask for a value again, beside the metric's interval.
    pub wakes: Vec<Time>,
}

impl SideEffects {
    /// Whether it wants nothing.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.emitted.is_empty() && self.wakes.is_empty()
    }
}

/// An event that a scenario emits; the host adds the rest.
#[derive(Debug, PartialEq)]
pub struct EmittedEvent {
    /// The event's name.
    pub event: Arc<str>,
    /// Its source, if that is not the host.
    pub source: Option<Arc<str>>,
    /// What it carries.
    pub data: serde_json::Value,
}

/// An event that a scenario may emit.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDecl {
    /// Its name; none if that is not known beforehand.
    pub event: Option<Arc<str>>,
    /// Its source, if that is not the host.
    pub source: Option<Arc<str>>,
}

/// A running scenario: makes one value per update.
pub trait Scenario {
    /// The new value, or `None` to keep the present one. An error says why there is none; it costs this
    /// update and nothing else.
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String>;
}

/// A kind of scenario: its name, its parameters, and how a plan is made of them.
pub struct ScenarioKind {
    /// The name in configs.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// Makes the plan; an error says which parameter is wrong and how.
    pub build: &'static Build,
}

/// Makes a plan of parameters.
pub type Build = dyn Fn(&mut Arguments) -> Result<ScenarioPlan, String> + Sync;

impl std::fmt::Debug for ScenarioKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, summary, params, build: _ } = self;
        f.debug_struct("ScenarioKind")
            .field("name", name)
            .field("summary", summary)
            .field("params", params)
            .finish_non_exhaustive()
    }
}

/// The kind of this name: a built-in, or one that a plugin brings.
#[must_use]
pub fn kind(name: &str) -> Option<&'static ScenarioKind> {
    KINDS.iter().copied().find(|kind| kind.name == name).or_else(|| plugin::find(name))
}

/// All kinds, those that plugins bring behind the built-ins.
#[must_use]
pub fn kinds() -> Vec<&'static ScenarioKind> {
    KINDS.iter().copied().chain(plugin::all()).collect()
}

/// The parameters of a workload that a plugin brings, as a scenario has them.
#[must_use]
pub fn workload_params(workload: &'static WorkloadDecl) -> &'static [Param] {
    plugin::params_of(workload)
}

/// A workload with its arguments; an error says which is wrong and how.
pub fn prepare_workload(
    workload: &'static WorkloadDecl,
    arguments: &mut Arguments,
) -> Result<ConfiguredWorkload, String> {
    plugin::prepare(workload, arguments)
}

/// What a kind's parameters can be asked; most answers are the same for most kinds.
pub trait ScenarioSpec: std::fmt::Debug + PartialEq {
    /// The state of one metric.
    type State: Scenario;

    /// The state of one metric that shows `value`.
    fn start(self: &Arc<Self>, value: f64) -> Self::State;

    /// The events that ask it for a value.
    fn subscriptions(&self) -> Vec<Subscription> {
        Vec::new()
    }

    /// The events that it may emit.
    fn emits(&self) -> Vec<EventDecl> {
        Vec::new()
    }

    /// The name of the metric that it is calculated from.
    fn source_metric(&self) -> Option<&str> {
        None
    }

    /// Whether its values are totals, which a counter takes as they are, and not levels to be added.
    fn gives_totals(&self) -> bool {
        false
    }

    /// Whether it asks for the time since the last update.
    fn uses_dt(&self) -> bool {
        false
    }
}

/// The built-ins: their kinds, and for each set of parameters its variants of plan and running state.
macro_rules! built_ins {
    (kinds: [$($kind:path),* $(,)?], plans: { $($variant:ident: $plan:path),* $(,)? }) => {
        /// All built-in kinds.
        pub const KINDS: &[&ScenarioKind] = &[$(&$kind),*];

        /// A scenario with its parameters. Cheap to clone.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each is described by its kind")]
        pub enum ScenarioPlan {
            $($variant(Arc<$plan>)),*
        }

        /// A running built-in. Small, because there is one per series.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each is described by its kind")]
        pub enum RunningScenario {
            $($variant(<$plan as ScenarioSpec>::State)),*
        }

        impl ScenarioPlan {
            /// The state of one metric, at its first update or when another scenario hands over to it.
            #[must_use]
            pub fn start(&self, value: f64) -> RunningScenario {
                match self { $(Self::$variant(plan) => RunningScenario::$variant(plan.start(value))),* }
            }

            /// The events that ask it for a value.
            #[must_use]
            pub fn subscriptions(&self) -> Vec<Subscription> {
                match self { $(Self::$variant(plan) => plan.subscriptions()),* }
            }

            /// The events that it may emit.
            #[must_use]
            pub fn emits(&self) -> Vec<EventDecl> {
                match self { $(Self::$variant(plan) => plan.emits()),* }
            }

            /// The name of the metric that it is calculated from.
            #[must_use]
            pub fn source_metric(&self) -> Option<&str> {
                match self { $(Self::$variant(plan) => plan.source_metric()),* }
            }

            /// Whether its values are totals, which a counter takes as they are, and not levels to be added.
            #[must_use]
            pub fn gives_totals(&self) -> bool {
                match self { $(Self::$variant(plan) => plan.gives_totals()),* }
            }

            /// Whether it asks for [`UpdateContext::dt_secs`].
            #[must_use]
            pub fn uses_dt(&self) -> bool {
                match self { $(Self::$variant(plan) => plan.uses_dt()),* }
            }
        }

        impl Scenario for RunningScenario {
            #[inline]
            fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
                match self { $(Self::$variant(running) => running.update(context)),* }
            }
        }
    };
}

built_ins! {
    kinds: [
        do_nothing::KIND,
        random_in_range::KIND,
        random_walk::KIND,
        time_duration::KIND,
        sine_wave::KIND,
        update_by_trend::KIND,
        variety_selection::KIND,
        feature_toggle::KIND,
        switch_scenario_by_events::KIND,
        relay_to_other_metric::KIND,
        calc_by_event::KIND,
        load_peak::CPU,
        load_peak::MEMORY,
        load_peak::DISK,
        brownian::KIND,
        seasonal::KIND,
        burst::KIND,
        composition::SUM,
        composition::PRODUCT,
        composition::CLAMP,
        composition::DELAY,
        script::KIND,
    ],
    plans: {
        DoNothing: do_nothing::Plan,
        RandomInRange: random_in_range::Plan,
        RandomWalk: random_walk::Plan,
        TimeDuration: time_duration::Plan,
        SineWave: sine_wave::Plan,
        UpdateByTrend: update_by_trend::Plan,
        VarietySelection: variety_selection::Plan,
        FeatureToggle: feature_toggle::Plan,
        SwitchScenarioByEvents: switch_scenario_by_events::Plan,
        RelayToOtherMetric: relay_to_other_metric::Plan,
        CalcByEvent: calc_by_event::Plan,
        LoadPeak: load_peak::Plan,
        Brownian: brownian::Plan,
        Seasonal: seasonal::Plan,
        Burst: burst::Plan,
        Combination: composition::Combination,
        Delay: composition::Delay,
        Script: script::Plan,
        Plugin: plugin::Plan,
    }
}

/// There is one per series: what is larger is boxed.
const _: () = assert!(size_of::<RunningScenario>() <= 24);

impl Default for ScenarioPlan {
    /// Keeps the value.
    fn default() -> Self {
        Self::DoNothing(Arc::default())
    }
}

impl<S: Scenario> Scenario for Box<S> {
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        (**self).update(context)
    }
}

#[cfg(test)]
mod tests;
