//! `do_nothing`: keeps the value.

use std::sync::Arc;

use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{Scenario, ScenarioSpec};

pub(super) const KIND: ScenarioKind<Plan> =
    ScenarioKind { name: "do_nothing", summary: "keeps the value", params: &[], build: &|_| Ok(Plan) };

/// No parameters.
#[derive(Debug, Default, PartialEq)]
pub struct Plan;

impl ScenarioSpec for Plan {
    type State = DoNothing;

    fn start(self: &Arc<Self>, _value: f64) -> DoNothing {
        DoNothing
    }
}

/// The running scenario, without state.
#[derive(Clone, Debug)]
pub struct DoNothing;

impl Scenario for DoNothing {
    #[inline]
    fn update(&mut self, _tick: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        Ok(None)
    }
}
