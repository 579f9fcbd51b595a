//! `time_duration`: seconds since its first update, where it is 0. A total.

use std::sync::Arc;

use super::{Kind, Scenario, ScenarioPlan, ScenarioSpec, Tick};
use crate::time::Time;

pub(super) const KIND: Kind = Kind {
    name: "time_duration",
    summary: "seconds since the first update",
    params: &[],
    build: &|_| Ok(ScenarioPlan::TimeDuration(Arc::new(Plan))),
};

/// There are no parameters.
#[derive(Debug, PartialEq)]
pub struct Plan;

impl ScenarioSpec for Plan {
    type Running = TimeDuration;

    fn start(self: &Arc<Self>, _value: f64) -> TimeDuration {
        TimeDuration { first: Time::NEVER }
    }

    fn gives_totals(&self) -> bool {
        true
    }
}

/// The running scenario.
#[derive(Debug)]
pub struct TimeDuration {
    /// [`Time::NEVER`] before the first update.
    first: Time,
}

impl Scenario for TimeDuration {
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        self.first = self.first.min(tick.now);
        Ok(Some(tick.now.since(self.first).as_secs_f64()))
    }
}
