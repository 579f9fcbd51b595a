//! A host with its mail: lets each thing happen at its own time. Both drivers, the live one and the virtual
//! one, drive hosts by this and so give the same values.

use std::sync::Arc;

use super::{EmulatedHost, HostCommand, Outbox, START_SPREAD};
use crate::event::{DELIVERY_DELAY, Event};
use crate::plan::HostPlan;
use crate::time::Time;

/// A host, how far it is, and the events that it has not heard yet.
#[derive(Debug)]
pub struct DrivenHost {
    host: EmulatedHost,
    /// When something of its own is due next.
    due: Time,
    /// The emulated time that it has reached.
    reached: Time,
    /// In the order in which they are heard.
    mail: Vec<Arc<Event>>,
}

impl DrivenHost {
    /// A host that waits for its start.
    #[must_use]
    pub const fn new(host: EmulatedHost) -> Self {
        let starts_at = host.starts_at();
        Self { host, due: starts_at, reached: starts_at, mail: Vec::new() }
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

    /// The same with another plan that is equal to its own.
    #[must_use]
    pub fn with_plan(self, plan: Arc<HostPlan>) -> Self {
        Self { host: self.host.with_plan(plan), ..self }
    }

    /// When something happens next; [`Time::NEVER`] when it has ended.
    #[must_use]
    pub fn due(&self) -> Time {
        if self.due == Time::NEVER {
            return Time::NEVER;
        }
        let heard = self.mail.first().map_or(Time::NEVER, |event| self.heard_at(event));
        self.due.max(self.reached).min(heard)
    }

    /// An event that comes too late is heard at once, one from right before the start at the start.
    fn heard_at(&self, event: &Event) -> Time {
        (event.time + DELIVERY_DELAY).max(self.reached)
    }

    /// How many events it has not heard yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.mail.len()
    }

    /// Hands it events. What comes long before its start is not heard.
    pub fn post(&mut self, events: impl IntoIterator<Item = Arc<Event>>) {
        let starts_at = self.host.starts_at();
        let before = self.mail.len();
        self.mail.extend(events.into_iter().filter(|event| starts_at.since(event.time) <= START_SPREAD));
        if !self.mail[before.saturating_sub(1)..].is_sorted_by(|a, b| a.order(b).is_le()) {
            self.mail.sort_by(|a, b| a.order(b));
        }
    }

    /// Lets the next thing happen if it is due by `until`, and gives its time. What the host wants is in the
    /// outbox, and nothing else.
    pub fn step(&mut self, until: Time, out: &mut Outbox) -> Option<Time> {
        let at = self.due();
        if at > until || at == Time::NEVER {
            return None;
        }
        out.clear();
        let count = self.mail.partition_point(|event| event.time + DELIVERY_DELAY <= at);
        if count == 0 {
            self.due = self.host.advance(at, &[], out);
        } else {
            let later = self.mail.split_off(count);
            let inbox = std::mem::replace(&mut self.mail, later);
            self.due = self.host.advance(at, &inbox, out);
        }
        self.reached = at;
        Some(at)
    }

    /// Carries out orders, after all that is due before them.
    pub fn obey(&mut self, orders: &[HostCommand], now: Time) {
        if self.due != Time::NEVER {
            for order in orders {
                self.host.obey(order, now.max(self.reached));
            }
            self.due = self.host.due();
        }
    }

    /// Leaves out what is overdue by more than one interval at `now`; gives how many values that were.
    pub fn skip_overdue(&mut self, now: Time) -> u64 {
        self.host.skip_overdue(now)
    }

    /// Ends the host: says so, and takes its series out.
    pub fn stop(&mut self, now: Time, out: &mut Outbox) {
        self.host.stop(now.max(self.reached), out);
        self.due = Time::NEVER;
    }
}
