//! When dirt is on: windows, and the episodes in them.

use crate::plan::{FaultKind, FaultPlan, FaultTrigger};
use crate::rng::Rng;
use crate::time::{Span, Time};

/// The present window and episode of one kind of dirt.
#[derive(Debug)]
pub(super) struct FaultWindow {
    pub(super) rng: Rng,
    /// Whether an episode is on.
    pub(super) is_on: bool,
    /// When something changes next by itself.
    next: Time,
    /// When the present window closes; [`Time::NEVER`] without one.
    closes_at: Time,
    is_open: bool,
    /// When the next episode of a window with several begins, without its jitter.
    next_pulse: Time,
}

/// An episode has begun or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Begun,
    Ended,
}

impl FaultWindow {
    pub(super) fn new(plan: &FaultPlan, rng: Rng, starts_at: Time) -> Self {
        let next = match plan.trigger {
            FaultTrigger::At(start_time) => starts_at + start_time,
            FaultTrigger::OnEvent => Time::NEVER,
        };
        Self { rng, is_on: false, next, closes_at: Time::NEVER, is_open: false, next_pulse: Time::NEVER }
    }

    /// When something changes next.
    pub(super) const fn due(&self) -> Time {
        self.next
    }

    /// Lets what is due by now happen, up to the next turn that is to be seen.
    pub(super) fn step(&mut self, plan: &FaultPlan, now: Time) -> Option<Turn> {
        while self.next <= now && self.next != Time::NEVER {
            let turn = self.change(plan, now);
            if turn.is_some() {
                return turn;
            }
        }
        None
    }

    fn change(&mut self, plan: &FaultPlan, now: Time) -> Option<Turn> {
        if !self.is_open {
            return self.open(plan, now);
        }
        let Some(pulses) = plan.pulses.filter(|_| now < self.closes_at) else { return self.close() };
        if self.is_on {
            self.is_on = false;
            self.await_pulse(plan);
            return Some(Turn::Ended);
        }
        self.next_pulse += pulses.every;
        if now.since(self.next_pulse) > pulses.every {
            // What was slept through is not caught up on.
            let left_out = now.since(self.next_pulse).as_nanos() / pulses.every.as_nanos().max(1);
            self.next_pulse += pulses.every.times(left_out);
        }
        let turn = self.begin(plan);
        if turn.is_some() && self.is_on {
            self.next = (now + pulses.duration).min(self.closes_at);
        } else {
            self.await_pulse(plan);
        }
        turn
    }

    /// An event opens a window, or keeps it open for longer.
    pub(super) fn open(&mut self, plan: &FaultPlan, now: Time) -> Option<Turn> {
        let was_open = std::mem::replace(&mut self.is_open, true);
        self.closes_at = now + plan.window;
        if let Some(pulses) = plan.pulses {
            if !was_open {
                self.next_pulse = now + pulses.first;
            }
            if !self.is_on {
                self.await_pulse(plan);
            }
            return None;
        }
        let turn = if self.is_on { None } else { self.begin(plan) };
        if self.is_on {
            self.next = self.closes_at;
        } else {
            self.close();
        }
        turn
    }

    /// Closes the window, and ends the episode that is on.
    pub(super) fn close(&mut self) -> Option<Turn> {
        (self.is_open, self.next, self.closes_at) = (false, Time::NEVER, Time::NEVER);
        std::mem::take(&mut self.is_on).then_some(Turn::Ended)
    }

    fn await_pulse(&mut self, plan: &FaultPlan) {
        let jitter = plan.pulses.map_or(0, |pulses| pulses.jitter.as_nanos());
        let jitter = Span::from_nanos(self.rng.below(jitter.saturating_add(1)));
        self.next = (self.next_pulse + jitter).min(self.closes_at);
    }

    /// Begins an episode, unless it is not likely enough. What takes no time is over at once.
    fn begin(&mut self, plan: &FaultPlan) -> Option<Turn> {
        let is_each_drawn =
            matches!(plan.kind, FaultKind::Nan | FaultKind::Late(_) | FaultKind::OutOfOrder(_));
        if !is_each_drawn && plan.probability < 1.0 && self.rng.unit() >= plan.probability {
            return None;
        }
        self.is_on = plan.kind != FaultKind::CounterReset;
        Some(Turn::Begun)
    }
}
