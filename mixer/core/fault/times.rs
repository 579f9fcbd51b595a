//! The times of a fault of the run: windows `[begin, end)` that are pure functions of the run's start.

use crate::time::{Span, Time};

/// Windows `[begin, end)`, counted from the run's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultTimes {
    /// Begin of the first window.
    pub at: Span,
    /// Length of each window; [`Span::FOREVER`] for a window without an end.
    pub lasts: Span,
    /// Time from one begin to the next; it is not shorter than a window. One window if `None`.
    pub every: Option<Span>,
}

impl FaultTimes {
    /// The last window that has begun by now.
    #[must_use]
    pub fn last_window(&self, run_start: Time, now: Time) -> Option<(Time, Time)> {
        let first = run_start + self.at;
        if now < first {
            return None;
        }
        let begin = match self.every {
            Some(every) => first + every.times(now.since(first).as_nanos() / every.as_nanos().max(1)),
            None => first,
        };
        Some((begin, begin + self.lasts))
    }

    /// The window that is open now.
    #[must_use]
    pub fn window(&self, run_start: Time, now: Time) -> Option<(Time, Time)> {
        self.last_window(run_start, now).filter(|(_, end)| now < *end)
    }

    /// The first begin after this time; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_begin(&self, run_start: Time, after: Time) -> Time {
        match (self.last_window(run_start, after), self.every) {
            (None, _) => run_start + self.at,
            (Some((begin, _)), Some(every)) => begin + every,
            (Some(_), None) => Time::NEVER,
        }
    }

    /// The first begin or end after this time; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_edge(&self, run_start: Time, after: Time) -> Time {
        match self.window(run_start, after) {
            Some((_, end)) => end,
            None => self.next_begin(run_start, after),
        }
    }
}
