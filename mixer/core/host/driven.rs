//! A host with the events on their way to it. Both drivers, live and virtual, drive hosts by it and so give the same
//! values.

use std::collections::VecDeque;
use std::sync::Arc;

use super::emulated_host::{EmulatedHost, START_SPREAD};
use super::outbox::Outbox;
use super::overrides::HostCommand;
use crate::error::Error;
use crate::event::{DELIVERY_DELAY, Event};
use crate::plan::HostPlan;
use crate::time::Time;

/// A host, the emulated time that it has reached, and the events that it has not handled yet.
#[derive(Debug)]
pub struct DrivenHost {
    host: EmulatedHost,
    /// Time at which something of its own is due next.
    due: Time,
    /// The emulated time that it has reached.
    reached: Time,
    /// In the order in which they are handled.
    mail: VecDeque<Arc<Event>>,
}

impl DrivenHost {
    /// A host that waits for its start.
    #[must_use]
    pub const fn new(host: EmulatedHost) -> Self {
        let starts_at = host.starts_at();
        Self { host, due: starts_at, reached: starts_at, mail: VecDeque::new() }
    }

    /// As [`EmulatedHost::try_clone`], with the events on their way to it.
    pub fn try_clone(&self) -> Result<Self, Error> {
        Ok(Self { host: self.host.try_clone()?, mail: self.mail.clone(), ..*self })
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &EmulatedHost {
        &self.host
    }

    /// As [`EmulatedHost::go_live`].
    pub fn go_live(&mut self) {
        self.host.go_live();
    }

    /// As [`EmulatedHost::with_plan`].
    #[must_use]
    pub fn with_plan(self, plan: Arc<HostPlan>) -> Self {
        Self { host: self.host.with_plan(plan), ..self }
    }

    /// Time of its next step; [`Time::NEVER`] when it has ended.
    #[must_use]
    pub fn due(&self) -> Time {
        if self.due == Time::NEVER {
            return Time::NEVER;
        }
        let mail = self.mail.front().map_or(Time::NEVER, |event| self.handled_at(event));
        self.due.max(self.reached).min(mail)
    }

    /// A late event is handled at once, and one from right before the start at the start.
    fn handled_at(&self, event: &Event) -> Time {
        (event.time + DELIVERY_DELAY).max(self.reached)
    }

    /// Number of events that it has not handled yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.mail.len()
    }

    /// Hands it events. Those from long before its start are dropped.
    pub fn post(&mut self, events: impl IntoIterator<Item = Arc<Event>>) {
        let starts_at = self.host.starts_at();
        let before = self.mail.len();
        self.mail.extend(events.into_iter().filter(|event| starts_at.since(event.time) <= START_SPREAD));
        let mail = self.mail.make_contiguous();
        if !mail[before.saturating_sub(1)..].is_sorted_by(|a, b| a.order(b).is_le()) {
            mail.sort_by(|a, b| a.order(b));
        }
    }

    /// Advances the host to its next due time, if that comes by `until`, and gives the time. The outbox holds the
    /// results of this step only.
    pub fn step(&mut self, until: Time, out: &mut Outbox) -> Option<Time> {
        let at = self.due();
        if at > until || at == Time::NEVER {
            return None;
        }
        out.clear();
        let count = self.mail.iter().take_while(|event| event.time + DELIVERY_DELAY <= at).count();
        if count == 0 {
            self.due = self.host.advance(at, &[], out);
        } else {
            self.due = self.host.advance(at, &self.mail.make_contiguous()[..count], out);
            self.mail.drain(..count);
        }
        self.reached = at;
        Some(at)
    }

    /// Carries out commands. Everything that is due before them is to have happened.
    pub fn apply(&mut self, commands: &[HostCommand], now: Time) {
        if self.due != Time::NEVER {
            for command in commands {
                self.host.apply(command, now.max(self.reached));
            }
            self.due = self.host.due();
        }
    }

    /// As [`EmulatedHost::skip_overdue`].
    pub fn skip_overdue(&mut self, now: Time) -> u64 {
        self.host.skip_overdue(now)
    }

    /// As [`EmulatedHost::stop`].
    pub fn stop(&mut self, now: Time, out: &mut Outbox) {
        self.host.stop(now.max(self.reached), out);
        self.due = Time::NEVER;
    }
}
