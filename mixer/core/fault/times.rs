//! The times of what happens in a run by plan: windows `[begin, end)` that are pure functions of the run's start.

use crate::rng::Seed;
use crate::time::{Span, Time};

/// Nanoseconds of a millisecond, to which a jitter is drawn.
const MILLI_NANOS: u64 = 1_000_000;

/// Windows `[begin, end)`, counted from the run's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Begin of the first window.
    pub at: Span,
    /// Length of each window; [`Span::FOREVER`] for a window without an end.
    pub lasts: Span,
    /// Time from one begin to the next; it is not shorter than a window. One window if `None`.
    pub every: Option<Span>,
    /// Maximum random delay of each. With it a window is not longer than `every`.
    pub jitter: Span,
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
        Self {
            at,
            lasts,
            every,
            jitter: Span::ZERO,
            until: Span::FOREVER,
            turns: None,
            follows_timeline: false,
        }
    }

    /// No windows, of a fault that begins on events and then has this length.
    #[must_use]
    pub const fn never(lasts: Span) -> Self {
        Self { until: Span::ZERO, ..Self::new(Span::FOREVER, lasts, None) }
    }

    /// The last window that has begun by now. Delays are drawn from the seed.
    #[must_use]
    pub fn last_window(&self, (run_start, seed): (Time, Seed), now: Time) -> Option<(Time, Time)> {
        let last = self.last(run_start, seed, now)?;
        Some((last.at, (last.at + self.lasts).min(self.turn_start(run_start, last.turn) + self.until)))
    }

    /// The first begin after this time; [`Time::NEVER`] if there is none.
    #[must_use]
    pub fn next_begin(&self, (run_start, seed): (Time, Seed), after: Time) -> Time {
        let Some(last) = self.last(run_start, seed, after) else {
            let is_there = self.last_number().is_some();
            return if is_there { self.begin((run_start, seed), 0, 0) } else { Time::NEVER };
        };
        if self.last_number().is_some_and(|number| last.number < number) {
            return self.begin((run_start, seed), last.turn, last.number + 1);
        }
        match self.turns {
            Some(turns) if last.turn + 1 < turns.count => self.begin((run_start, seed), last.turn + 1, 0),
            _ => Time::NEVER,
        }
    }

    /// The last begin by now.
    fn last(&self, run_start: Time, seed: Seed, now: Time) -> Option<Begin> {
        let turn = match self.turns {
            Some(_) if now < run_start => return None,
            Some(turns) => turns.number(run_start, now),
            None => 0,
        };
        let in_turn = |turn| self.last_in_turn((run_start, seed), turn, now);
        in_turn(turn).or_else(|| in_turn(turn.checked_sub(1)?))
    }

    fn last_in_turn(&self, run: (Time, Seed), turn: u64, now: Time) -> Option<Begin> {
        let last = self.last_number()?;
        let first = self.turn_start(run.0, turn) + self.at;
        if now < first {
            return None;
        }
        let every_nanos = self.every.map_or(u64::MAX, |every| every.as_nanos().max(1));
        let number = (now.since(first).as_nanos() / every_nanos).min(last);
        let nth = |number| Begin { turn, number, at: self.begin(run, turn, number) };
        let has_come = |begin: &Begin| begin.at <= now;
        // It may be delayed, while the one before it has begun for certain.
        Some(nth(number)).filter(has_come).or_else(|| Some(nth(number.checked_sub(1)?)))
    }

    /// The number of the last window of a turn, from 0; `None` if there is none. A delay never takes one past the end.
    fn last_number(&self) -> Option<u64> {
        if self.at >= self.until {
            return None;
        }
        let room = self.until.minus(self.at).minus(self.jitter).as_nanos().checked_sub(1)?;
        Some(self.every.map_or(0, |every| room / every.as_nanos().max(1)))
    }

    fn turn_start(&self, run_start: Time, turn: u64) -> Time {
        self.turns.map_or(run_start, |turns| run_start + turns.length.times(turn))
    }

    /// The begin of the window of this number in a turn.
    fn begin(&self, (run_start, seed): (Time, Seed), turn: u64, number: u64) -> Time {
        let every = self.every.unwrap_or(Span::ZERO);
        let planned = self.turn_start(run_start, turn) + self.at + every.times(number);
        if self.jitter == Span::ZERO {
            return planned;
        }
        let stream = seed.child_of_bytes(&turn.to_le_bytes()).child_of_bytes(&number.to_le_bytes());
        let millis = stream.rng().below((self.jitter.as_nanos() / MILLI_NANOS).saturating_add(1));
        planned + Span::from_nanos(millis.saturating_mul(MILLI_NANOS))
    }
}

/// The begin of a window.
struct Begin {
    turn: u64,
    /// Its number in the turn, from 0.
    number: u64,
    at: Time,
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
    const SEED: Seed = Seed::new(7);

    /// All windows in the first so many seconds, in milliseconds, found by stepping from begin to begin.
    fn stepped(windows: &Windows, secs: u64) -> Vec<(u64, u64)> {
        let (mut found, mut at) = (Vec::new(), START.before(Span::from_nanos(1)));
        loop {
            at = windows.next_begin((START, SEED), at);
            if at > START + Span::from_secs(secs) {
                return found;
            }
            let (begin, end) = windows.last_window((START, SEED), at).unwrap();
            assert_eq!(begin, at);
            let millis = |time: Time| time.since(START).as_nanos() / MILLI_NANOS;
            found.push((millis(begin), millis(end)));
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
                    let end = (begin + lasts).min(until);
                    expected.push(((turn * length + begin) * 1_000, (turn * length + end) * 1_000));
                    begin += every.unwrap_or(u64::MAX / 2);
                }
            }
            let secs = Span::from_secs;
            let turns = Some(Turns { length: secs(length), count });
            let windows = Windows {
                at: secs(at), lasts: secs(lasts), every: every.map(secs), jitter: Span::ZERO, until: secs(until), turns, follows_timeline: false,
            };
            prop_assert_eq!(stepped(&windows, 1_000), &expected[..]);
            // With a delay there are as many, each with its own, but those that it could take past the end.
            let jitter = windows.every.map_or(9, |_| more);
            let delayed = Windows { jitter: secs(jitter), ..windows };
            let fits = |(begin, _): &&(u64, u64)| {
                at + jitter < until && (begin / 1_000 - begin / (length * 1_000) * length) + jitter < until
            };
            let planned: Vec<_> = expected.iter().filter(fits).collect();
            let found = stepped(&delayed, 1_000);
            prop_assert_eq!(found.len(), planned.len(), "{:?}", &found);
            for ((begin, end), (from, _)) in found.iter().zip(planned) {
                prop_assert!((*from..=from + jitter * 1_000).contains(begin), "{} of {}", begin, from);
                let turn_end = (from / (length * 1_000) * length + until) * 1_000;
                prop_assert_eq!(*end, (begin + lasts * 1_000).min(turn_end));
            }
            for now in 0..200 {
                let last = found.iter().rfind(|(begin, _)| *begin <= now * 1_000);
                let seen = delayed.last_window((START, SEED), START + secs(now));
                let millis = |time: Time| time.since(START).as_nanos() / MILLI_NANOS;
                prop_assert_eq!(seen.map(|(begin, end)| (millis(begin), millis(end))), last.copied());
            }
        }
    }
}
