//! The host whose slots they are: it says how many are in use, passes events on, and emits what those who live
//! there emit.

use std::sync::Arc;

use super::lives::whole;
use super::{Slots, last_due};
use crate::event::Event;
use crate::host::{EmulatedHost, HOPS_MAX, Outbox};
use crate::plan::{Reaction, SlotCount};
use crate::time::{Span, Time};

impl EmulatedHost {
    /// From now on time passes for it as the machine's does; plugins may then do what keeps step with it.
    pub fn go_live(&mut self) {
        if let Some(slots) = self.slots_mut() {
            slots.is_live = true;
        }
    }

    /// Lets happen what is due in the host's slots.
    pub(in crate::host) fn pass_slots(&mut self, now: Time, out: &mut Outbox) {
        let Some(mut slots) = self.take_slots() else { return };
        let host = Arc::clone(&self.plan);
        let emitted = out.events.len();
        for kind in 0..slots.kinds.len() {
            if slots.kinds[kind].next_count <= now
                && !slots.ask_crowd(&host, kind, (self.starts_at, now), None, out)
            {
                let (count, refused) = self.slots_wanted(&slots, kind, now, out);
                let known = std::mem::replace(&mut slots.kinds[kind].refused, refused);
                out.series_refused += refused.saturating_sub(known) as u64;
                slots.kinds[kind].next_count = match host.shape.slots[kind].count {
                    SlotCount::All => Time::NEVER,
                    SlotCount::Formula(_, interval) => {
                        last_due(slots.kinds[kind].next_count, interval, now) + interval
                    }
                };
                slots.use_slots(&host, kind, count, now, out);
            }
            if slots.kinds[kind].next_replacement <= now {
                let every = host.shape.slots[kind].replace_every.unwrap_or(Span::FOREVER);
                slots.kinds[kind].next_replacement =
                    last_due(slots.kinds[kind].next_replacement, every, now) + every;
                slots.replace(&host, kind, now, out);
            }
        }
        slots.has_begun = true;
        while let Some((kind, slot)) = slots.next_due(now) {
            slots.pass(&host, kind, slot, now, out);
        }
        self.put_slots(slots);
        self.own_events_since(emitted, 0, out);
    }

    /// Those who live in slots hear an event that some of them listen to, or that replaces them.
    pub(in crate::host) fn hear_in_slots(&mut self, now: Time, event: &Event, out: &mut Outbox) {
        let Some(mut slots) = self.take_slots() else { return };
        let host = Arc::clone(&self.plan);
        let emitted = out.events.len();
        let mut last = None;
        for listener in host.shape.listeners_to(event, &host.name) {
            // An event may match several of a kind's subscriptions, which are neighbours.
            if last.replace(&listener.reaction) == Some(&listener.reaction) {
                continue;
            }
            match listener.reaction {
                Reaction::ReplaceSlots(kind) => slots.replace(&host, kind, now, out),
                Reaction::TellSlots(kind)
                    if slots.ask_crowd(&host, kind, (self.starts_at, now), Some(event), out) => {}
                Reaction::TellSlots(kind) => {
                    for slot in 0..slots.kinds[kind].in_use {
                        slots.wake(kind, slot, now, Some(event), out);
                    }
                }
                _ => {}
            }
        }
        self.put_slots(slots);
        self.own_events_since(emitted, event.hops + 1, out);
    }

    /// How many slots of a kind are to be in use, and how many series more there would be if there were room.
    fn slots_wanted(&mut self, slots: &Slots, kind: usize, now: Time, out: &mut Outbox) -> (usize, usize) {
        let host = Arc::clone(&self.plan);
        let plan = &host.shape.slots[kind];
        let SlotCount::Formula(condition, _) = &plan.count else { return (plan.max, 0) };
        let wanted = match self.ask(condition, now, None, out) {
            Ok(number) => whole(number).min(plan.max),
            Err(error) => {
                out.scenario_errors += 1;
                self.note_failure(usize::MAX - 1 - kind, &plan.name, error, out);
                return (slots.kinds[kind].in_use, slots.kinds[kind].refused);
            }
        };
        let growing = host.shape.slots.iter().zip(&slots.kinds).enumerate();
        let growing = growing.filter(|(other, (plan, _))| *other != kind && plan.grows());
        let others: usize = growing.map(|(_, (plan, kind))| kind.in_use * plan.shape.series).sum();
        let room = host.growth_max.saturating_sub(others) / plan.shape.series.max(1);
        let refused = wanted.saturating_sub(room) * plan.shape.series;
        (wanted.min(room), refused)
    }

    fn take_slots(&mut self) -> Option<Box<Slots>> {
        self.seldom.as_deref_mut()?.slots.take()
    }

    fn put_slots(&mut self, slots: Box<Slots>) {
        if let Some(seldom) = &mut self.seldom {
            seldom.slots = Some(slots);
        }
    }

    pub(in crate::host) fn slots(&self) -> Option<&Slots> {
        self.seldom.as_deref()?.slots.as_deref()
    }

    pub(in crate::host) fn slots_mut(&mut self) -> Option<&mut Slots> {
        self.seldom.as_deref_mut()?.slots.as_deref_mut()
    }

    /// Takes over what those who live in slots have emitted: they are the host. All of it follows from an event that
    /// is so many steps less one from its origin: what newborns emit, too.
    fn own_events_since(&mut self, first: usize, hops: u8, out: &mut Outbox) {
        if hops > HOPS_MAX {
            out.events_dropped += (out.events.len() - first) as u64;
            out.events.truncate(first);
        }
        for event in out.events.iter_mut().skip(first) {
            event.sequence = self.sequence;
            event.hops = event.hops.max(hops);
            self.sequence += 1;
            out.pending.push_back(event.clone());
        }
    }
}
