//! `time_duration`: a total of the seconds since the first update, where it is 0.

use std::sync::Arc;

use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{Scenario, ScenarioSpec};
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
    type State = TimeDuration;

    fn start(self: &Arc<Self>, _value: f64) -> TimeDuration {
        TimeDuration { first: Time::NEVER }
    }

    fn gives_totals(&self) -> bool {
        true
    }
}

/// The running scenario.
#[derive(Clone, Debug)]
pub struct TimeDuration {
    /// [`Time::NEVER`] before the first update.
    first: Time,
}

impl Scenario for TimeDuration {
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        self.first = self.first.min(context.now);
        Ok(Some(context.now.since(self.first).as_secs_f64()))
    }
}
