//! Delivery of events to the mailboxes of a fleet. It never waits; a full mailbox drops the newest events and counts
//! them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::{debug, warn};

use promemu_core::event::{CLIENT_SOURCE, Event, HostId, MIXER_SOURCE};
use promemu_core::host::START_SPREAD;
use promemu_core::time::Time;

use super::live_fleet::Fleet;
use super::mailbox::{MAILBOX_MAX, Mailbox};

impl Fleet {
    /// Emits an event of the mixer itself without data, and gives its time.
    pub(crate) fn publish_own(&self, name: &str) -> Time {
        self.publish_own_with(name, serde_json::Value::Null)
    }

    /// Emits an event of the mixer itself, and gives its time.
    pub(crate) fn publish_own_with(&self, name: &str, data: serde_json::Value) -> Time {
        let time = self.clock.now();
        self.publish(self.own_event(name, MIXER_SOURCE, data, time), None);
        time
    }

    /// An event from outside of hosts.
    pub(super) fn own_event(&self, name: &str, source: &str, data: serde_json::Value, time: Time) -> Event {
        let sequence = self.counters.own_events.fetch_add(1, Ordering::Relaxed);
        Event { name: name.into(), source: source.into(), data, time, sequence, hops: 0 }
    }

    /// Tells the listeners outside of the run of what a client did at this time. Hosts do not hear it.
    pub(crate) fn tell_outside(&self, name: &str, data: serde_json::Value, time: Time) {
        self.counters.event_tap.publish(&Arc::new(self.own_event(name, CLIENT_SOURCE, data, time)));
    }

    /// Puts an event into the mailboxes of its listeners, and gives the number of hosts that take it, or a fault that
    /// it begins. Never waits.
    pub(crate) fn publish(&self, event: Event, emitter: Option<HostId>) -> usize {
        debug!(event = &*event.name, source = &*event.source, "event");
        self.counters.tally.events.inc();
        let event = Arc::new(event);
        self.counters.event_tap.publish(&event);
        let begun = self.triggers.actions(&event).into_iter().map(|sent| self.log_own_action(sent)).max();
        let heard = self.bus().listeners(&event, emitter).filter(|host| self.deliver(*host, &event)).count();
        heard.max(begun.unwrap_or(0))
    }

    /// Drops the events from long before a host's start. Those from right before it stay, such as the run's start.
    pub(crate) fn drop_early_events(&self, id: HostId, starts_at: Time) {
        let mut mail = self.mailbox(id).mail();
        mail.events.retain(|event| starts_at.since(event.time) <= START_SPREAD);
    }

    /// Takes the events that wait for a host.
    pub(crate) fn take_events(&self, id: HostId) -> Vec<Arc<Event>> {
        let mut mail = self.mailbox(id).mail();
        mail.is_overflowing &= mail.events.is_empty();
        std::mem::take(&mut mail.events)
    }

    /// Emits an event from outside. A source that is a host's name makes it that host's event, which the host itself
    /// handles, too. Gives the number of hosts that take it, and its time.
    pub(crate) fn publish_from(&self, name: &str, source: &str, data: serde_json::Value) -> (usize, Time) {
        let time = self.clock.now();
        let event = self.own_event(name, source, data, time);
        self.log_event(&event);
        self.tell_of_client(&event);
        let own = self.id_of(source);
        let listens_itself = own.filter(|id| {
            let plan = self.host(*id);
            plan.shape.listeners_to(&event, &plan.name).next().is_some()
        });
        let copy = listens_itself.map(|id| (id, Arc::new(event.clone())));
        let others = self.publish(event, own);
        let itself = copy.is_some_and(|(id, event)| self.deliver(id, &event));
        (others + usize::from(itself), time)
    }

    /// Puts an event into a host's mailbox. Gives `false` if the host has ended or its mailbox is full.
    pub(super) fn deliver(&self, host: HostId, event: &Arc<Event>) -> bool {
        if self.has_ended(host) {
            return false;
        }
        let mut mail = self.mailbox(host).mail();
        if mail.events.len() < MAILBOX_MAX {
            mail.events.push(Arc::clone(event));
            Mailbox::wake_with(mail);
            return true;
        }
        let is_first = !std::mem::replace(&mut mail.is_overflowing, true);
        drop(mail);
        self.counters.tally.events_dropped.inc();
        if is_first {
            let _in_run = self.counters.log_span.enter();
            warn!(host = %self.host(host).name, waiting = MAILBOX_MAX, "mailbox full; further events are dropped until the host catches up");
        }
        false
    }
}
