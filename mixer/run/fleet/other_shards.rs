//! The other shards of a run: what they are told of this one, and what it hears from them.

use std::sync::Arc;

use promemu_core::event::{DELIVERY_DELAY, Event, MIXER_SOURCE};
use promemu_core::timeline::{SentAction, Targets};

use super::live_fleet::Fleet;
use crate::transport::{BusSender, Payload};

impl Fleet {
    /// Tells the other shards of this run from now on, and hears them.
    pub(crate) fn join_bus(&self, bus: BusSender) {
        // A run has one bus for good.
        let _is_first = self.counters.bus.set(bus).is_ok();
    }

    /// Tells other shards of a host's event that they hear.
    pub(super) fn tell_of_event(&self, event: &Event) {
        if let Some(bus) = self.counters.bus.get()
            && self.plan.heard_elsewhere.contains(&event.name)
        {
            bus.send(Payload::of_event(event), false);
        }
    }

    /// Tells other shards of a client's event, also those that come later.
    pub(super) fn tell_of_client(&self, event: &Event) {
        if let Some(bus) = self.counters.bus.get() {
            bus.send(Payload::of_event(event), true);
        }
    }

    /// Tells other shards of an action; those of clients also if they come later.
    pub(super) fn tell_of_sent(&self, targets: &Targets, sent: &SentAction, is_kept: bool) {
        if let Some(bus) = self.counters.bus.get()
            && let Some(payload) = Payload::of_action(targets, sent, &self.plan)
        {
            bus.send(payload, is_kept);
        }
    }

    /// Takes what another shard tells.
    pub(crate) fn hear(&self, payload: Payload) {
        let is_late = self.clock.now() > payload.time() + DELIVERY_DELAY;
        if let Some(bus) = self.counters.bus.get() {
            bus.count_received(is_late);
        }
        match payload {
            Payload::Event(event) => self.hear_event(event.event()),
            Payload::Action(targets, action) => {
                if let Some((targets, sent)) = targets.targets().zip(action.sent(&self.plan)) {
                    self.log_and_tell(targets, &Arc::new(sent));
                }
            }
        }
    }

    fn hear_event(&self, event: Event) {
        if *event.source == *MIXER_SOURCE {
            return;
        }
        let own = self.id_of(&event.source);
        let copy = Arc::new(event.clone());
        self.publish(event, own);
        // A client elsewhere has emitted it as a host of this shard, which handles it, too.
        if let Some(id) = own {
            self.deliver(id, &copy);
        }
    }
}
