//! `do_nothing`: keeps the value.

use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;

pub(super) const KIND: ScenarioKind<Plan> =
    ScenarioKind { name: "do_nothing", summary: "keeps the value", params: &[], build: &|_| Ok(Plan) };

/// No parameters.
#[derive(Debug, Default, PartialEq)]
pub struct Plan;

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    #[inline]
    fn update(&self, _state: &mut (), _tick: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        Ok(None)
    }
}
