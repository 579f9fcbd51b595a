//! A kind of scenario: the table entry that configs and the reference are made of.

use super::arguments::{Arguments, Param};
use super::built_in::ScenarioPlan;

/// A kind of scenario: its name, its parameters, and the function that builds its plan.
pub struct ScenarioKind {
    /// The name in configs.
    pub name: &'static str,
    /// One line for the reference.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// Builds the plan. The error names the wrong parameter and the reason.
    pub build: &'static Build,
}

/// Builds a plan from parameters.
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
