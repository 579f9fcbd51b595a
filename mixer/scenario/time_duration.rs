//! `time_duration`: seconds since its first update, where it is 0. A total.

use super::{Kind, Scenario, ScenarioPlan, Tick};
use crate::clock::Time;

pub(super) const KIND: Kind = Kind {
    name: "time_duration",
    summary: "seconds since the first update",
    params: &[],
    build: |_| Ok(ScenarioPlan::TimeDuration),
};

/// The running scenario.
#[derive(Debug)]
pub struct TimeDuration {
    /// [`Time::NEVER`] before the first update.
    first: Time,
}

impl Default for TimeDuration {
    fn default() -> Self {
        Self { first: Time::NEVER }
    }
}

impl Scenario for TimeDuration {
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        self.first = self.first.min(tick.now);
        Ok(Some(tick.now.since(self.first).as_secs_f64()))
    }
}
