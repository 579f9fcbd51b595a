//! The list of built-in scenarios: adding one is a file, a line in each of the two lists below, and a test.

use std::sync::Arc;

use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{EventDecl, Scenario, ScenarioSpec};
use super::{
    brownian, burst, calc_by_event, composition, do_nothing, feature_toggle, load_peak, plugin,
    random_in_range, random_walk, relay_to_other_metric, script, seasonal, sine_wave,
    switch_scenario_by_events, time_duration, update_by_trend, variety_selection,
};
use crate::event::Subscription;

/// Declares the kinds, and for each plan a variant of [`ScenarioPlan`] and of [`RunningScenario`].
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
            /// Starts the state of one metric, at its first update or when another scenario switches to it.
            #[must_use]
            pub fn start(&self, value: f64) -> RunningScenario {
                match self { $(Self::$variant(plan) => RunningScenario::$variant(plan.start(value))),* }
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

            /// `true` if its values are totals, which a counter takes as they are, not levels to be added.
            #[must_use]
            pub fn gives_totals(&self) -> bool {
                match self { $(Self::$variant(plan) => plan.gives_totals()),* }
            }

            /// `true` if it reads [`UpdateContext::dt_secs`].
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

// There is one per series, so a larger state is boxed.
const _: () = assert!(size_of::<RunningScenario>() <= 24);

impl Default for ScenarioPlan {
    /// Keeps the value.
    fn default() -> Self {
        Self::DoNothing(Arc::default())
    }
}
