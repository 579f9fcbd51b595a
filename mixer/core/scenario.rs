//! Scenarios: the sources of a metric's values.
//!
//! A [`ScenarioPlan`] is a scenario with checked parameters, shared by all metrics from one template;
//! [`ScenarioPlan::start`] makes the small running state of one metric, which goes on by its plan. Scenarios know no host and no metric type:
//! they get an [`UpdateContext`] and return a value. Each built-in kind is a file with a [`ScenarioKind`] that lists
//! its parameters. Configs are read, and the reference is generated, from these tables.
//!
//! A kind builds a plan of its own and does not know [`ScenarioPlan`], the list of all: scenarios that contain scenarios
//! hold [`NestedScenario`]s.

mod arguments;
mod brownian;
mod built_in;
mod burst;
mod calc_by_event;
mod catalog;
mod composition;
mod context;
mod cycle;
mod do_nothing;
mod empirical;
mod feature_toggle;
mod kind;
mod load_peak;
mod nested;
mod plugin;
mod poisson;
mod random_in_range;
mod random_walk;
mod relay_to_other_metric;
mod script;
mod seasonal;
mod sine_wave;
mod spec;
mod switch_scenario_by_events;
mod time_duration;
mod try_clone;
mod update_by_trend;
mod variety_selection;

pub use arguments::{Argument, Arguments, Case, MetricContext, Param, ParamKind, Script, Structured};
pub use built_in::{AnyKind, KINDS, RunningScenario, ScenarioPlan};
pub use catalog::{kind, kinds};
pub use context::{EmittedEvent, SideEffects, UpdateContext};
pub use kind::{Build, ScenarioKind};
pub use nested::NestedScenario;
pub use spec::{EventDecl, ScenarioSpec};
pub use try_clone::TryClone;

use crate::plugin::{ConfiguredModel, ModelDecl};

/// The parameters of a plugin's workload, in the form of a scenario's.
#[must_use]
pub fn model_params(workload: &'static ModelDecl) -> &'static [Param] {
    plugin::model_params(workload)
}

/// A workload with its arguments. The error names the wrong argument and the reason.
pub fn prepare_model(
    workload: &'static ModelDecl,
    arguments: &mut Arguments,
) -> Result<ConfiguredModel, String> {
    plugin::prepare_model(workload, arguments)
}

#[cfg(test)]
mod tests;
