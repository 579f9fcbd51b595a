//! `time_duration`: a total of the seconds since the first update, where it is 0.

use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::time::Time;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "time_duration",
    summary: "seconds since the first update",
    params: &[],
    build: &|_| Ok(Plan),
};

/// No parameters.
#[derive(Debug, PartialEq)]
pub struct Plan;

impl ScenarioSpec for Plan {
    /// The time of the first update, [`Time::NEVER`] before it.
    type State = Time;

    fn start(&self, _value: f64) -> Time {
        Time::NEVER
    }

    fn update(&self, first: &mut Time, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        *first = (*first).min(context.now);
        Ok(Some(context.now.since(*first).as_secs_f64()))
    }

    fn gives_totals(&self) -> bool {
        true
    }
}
