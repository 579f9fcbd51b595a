//! Scenarios: the sources of a metric's values.
//!
//! A [`ScenarioPlan`] is a scenario with checked parameters, shared by all metrics from one template;
//! [`ScenarioPlan::start`] makes the small running state of one metric. Scenarios know no host and no metric type:
//! they get an [`UpdateContext`] and return a value. Each built-in kind is a file with a [`ScenarioKind`] that lists
//! its parameters. Configs are read, and the reference is generated, from these tables.
//!
//! Files form one circle on purpose: [`ScenarioPlan`] lists all kinds, and a kind builds a [`ScenarioPlan`], because
//! scenarios may contain scenarios.

mod arguments;
mod brownian;
mod built_in;
mod burst;
mod calc_by_event;
mod composition;
mod context;
mod do_nothing;
mod feature_toggle;
mod kind;
mod load_peak;
mod plugin;
mod random_in_range;
mod random_walk;
mod relay_to_other_metric;
mod script;
mod seasonal;
mod sine_wave;
mod spec;
mod switch_scenario_by_events;
mod time_duration;
mod update_by_trend;
mod variety_selection;

pub use arguments::{Argument, Arguments, Case, MetricContext, Param, ParamKind, Script};
pub use built_in::{KINDS, RunningScenario, ScenarioPlan};
pub use context::{EmittedEvent, SideEffects, UpdateContext};
pub use kind::{Build, ScenarioKind};
pub use spec::{EventDecl, Scenario, ScenarioSpec};

use crate::plugin::{ConfiguredWorkload, WorkloadDecl};

/// The kind of this name: a built-in, or a plugin's.
#[must_use]
pub fn kind(name: &str) -> Option<&'static ScenarioKind> {
    KINDS.iter().copied().find(|kind| kind.name == name).or_else(|| plugin::find(name))
}

/// All kinds: the built-ins, then those of plugins.
#[must_use]
pub fn kinds() -> Vec<&'static ScenarioKind> {
    KINDS.iter().copied().chain(plugin::all()).collect()
}

/// The parameters of a plugin's workload, in the form of a scenario's.
#[must_use]
pub fn workload_params(workload: &'static WorkloadDecl) -> &'static [Param] {
    plugin::params_of(workload)
}

/// A workload with its arguments. The error names the wrong argument and the reason.
pub fn prepare_workload(
    workload: &'static WorkloadDecl,
    arguments: &mut Arguments,
) -> Result<ConfiguredWorkload, String> {
    plugin::prepare(workload, arguments)
}

#[cfg(test)]
mod tests;
