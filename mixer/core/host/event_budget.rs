//! The bounds on what a host emits and on what events make it do: events and steps per emulated second, and the length of a
//! chain of events.
//!
//! They count events and steps, never time that passes on the machine, so every driver drops the same events.

use std::fmt;
use std::sync::Arc;

use super::outbox::Outbox;
use crate::plan::{EventShare, LISTENERS_PER_SEC_MAX};
use crate::time::{Span, Time};

/// Events that cause each other end after this number of steps.
pub const HOPS_MAX: u8 = 32;

/// Maximum number of events that a host emits in one emulated second. A KiB of their data counts as one more.
pub const EVENTS_PER_SEC_MAX: u32 = 10_000;

/// Maximum number of steps that events cause on a host in one emulated second, its own events included: operations of
/// scripts, two for each value, one for each event. The host does not handle further events in that second.
pub const STEPS_PER_SEC_MAX: u32 = 4_000_000;

/// The first dropped event of a burst. A burst lasts until a second without a dropped event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDrop {
    /// The event's name.
    pub event: Arc<str>,
    /// The bound that it was beyond.
    pub cause: DropCause,
}

/// The bound that a dropped event was beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// It is too many steps away from the event that began its chain.
    LongChain,
    /// Its host has emitted too many events in one second.
    FullSecond,
    /// Events have caused too much work on the host in one second: it does not handle this one.
    TooMuchWork,
    /// Too many hosts listen to the events of the run: its host has had its part.
    FullRun,
}

impl fmt::Display for DropCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LongChain => write!(f, "events cause each other in more than {HOPS_MAX} steps"),
            Self::FullSecond => write!(f, "host emits more than {EVENTS_PER_SEC_MAX} events in a second"),
            Self::TooMuchWork => write!(
                f,
                "events cause more than {STEPS_PER_SEC_MAX} steps of scripts and updates on the host in a second"
            ),
            Self::FullRun => write!(
                f,
                "hosts emit events to more than {LISTENERS_PER_SEC_MAX} listeners in a second, and this host has had its part"
            ),
        }
    }
}

/// The events that a host has emitted. Seconds are those since 1970, in 32 bits, of which only differences count.
#[derive(Clone, Debug)]
pub(super) struct EventBudget {
    /// Number of events so far.
    sequence: u64,
    /// The second of the last event.
    second: u32,
    /// Number of events in that second.
    used: u16,
    /// Number of seconds from the last dropped event to that second.
    dropped_ago: u16,
    /// Number of steps that events have caused in that second.
    steps: u32,
    /// The cost of its events that its part of the run's has not made up for yet.
    spent: u32,
}

impl Default for EventBudget {
    fn default() -> Self {
        Self { sequence: 0, second: 0, used: 0, dropped_ago: u16::MAX, steps: 0, spent: 0 }
    }
}

impl EventBudget {
    /// Makes room in an outbox for the events that the host may emit now. Gives the numbers of events and actions in it.
    pub(super) fn open(
        &mut self,
        share: Option<&Arc<EventShare>>,
        now: Time,
        out: &mut Outbox,
    ) -> (usize, usize) {
        let second = second_of(now);
        if self.second != second {
            let seconds = second.wrapping_sub(self.second);
            let made_up = share.map_or(0, |share| share.per_sec().saturating_mul(seconds));
            self.spent = self.spent.saturating_sub(made_up);
            self.dropped_ago = self.dropped_ago.saturating_add(narrow(seconds));
            (self.second, self.used, self.steps) = (second, 0, 0);
        }
        out.share = share.map(|share| (Arc::clone(share), self.spent));
        out.room = out.sent() + EVENTS_PER_SEC_MAX.saturating_sub(self.used.into()) as usize;
        (out.events.len(), out.actions.len())
    }

    /// `false` if the host may not handle a further event in this second.
    pub(super) const fn has_steps(&self) -> bool {
        self.steps <= STEPS_PER_SEC_MAX
    }

    /// Counts the steps that an event has caused.
    pub(super) fn count_steps(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
    }

    /// Numbers the events and actions that came into the outbox behind the first so many, and tells bursts of dropped ones apart.
    pub(super) fn settle(&mut self, first: (usize, usize), out: &mut Outbox) {
        for event in out.events.iter_mut().skip(first.0) {
            event.sequence = self.next();
        }
        for sent in out.actions.iter_mut().skip(first.1) {
            sent.sequence = self.next();
        }
        self.used = self.used.saturating_add(narrow(out.take_data_kib()));
        if let Some((_, spent)) = out.share.take() {
            self.spent = spent;
        }
        if out.first_dropped.is_some() {
            if self.dropped_ago <= 1 {
                out.first_dropped = None;
            }
            self.dropped_ago = 0;
        }
    }

    /// The number of a further event or action.
    const fn next(&mut self) -> u64 {
        self.used = self.used.saturating_add(1);
        self.sequence += 1;
        self.sequence - 1
    }
}

fn narrow(count: impl TryInto<u16>) -> u16 {
    count.try_into().unwrap_or(u16::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "it wraps around")]
const fn second_of(time: Time) -> u32 {
    (time.since(Time::from_unix_nanos(0)).as_nanos() / Span::from_secs(1).as_nanos()) as u32
}
