//! The state of a host's counters and summaries beside their cells.

use super::aggregation::{Accumulate, Aggregation};
use super::recent::Recent;
use crate::time::Time;

/// The next free indexes among a host's states.
#[derive(Clone, Copy, Debug, Default)]
pub struct StateIndexes {
    pub(super) counters: usize,
    pub(super) summaries: usize,
}

/// The state of a host's counters and summaries beside their cells. A host without any has one word for it.
#[derive(Clone, Debug, Default)]
pub struct States(Option<Box<Kept>>);

#[derive(Clone, Debug)]
struct Kept {
    counters: Box<[Counter]>,
    recent: Box<[Recent]>,
}

impl States {
    /// The states of these metrics, each with its value before the first update.
    #[must_use]
    pub fn of(metrics: impl Iterator<Item = (Aggregation, f64)>) -> Self {
        let (mut counters, mut recent) = (Vec::new(), Vec::new());
        for (aggregation, value) in metrics {
            match aggregation {
                Aggregation::Counter { .. } => counters.push(Counter::new(value)),
                Aggregation::Observations { recent: Some(_), .. } => recent.push(Recent::new()),
                _ => {}
            }
        }
        let has_some = !counters.is_empty() || !recent.is_empty();
        Self(has_some.then(|| Box::new(Kept { counters: counters.into(), recent: recent.into() })))
    }

    /// The counter of an index that [`StateIndexes`] has given.
    #[inline]
    pub(super) fn counter(&mut self, index: usize) -> &mut Counter {
        let counters = self.0.as_deref_mut().map_or(&mut [][..], |kept| &mut kept.counters);
        &mut counters[index]
    }

    /// A summary's recent observations.
    pub(super) fn recent(&mut self, index: usize) -> &mut Recent {
        let recent = self.0.as_deref_mut().map_or(&mut [][..], |kept| &mut kept.recent);
        &mut recent[index]
    }
}

/// A counter's state.
#[derive(Clone, Debug)]
pub struct Counter {
    /// The total, unrounded.
    pub(super) total: f64,
    last_update: Time,
}

impl Counter {
    /// A counter that begins at `total`.
    #[must_use]
    pub const fn new(total: f64) -> Self {
        Self { total, last_update: Time::NEVER }
    }

    /// Adds a value, if there is one, and returns the total, which never falls.
    pub(super) fn take(&mut self, accumulate: Accumulate, value: Option<f64>, now: Time) -> f64 {
        let dt_secs = now.since(self.last_update).as_secs_f64();
        self.last_update = now;
        if let Some(value) = value {
            let grown = match accumulate {
                Accumulate::PerUpdate => self.total + value.max(0.0),
                Accumulate::PerSecond => self.total + value.max(0.0) * dt_secs,
                Accumulate::Total => value,
            };
            if grown.is_finite() {
                self.total = self.total.max(grown);
            }
        }
        self.total
    }
}
