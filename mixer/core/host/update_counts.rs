//! Counts of what hosts did in virtual time.

use super::outbox::Outbox;

/// Counts of a virtual run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateCounts {
    /// Number of updates.
    pub updates: u64,
    /// Number of updates whose scenario failed.
    pub scenario_errors: u64,
    /// Number of events that hosts emitted.
    pub events: u64,
    /// Number of events dropped because their host may not emit so many.
    pub events_dropped: u64,
}

impl UpdateCounts {
    /// Adds the outcome of a step.
    #[inline]
    pub fn add(&mut self, step: &Outbox) {
        self.updates += step.updates;
        self.scenario_errors += step.scenario_errors;
        self.events += step.events.len() as u64;
        self.events_dropped += step.events_dropped;
    }

    /// The sum of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            updates: self.updates + other.updates,
            scenario_errors: self.scenario_errors + other.scenario_errors,
            events: self.events + other.events,
            events_dropped: self.events_dropped + other.events_dropped,
        }
    }
}
