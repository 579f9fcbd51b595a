//! `do_nothing`: keeps the value.

use super::{Kind, Scenario, ScenarioPlan, Tick};

pub(super) const KIND: Kind = Kind {
    name: "do_nothing",
    summary: "keeps the value",
    params: &[],
    build: |_| Ok(ScenarioPlan::DoNothing),
};

/// The running scenario: has nothing to remember.
#[derive(Debug)]
pub struct DoNothing;

impl Scenario for DoNothing {
    fn update(&mut self, _tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        Ok(None)
    }
}
