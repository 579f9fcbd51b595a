//! The timeline of a run: phases that follow each other, and events at set times.

use std::sync::Arc;

use super::curve::Curve;
use super::run_fault::Truth;
use crate::fault::{Timed, Turns, Windows};
use crate::time::Span;

/// The phases of a run and their events. Its faults are among [`super::Plan::faults`]. Without phases it is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimelinePlan {
    /// The phases, in their order.
    pub phases: Vec<PhasePlan>,
    /// The events, by phase.
    pub events: Vec<TimedEvent>,
    /// The length of all phases together.
    pub length: Span,
    /// Number of times that they pass; `u64::MAX` for ever.
    pub repeat: u64,
}

/// The moment from which phases, and the faults of the run, count in a run with a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimelineFrom {
    /// The begin of the live run: before it, no phase and no fault is on.
    #[default]
    Live,
    /// The begin of the history.
    History,
}

/// A phase.
#[derive(Clone, Debug, PartialEq)]
pub struct PhasePlan {
    /// Its name, unique in the run.
    pub name: Arc<str>,
    /// The times at which it is on: those of two phases do not overlap.
    pub times: Windows,
    /// Its changes of levers. Each holds until another phase changes the lever, or no phase is on.
    pub changes: Vec<PhaseChange>,
    /// Its ground truth.
    pub truth: Truth,
}

/// A curve for a lever, which begins with its phase.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseChange {
    /// The lever, as an index into [`super::Plan::levers`].
    pub lever: usize,
    /// The curve.
    pub curve: Curve,
    /// `true` if it stops with its phase, and shows the time that the phase really took.
    pub ends_with_phase: bool,
}

/// An event at set times.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedEvent {
    /// Its name.
    pub name: Arc<str>,
    /// Its times: the begins of windows without a length.
    pub times: Windows,
}

impl TimelinePlan {
    /// The repetition of its times; `None` if it passes once.
    #[must_use]
    pub fn turns(&self) -> Option<Turns> {
        (self.repeat > 1).then_some(Turns { length: self.length, count: self.repeat })
    }
}

impl PhasePlan {
    /// Its times, to ask a course for.
    #[must_use]
    pub const fn timed(&self) -> Timed<'_> {
        Timed { times: &self.times, fault: None }
    }

    /// Its change of a lever.
    #[must_use]
    pub fn change(&self, lever: usize) -> Option<&PhaseChange> {
        self.changes.iter().find(|change| change.lever == lever)
    }
}

impl TimedEvent {
    /// Its times, to ask a course for.
    #[must_use]
    pub const fn timed(&self) -> Timed<'_> {
        Timed { times: &self.times, fault: None }
    }
}
