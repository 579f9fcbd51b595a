//! The list of built-in scenarios: adding one is a file, a line in the list below, and a test.
//!
//! No kind knows this file.

use std::sync::Arc;

use super::context::{SideEffects, UpdateContext};
use super::kind::ScenarioKind;
use super::nested::NestedScenario;
use super::spec::{EventDecl, ScenarioSpec};
use super::try_clone::TryClone;
use super::{
    brownian, burst, calc_by_event, composition, cycle, do_nothing, empirical, feature_toggle, load_peak,
    plugin, poisson, random_in_range, random_walk, relay_to_other_metric, script, seasonal, sine_wave,
    switch_scenario_by_events, time_duration, update_by_trend, variety_selection,
};
use crate::event::Subscription;

/// A kind of scenario in the list of all, whatever its plan.
pub type AnyKind = ScenarioKind<ScenarioPlan>;

/// Declares for each plan its kinds, and a variant of [`ScenarioPlan`] and of [`RunningScenario`].
macro_rules! built_ins {
    ($($variant:ident($plan:path): [$($kind:path),*]),* $(,)?) => {
        /// All built-in kinds.
        pub const KINDS: &[AnyKind] = &[$($(AnyKind {
            name: $kind.name,
            summary: $kind.summary,
            params: $kind.params,
            build: &|arguments| ($kind.build)(arguments).map(|plan| ScenarioPlan::$variant(Arc::new(plan))),
        },)*)*];

        /// A scenario with its parameters. Cheap to clone.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each is described by its kind")]
        pub enum ScenarioPlan {
            $($variant(Arc<$plan>)),*
        }

        /// The running state of a built-in, without its plan. Small, because there is one per series.
        #[derive(Debug)]
        #[expect(missing_docs, reason = "each is described by its kind")]
        pub enum RunningScenario {
            $($variant(<$plan as ScenarioSpec>::State)),*
        }

        impl ScenarioPlan {
            /// Starts the state of one metric, at its first update or when another scenario switches to it.
            #[must_use]
            pub fn start(&self, value: f64) -> RunningScenario {
                match self { $(Self::$variant(plan) => RunningScenario::$variant(plan.start(value))),* }
            }

            /// `true` if a metric has anything to keep for it from one update to the next.
            #[must_use]
            pub const fn has_state(&self) -> bool {
                match self { $(Self::$variant(_) => size_of::<<$plan as ScenarioSpec>::State>() > 0),* }
            }

            /// As [`ScenarioSpec::update`], of a state that this plan has started.
            #[inline]
            pub fn update(
                &self,
                running: &mut RunningScenario,
                context: &mut UpdateContext<'_>,
            ) -> Result<Option<f64>, String> {
                match (self, running) {
                    $((Self::$variant(plan), RunningScenario::$variant(state)) => plan.update(state, context),)*
                    _ => unreachable!("a plan goes on with the states that it has started"),
                }
            }

            /// As [`ScenarioSpec::stop`], of a state that this plan has started.
            pub fn stop(&self, running: &mut RunningScenario, effects: &mut SideEffects) {
                match (self, running) {
                    $((Self::$variant(plan), RunningScenario::$variant(state)) => plan.stop(state, effects),)*
                    _ => unreachable!("a plan goes on with the states that it has started"),
                }
            }

            /// As [`ScenarioSpec::hide`], of a state that this plan has started.
            pub fn hide(&self, running: &mut RunningScenario, effects: &mut SideEffects) {
                match (self, running) {
                    $((Self::$variant(plan), RunningScenario::$variant(state)) => plan.hide(state, effects),)*
                    _ => unreachable!("a plan goes on with the states that it has started"),
                }
            }

            /// The events that cause an update.
            #[must_use]
            pub fn subscriptions(&self) -> Vec<Subscription> {
                match self { $(Self::$variant(plan) => plan.subscriptions()),* }
            }

            /// The events that it may emit.
            #[must_use]
            pub fn emits(&self) -> Vec<EventDecl> {
                match self { $(Self::$variant(plan) => plan.emits()),* }
            }

            /// The name of the source metric, for a relay.
            #[must_use]
            pub fn source_metric(&self) -> Option<&str> {
                match self { $(Self::$variant(plan) => plan.source_metric()),* }
            }

            /// The lowest and the highest value, if its own parameters say so.
            #[must_use]
            pub fn value_range(&self) -> Option<(f64, f64)> {
                match self { $(Self::$variant(plan) => plan.value_range()),* }
            }

            /// `true` if its values are totals, which a counter takes as they are, not levels to be added.
            #[must_use]
            pub fn gives_totals(&self) -> bool {
                match self { $(Self::$variant(plan) => plan.gives_totals()),* }
            }

            /// Memory of its running state beyond that of a scenario with a few numbers.
            #[must_use]
            pub fn held_bytes(&self) -> usize {
                match self { $(Self::$variant(plan) => plan.held_bytes()),* }
            }

            /// `true` if it reads [`UpdateContext::dt_secs`].
            #[must_use]
            pub fn uses_dt(&self) -> bool {
                match self { $(Self::$variant(plan) => plan.uses_dt()),* }
            }
        }

        impl From<ScenarioPlan> for NestedScenario {
            fn from(plan: ScenarioPlan) -> Self {
                match plan { $(ScenarioPlan::$variant(plan) => plan.into()),* }
            }
        }

        impl TryClone for RunningScenario {
            fn try_clone(&self) -> Result<Self, String> {
                Ok(match self { $(Self::$variant(running) => Self::$variant(running.try_clone()?)),* })
            }
        }
    };
}

built_ins! {
    DoNothing(do_nothing::Plan): [do_nothing::KIND],
    RandomInRange(random_in_range::Plan): [random_in_range::KIND],
    RandomWalk(random_walk::Plan): [random_walk::KIND],
    TimeDuration(time_duration::Plan): [time_duration::KIND],
    SineWave(sine_wave::Plan): [sine_wave::KIND],
    UpdateByTrend(update_by_trend::Plan): [update_by_trend::KIND],
    VarietySelection(variety_selection::Plan): [variety_selection::KIND],
    FeatureToggle(feature_toggle::Plan): [feature_toggle::KIND],
    SwitchScenarioByEvents(switch_scenario_by_events::Plan): [switch_scenario_by_events::KIND],
    RelayToOtherMetric(relay_to_other_metric::Plan): [relay_to_other_metric::KIND],
    CalcByEvent(calc_by_event::Plan): [calc_by_event::KIND],
    LoadPeak(load_peak::Plan): [load_peak::CPU, load_peak::MEMORY, load_peak::DISK],
    Brownian(brownian::Plan): [brownian::KIND],
    Cycle(cycle::Plan): [cycle::KIND],
    Empirical(empirical::Plan): [empirical::KIND],
    Poisson(poisson::Plan): [poisson::KIND],
    Seasonal(seasonal::Plan): [seasonal::KIND],
    Burst(burst::Plan): [burst::KIND],
    Combination(composition::Combination): [composition::SUM, composition::PRODUCT, composition::CLAMP],
    Delay(composition::Delay): [composition::DELAY],
    Script(script::Plan): [script::KIND],
    Plugin(plugin::Plan): [],
}

// There is one per series, so a larger state is boxed.
const _: () = assert!(size_of::<RunningScenario>() <= 16);

impl Default for ScenarioPlan {
    /// Keeps the value.
    fn default() -> Self {
        Self::DoNothing(Arc::default())
    }
}
