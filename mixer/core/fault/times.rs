//! The times of what happens in a run by plan: windows `[begin, end)` that are pure functions of the run's start.

use crate::time::{Span, Time};

/// Windows `[begin, end)`, counted from the run's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Begin of the first window.
    pub at: Span,
    /// Length of each window; [`Span::FOREVER`] for a window without an end.
    pub lasts: Span,
    /// Time from one begin to the next; it is not shorter than a window. One window if `None`.
    pub every: Option<Span>,
    /// The end of all of them: no window begins then or later, and one that is open ends.
    pub until: Span,
    /// The repetition of all of them; once if `None`.
    pub turns: Option<Turns>,
    /// `true` if they count from the origin of the timeline, which a skip moves; `false` if from the run's start.
    pub follows_timeline: bool,
}

/// A repetition of windows, which are over when it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// Time from one begin to the next.
    pub length: Span,
    /// Number of repetitions; `u64::MAX` for ever.
    pub count: u64,
}

impl Windows {
    /// Windows that nothing ends and nothing repeats.
    #[must_use]
    pub const fn new(at: Span, lasts: Span, every: Option<Span>) -> Self {
        Self { at, lasts, every, until: Span::FOREVER, turns: None, follows_timeline: false }
    }

    /// No windows, of a fault that begins on events and then has this length.
    #[must_use]
    pub const fn never(lasts: Span) -> Self {
        Self { until: Span::ZERO, ..Self::new(Span::FOREVER, lasts, None) }
    }

    /// The last window that has begun by now.
    #[must_use]
    pub fn last_window(&self, run_start: Time, now: Time) -> Option<(Time, Time)> {
        let Some(turns) = self.turns else { return self.last_in_turn(run_start, now) };
        if now < run_start {
            return None;
        }
        let number = turns.number(run_start, now);
        let in_turn = |number| self.last_in_turn(run_start + turns.length.times(number), now);
        in_turn(number).or_else(|| in_turn(number.checked_sub(1)?))
    }

    fn last_in_turn(&self, start: Time, now: Time) -> Option<(Time, Time)> {
        let first = start + self.at;
        if now < first || self.at >= self.until {
            return None;
        }
        let begin = match self.every {
            Some(every) => {
                let every_nanos = every.as_nanos().max(1);
                let last = (self.until.minus(self.at).as_nanos() - 1) / every_nanos;
                first + every.times((now.since(first).as_nanos() / every_nanos).min(last))
            }
            None => first,
        };
        Some((begin, (begin + self.lasts).min(start + self.until)))
    }

    /// The window that is open now.
    #[must_use]
    pub fn window(&self, run_start: Time, now: Time) -> Option<(Time, Time)> {
        self.last_window(run_start, now).filter(|(_, end)| now < *end)
    }

    /// The first begin after this time; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_begin(&self, run_start: Time, after: Time) -> Time {
        let Some((begin, _)) = self.last_window(run_start, after) else {
            return if self.at < self.until { run_start + self.at } else { Time::NEVER };
        };
        let number = self.turns.map_or(0, |turns| turns.number(run_start, begin));
        let start = self.turns.map_or(run_start, |turns| run_start + turns.length.times(number));
        let again = self.every.map(|every| begin + every).filter(|next| *next < start + self.until);
        let anew = || {
            let turns = self.turns.filter(|turns| number + 1 < turns.count)?;
            Some(start + turns.length + self.at)
        };
        again.or_else(anew).unwrap_or(Time::NEVER)
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

impl Turns {
    /// The number of the repetition that has begun last by now, from 0 on.
    fn number(self, run_start: Time, now: Time) -> u64 {
        let number = now.since(run_start).as_nanos() / self.length.as_nanos().max(1);
        number.min(self.count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Time = Time::from_unix_secs(1_000);

    /// All windows in the first so many seconds, found by stepping from edge to edge.
    fn stepped(windows: &Windows, secs: u64) -> Vec<(u64, u64)> {
        let (mut found, mut at) = (Vec::new(), START.before(Span::from_nanos(1)));
        loop {
            at = windows.next_edge(START, at);
            if at > START + Span::from_secs(secs) {
                return found;
            }
            if let Some((begin, end)) = windows.window(START, at).filter(|(begin, _)| *begin == at) {
                let secs = |time: Time| time.since(START).as_nanos() / 1_000_000_000;
                found.push((secs(begin), secs(end)));
            }
        }
    }

    proptest! {
        #[test]
        fn windows_are_those_of_each_repetition_until_the_end(
            at in 0..20u64, lasts in 1..10u64, more in 0..9u64, is_again in any::<bool>(), until in 1..40u64,
            rest in 0..9u64, count in 1..4u64,
        ) {
            let every = is_again.then_some(lasts + more);
            let length = until + rest;
            let mut expected = Vec::new();
            for turn in 0..count {
                let mut begin = at;
                while begin < until {
                    expected.push((turn * length + begin, turn * length + (begin + lasts).min(until)));
                    begin += every.unwrap_or(u64::MAX / 2);
                }
            }
            let secs = Span::from_secs;
            let turns = Some(Turns { length: secs(length), count });
            let windows = Windows { at: secs(at), lasts: secs(lasts), every: every.map(secs), until: secs(until), turns, follows_timeline: false };
            prop_assert_eq!(stepped(&windows, 1_000), expected);
        }
    }
}
