//! The times at which a fault is on: windows that open by time or by event, and the episodes in them.

use super::course::{Course, Timed};
use super::plan::{FaultPlan, FaultTrigger};
use crate::rng::Rng;
use crate::time::{Span, Time};

/// The window of one fault.
#[derive(Clone, Debug)]
pub struct FaultWindow {
    rng: Rng,
    state: State,
}

/// State of a window.
#[derive(Clone, Copy, Debug)]
enum State {
    /// No episode can begin before the window opens: at this time, or by an event.
    Closed { opens_at: Time },
    /// The window is open, and the next of its episodes begins at `begins_at`: `pulse` plus a jitter.
    Idle { begins_at: Time, pulse: Time, closes_at: Time },
    /// An episode is on. The one after it begins at `pulse`, plus a jitter.
    On { ends_at: Time, pulse: Time, closes_at: Time },
}

/// Begin or end of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It begins.
    Begun,
    /// It ends.
    Ended,
}

/// Start of an episode.
enum Start {
    /// The draw against its probability failed.
    Skipped,
    /// It has no duration and has already ended.
    Instant,
    /// It is on.
    On,
}

impl FaultWindow {
    /// The window of a fault of a host that starts at this time, in a run of this course.
    #[must_use]
    pub fn new(plan: &FaultPlan, rng: Rng, starts_at: Time, course: &Course) -> Self {
        let mut window = Self { rng, state: State::Closed { opens_at: Time::NEVER } };
        match plan.trigger {
            FaultTrigger::At(start_time) => window.state = State::Closed { opens_at: starts_at + start_time },
            FaultTrigger::OfRun(_) => window.count_from(plan, starts_at, course),
            FaultTrigger::OnEvent => {}
        }
        window
    }

    /// Counts a fault of the run by a course. A host that starts within a window has the rest of it.
    pub fn count_from(&mut self, plan: &FaultPlan, starts_at: Time, course: &Course) {
        let Some(timed) = plan.timed() else { return };
        let opens_at = if plan.fault.is_instant() {
            course.next_begin(timed, starts_at.before(Span::from_nanos(1)))
        } else {
            opens_from(timed, course, starts_at)
        };
        self.state = State::Closed { opens_at };
    }

    /// Follows a course that changed at `changed_at`. A window that begins then opens anew with the next step.
    pub fn follow(
        &mut self,
        plan: &FaultPlan,
        course: &Course,
        (changed_at, now): (Time, Time),
    ) -> Option<Turn> {
        let timed = plan.timed()?;
        let goes_on = course.window(timed, now).filter(|(begin, _)| *begin < changed_at);
        match (&mut self.state, goes_on) {
            (State::On { ends_at, closes_at, .. }, Some((_, end))) => {
                let is_whole = plan.pulses.is_none();
                *closes_at = end;
                *ends_at = if is_whole { end } else { (*ends_at).min(end) };
                None
            }
            (State::Idle { begins_at, pulse, closes_at }, Some((_, end))) => {
                *begins_at = if *begins_at == *closes_at { *pulse } else { *begins_at }.min(end);
                *closes_at = end;
                None
            }
            (State::Closed { opens_at }, _) => {
                *opens_at = course.next_begin(timed, changed_at.before(Span::from_nanos(1)));
                if !plan.fault.is_instant() && course.window(timed, now).is_some() {
                    *opens_at = now;
                }
                None
            }
            (_, None) => {
                let turn = self.is_on().then_some(Turn::Ended);
                self.state = State::Closed { opens_at: opens_from(timed, course, now) };
                turn
            }
        }
    }

    /// `true` while an episode is on.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self.state, State::On { .. })
    }

    /// Time of the next change.
    #[must_use]
    pub const fn due(&self) -> Time {
        match self.state {
            State::Closed { opens_at } => opens_at,
            State::Idle { begins_at, .. } => begins_at,
            State::On { ends_at, .. } => ends_at,
        }
    }

    /// Time until the episode ends that is on; [`Span::FOREVER`] for one without an end.
    #[must_use]
    pub fn ends_in(&self, now: Time) -> Span {
        match self.state {
            State::On { ends_at: Time::NEVER, .. } => Span::FOREVER,
            State::On { ends_at, .. } => ends_at.since(now),
            State::Closed { .. } | State::Idle { .. } => Span::ZERO,
        }
    }

    /// Makes the changes that are due by now, up to the next begin or end of an episode.
    pub fn step(&mut self, plan: &FaultPlan, course: &Course, now: Time) -> Option<Turn> {
        while self.due() <= now && self.due() != Time::NEVER {
            let turn = self.change(plan, course, now);
            if turn.is_some() {
                return turn;
            }
        }
        None
    }

    fn change(&mut self, plan: &FaultPlan, course: &Course, now: Time) -> Option<Turn> {
        let (pulse, closes_at) = match self.state {
            State::Closed { .. } => {
                return match plan.trigger {
                    FaultTrigger::OfRun(_) => self.open_in_run(plan, course, now),
                    FaultTrigger::At(_) | FaultTrigger::OnEvent => self.open(plan, now),
                };
            }
            State::Idle { pulse, closes_at, .. } | State::On { pulse, closes_at, .. } => (pulse, closes_at),
        };
        let Some(pulses) = plan.pulses.filter(|_| now < closes_at) else {
            return self.close(plan, course, now);
        };
        if self.is_on() {
            self.await_pulse(plan, pulse, closes_at);
            return Some(Turn::Ended);
        }
        let mut next = pulse + pulses.every;
        if now.since(next) > pulses.every {
            // Episodes that were slept through are not made up for.
            let left_out = now.since(next).as_nanos() / pulses.every.as_nanos().max(1);
            next += pulses.every.times(left_out);
        }
        match self.start(plan) {
            Start::On => {
                let ends_at = (now + pulses.lasts).min(closes_at);
                self.state = State::On { ends_at, pulse: next, closes_at };
                Some(Turn::Begun)
            }
            Start::Instant => {
                self.await_pulse(plan, next, closes_at);
                Some(Turn::Begun)
            }
            Start::Skipped => {
                self.await_pulse(plan, next, closes_at);
                None
            }
        }
    }

    /// Opens the window, or keeps it open for longer.
    pub fn open(&mut self, plan: &FaultPlan, now: Time) -> Option<Turn> {
        let closes_at = now + plan.window;
        match (self.state, plan.pulses) {
            (State::On { ends_at, pulse, .. }, Some(_)) => {
                self.state = State::On { ends_at, pulse, closes_at };
                None
            }
            (State::On { pulse, .. }, None) => {
                self.state = State::On { ends_at: closes_at, pulse, closes_at };
                None
            }
            (State::Idle { pulse, .. }, Some(_)) => {
                self.await_pulse(plan, pulse, closes_at);
                None
            }
            (State::Closed { .. }, Some(pulses)) => {
                self.await_pulse(plan, now + pulses.first, closes_at);
                None
            }
            (State::Idle { .. } | State::Closed { .. }, None) => {
                let start = self.start(plan);
                self.state = match start {
                    Start::On => State::On { ends_at: closes_at, pulse: Time::NEVER, closes_at },
                    Start::Instant | Start::Skipped => State::Closed { opens_at: Time::NEVER },
                };
                (!matches!(start, Start::Skipped)).then_some(Turn::Begun)
            }
        }
    }

    /// Opens the window of a fault of the run for what is left of it.
    fn open_in_run(&mut self, plan: &FaultPlan, course: &Course, now: Time) -> Option<Turn> {
        let timed = plan.timed()?;
        let window = course.window(timed, now);
        if let (Some((begin, closes_at)), Some(pulses)) = (window, plan.pulses) {
            let first = begin + pulses.first;
            let late = now.since(first).as_nanos().div_ceil(pulses.every.as_nanos().max(1));
            self.await_pulse(plan, first + pulses.every.times(late), closes_at);
            return None;
        }
        self.state = State::Closed { opens_at: course.next_begin(timed, now) };
        if window.is_none() && !plan.fault.is_instant() {
            // It was slept through.
            return None;
        }
        let start = self.start(plan);
        if let (Start::On, Some((_, ends_at))) = (&start, window) {
            self.state = State::On { ends_at, pulse: Time::NEVER, closes_at: ends_at };
        }
        (!matches!(start, Start::Skipped)).then_some(Turn::Begun)
    }

    /// Closes the window until its time comes or an event opens it, and ends the episode that is on.
    pub fn close(&mut self, plan: &FaultPlan, course: &Course, now: Time) -> Option<Turn> {
        let turn = self.is_on().then_some(Turn::Ended);
        let opens_at = plan.timed().map_or(Time::NEVER, |timed| opens_from(timed, course, now));
        self.state = State::Closed { opens_at };
        turn
    }

    /// `true` with the fault's probability.
    pub fn draws(&mut self, plan: &FaultPlan) -> bool {
        self.rng.unit() < plan.probability
    }

    fn await_pulse(&mut self, plan: &FaultPlan, pulse: Time, closes_at: Time) {
        let jitter = plan.pulses.map_or(0, |pulses| pulses.jitter.as_nanos());
        let jitter = Span::from_nanos(self.rng.below(jitter.saturating_add(1)));
        self.state = State::Idle { begins_at: (pulse + jitter).min(closes_at), pulse, closes_at };
    }

    /// Decides if an episode begins.
    fn start(&mut self, plan: &FaultPlan) -> Start {
        if !plan.fault.is_drawn_each() && plan.probability < 1.0 && !self.draws(plan) {
            Start::Skipped
        } else if plan.fault.is_instant() {
            Start::Instant
        } else {
            Start::On
        }
    }
}

/// The time at which the window of a fault of the run opens: now, or at the next begin.
fn opens_from(timed: Timed<'_>, course: &Course, now: Time) -> Time {
    match course.window(timed, now) {
        Some(_) => now,
        None => course.next_begin(timed, now),
    }
}
