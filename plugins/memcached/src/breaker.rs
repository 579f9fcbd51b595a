//! A circuit breaker with the semantics of sony/gobreaker v2, as a state machine without a clock.
//!
//! The time of each call is an argument, counted from an arbitrary start. The states change only in calls: an open breaker
//! becomes half-open when it is asked for a request, told a result, or asked for its state after its timeout.
//!
//! # Invariants
//!
//! - Every change of state begins a new generation with empty counts. Results of older generations are ignored.
//! - A half-open breaker lets at most `max_requests` through, excluded ones aside.

mod counts;
#[cfg(test)]
mod tests;

use std::time::Duration;

use counts::RollingCounts;
pub use counts::{Counts, Verdict};

/// States of a breaker, by their numbers in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Requests pass.
    Closed = 0,
    /// Some requests pass, as a trial.
    HalfOpen = 1,
    /// No request passes.
    Open = 2,
}

impl State {
    /// All of them, by their numbers.
    pub const ALL: [Self; 3] = [Self::Closed, Self::HalfOpen, Self::Open];

    /// Its name in labels.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }
}

/// The condition under which a closed breaker opens; it is asked at each failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trip {
    /// More than this many failures in a row.
    ConsecutiveAbove(u32),
    /// So many failures in a row, or such a share of so many requests.
    Ratio {
        /// Failures in a row that suffice.
        consecutive: u32,
        /// Requests from which on the share counts.
        requests: u32,
        /// Share of failures that suffices.
        share: f64,
    },
}

impl Trip {
    fn is_met(self, counts: &Counts) -> bool {
        match self {
            Self::ConsecutiveAbove(bound) => counts.consecutive_failures > bound,
            Self::Ratio { consecutive, requests, share } => {
                counts.consecutive_failures >= consecutive
                    || (counts.requests >= requests
                        && f64::from(counts.failures) / f64::from(counts.requests) >= share)
            }
        }
    }
}

/// Settings of a breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Requests that a half-open breaker lets through, and successes that close it; 0 counts as 1.
    pub max_requests: u32,
    /// The window of a closed breaker's counts, rounded up to whole buckets; 0: they are never cleared.
    pub interval: Duration,
    /// Length of a bucket of the window; 0: the window is one bucket, which is cleared as a whole.
    pub bucket: Duration,
    /// Time that an open breaker stays open; 0 counts as 60 s.
    pub timeout: Duration,
    /// Condition to open.
    pub trip: Trip,
}

/// A request that was let through, to be told with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    generation: u64,
    age: u64,
}

/// The reason why a request was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The breaker is open.
    Open,
    /// It is half-open, and its trial requests are under way.
    TooManyRequests,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Time of the call that found or caused it.
    pub at: Duration,
    /// State before.
    pub from: State,
    /// State after.
    pub to: State,
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    policy: Policy,
    state: State,
    generation: u64,
    counts: RollingCounts,
    began: Duration,
    expiry: Option<Duration>,
    transitions: Vec<Transition>,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(policy: Policy, now: Duration) -> Self {
        let bucket = if policy.bucket.is_zero() { policy.interval } else { policy.bucket };
        let buckets =
            if bucket.is_zero() { 1 } else { policy.interval.as_nanos().div_ceil(bucket.as_nanos()) };
        let timeout = if policy.timeout.is_zero() { Duration::from_mins(1) } else { policy.timeout };
        let mut breaker = Self {
            policy: Policy { max_requests: policy.max_requests.max(1), bucket, timeout, ..policy },
            state: State::Closed,
            generation: 0,
            counts: RollingCounts::new(usize::try_from(buckets).unwrap_or(usize::MAX)),
            began: now,
            expiry: None,
            transitions: Vec::new(),
        };
        breaker.begin_generation(now);
        breaker
    }

    /// Asks for a request to be let through. Its result is owed to [`Self::finish`].
    pub fn start(&mut self, now: Duration) -> Result<Ticket, Rejection> {
        match self.state(now) {
            State::Open => return Err(Rejection::Open),
            State::HalfOpen if self.counts.total.valid_requests() >= self.policy.max_requests => {
                return Err(Rejection::TooManyRequests);
            }
            State::Closed | State::HalfOpen => {}
        }
        self.counts.request();
        Ok(Ticket { generation: self.generation, age: self.counts.age })
    }

    /// Takes the result of a request that was let through.
    pub fn finish(&mut self, ticket: Ticket, verdict: Verdict, now: Duration) {
        let state = self.state(now);
        if ticket.generation != self.generation {
            return;
        }
        match (verdict, state) {
            (Verdict::Excluded, _) | (_, State::Closed) => self.counts.result(ticket.age, verdict),
            (Verdict::Success, State::HalfOpen) => {
                self.counts.result(ticket.age, verdict);
                if self.counts.total.consecutive_successes >= self.policy.max_requests {
                    self.enter(State::Closed, now);
                }
            }
            (Verdict::Failure, State::HalfOpen) => self.enter(State::Open, now),
            // An open breaker has let nothing through in its generation.
            (_, State::Open) => {}
        }
        if verdict == Verdict::Failure
            && state == State::Closed
            && self.policy.trip.is_met(&self.counts.total)
        {
            self.enter(State::Open, now);
        }
    }

    /// The state at this time.
    pub fn state(&mut self, now: Duration) -> State {
        let has_expired = self.expiry.is_some_and(|expiry| expiry < now);
        match self.state {
            State::Closed if has_expired => self.begin_generation(now),
            State::Closed if self.counts.rolls() => {
                let age = now.saturating_sub(self.began).as_nanos() / self.policy.bucket.as_nanos();
                self.counts.grow(u64::try_from(age).unwrap_or(u64::MAX));
            }
            State::Open if has_expired => self.enter(State::HalfOpen, now),
            State::Closed | State::HalfOpen | State::Open => {}
        }
        self.state
    }

    /// The counts as the last call left them.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts.total
    }

    /// The changes of state since they were last taken.
    pub fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.transitions)
    }

    fn enter(&mut self, to: State, now: Duration) {
        self.transitions.push(Transition { at: now, from: self.state, to });
        self.state = to;
        self.begin_generation(now);
    }

    fn begin_generation(&mut self, now: Duration) {
        self.generation += 1;
        self.began = now;
        self.counts.clear();
        self.expiry = match self.state {
            State::Closed if self.policy.interval.is_zero() || self.counts.rolls() => None,
            State::Closed => Some(now + self.policy.interval),
            State::Open => Some(now + self.policy.timeout),
            State::HalfOpen => None,
        };
    }
}
