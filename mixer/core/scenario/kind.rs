//! A kind of scenario: its name, its parameters, and the way from them to its plan.

use super::arguments::{Arguments, Param};

/// A kind of scenario whose checked parameters are a `P`. Configs are read, and the reference is generated, from it.
pub struct ScenarioKind<P: 'static> {
    /// The name in configs.
    pub name: &'static str,
    /// One line for the reference.
    pub summary: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
    /// Builds the plan. The error names the wrong parameter and the reason.
    pub build: &'static Build<P>,
}

/// Builds a plan from parameters.
pub type Build<P> = dyn Fn(&mut Arguments) -> Result<P, String> + Sync;

impl<P: 'static> std::fmt::Debug for ScenarioKind<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, summary, params, build: _ } = self;
        f.debug_struct("ScenarioKind")
            .field("name", name)
            .field("summary", summary)
            .field("params", params)
            .finish_non_exhaustive()
    }
}
