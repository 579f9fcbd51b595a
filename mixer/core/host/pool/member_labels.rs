//! The host whose pools they are: it says how many are in use, passes events on, and emits what those who live
//! there emit.

use std::sync::Arc;

use super::lifecycle::whole;
use super::{Pool, last_due};
use crate::event::Event;
use crate::host::{EmulatedHost, HOPS_MAX, Outbox};
use crate::plan::{PoolSize, Reaction};
use crate::time::{Span, Time};

impl EmulatedHost {
    /// From now on time passes for it as the machine's does; plugins may then do what keeps step with it.
    pub fn go_live(&mut self) {
        if let Some(pools) = self.pools_mut() {
            pools.is_live = true;
        }
    }

    /// Lets happen what is due in the host's pools.
    pub(in crate::host) fn pass_pools(&mut self, now: Time, out: &mut Outbox) {
        let Some(mut pools) = self.take_pools() else { return };
        let host = Arc::clone(&self.plan);
        let emitted = out.events.len();
        for kind in 0..pools.kinds.len() {
            if pools.kinds[kind].next_count <= now
                && !pools.ask_crowd(&host, kind, (self.starts_at, now), None, out)
            {
                let (count, refused) = self.pools_wanted(&pools, kind, now, out);
                let known = std::mem::replace(&mut pools.kinds[kind].refused, refused);
                out.series_refused += refused.saturating_sub(known) as u64;
                pools.kinds[kind].next_count = match host.shape.pools[kind].count {
                    PoolSize::All => Time::NEVER,
                    PoolSize::Formula(_, interval) => {
                        last_due(pools.kinds[kind].next_count, interval, now) + interval
                    }
                };
                pools.use_pools(&host, kind, count, now, out);
            }
            if pools.kinds[kind].next_replacement <= now {
                let every = host.shape.pools[kind].replace_every.unwrap_or(Span::FOREVER);
                pools.kinds[kind].next_replacement =
                    last_due(pools.kinds[kind].next_replacement, every, now) + every;
                pools.replace(&host, kind, now, out);
            }
        }
        pools.has_begun = true;
        while let Some((kind, slot)) = pools.next_due(now) {
            pools.pass(&host, kind, slot, now, out);
        }
        self.put_pools(pools);
        self.own_events_since(emitted, 0, out);
    }

    /// Those who live in pools hear an event that some of them listen to, or that replaces them.
    pub(in crate::host) fn hear_in_pools(&mut self, now: Time, event: &Event, out: &mut Outbox) {
        let Some(mut pools) = self.take_pools() else { return };
        let host = Arc::clone(&self.plan);
        let emitted = out.events.len();
        let mut last = None;
        for listener in host.shape.listeners_to(event, &host.name) {
            // An event may match several of a kind's subscriptions, which are neighbours.
            if last.replace(&listener.reaction) == Some(&listener.reaction) {
                continue;
            }
            match listener.reaction {
                Reaction::ReplaceMembers(kind) => pools.replace(&host, kind, now, out),
                Reaction::NotifyMembers(kind)
                    if pools.ask_crowd(&host, kind, (self.starts_at, now), Some(event), out) => {}
                Reaction::NotifyMembers(kind) => {
                    for slot in 0..pools.kinds[kind].in_use {
                        pools.wake(kind, slot, now, Some(event), out);
                    }
                }
                _ => {}
            }
        }
        self.put_pools(pools);
        self.own_events_since(emitted, event.hops + 1, out);
    }

    /// How many pools of a kind are to be in use, and how many series more there would be if there were room.
    fn pools_wanted(&mut self, pools: &Pool, kind: usize, now: Time, out: &mut Outbox) -> (usize, usize) {
        let host = Arc::clone(&self.plan);
        let plan = &host.shape.pools[kind];
        let PoolSize::Formula(condition, _) = &plan.count else { return (plan.max, 0) };
        let wanted = match self.ask(condition, now, None, out) {
            Ok(number) => whole(number).min(plan.max),
            Err(error) => {
                out.scenario_errors += 1;
                self.note_failure(usize::MAX - 1 - kind, &plan.name, error, out);
                return (pools.kinds[kind].in_use, pools.kinds[kind].refused);
            }
        };
        let growing = host.shape.pools.iter().zip(&pools.kinds).enumerate();
        let growing = growing.filter(|(other, (plan, _))| *other != kind && plan.grows());
        let others: usize = growing.map(|(_, (plan, kind))| kind.in_use * plan.shape.series).sum();
        let room = host.growth_max.saturating_sub(others) / plan.shape.series.max(1);
        let refused = wanted.saturating_sub(room) * plan.shape.series;
        (wanted.min(room), refused)
    }

    fn take_pools(&mut self) -> Option<Box<Pool>> {
        self.rare.as_deref_mut()?.pools.take()
    }

    fn put_pools(&mut self, pools: Box<Pool>) {
        if let Some(rare) = &mut self.rare {
            rare.pools = Some(pools);
        }
    }

    pub(in crate::host) fn pools(&self) -> Option<&Pool> {
        self.rare.as_deref()?.pools.as_deref()
    }

    pub(in crate::host) fn pools_mut(&mut self) -> Option<&mut Pool> {
        self.rare.as_deref_mut()?.pools.as_deref_mut()
    }

    /// Takes over what those who live in pools have emitted: they are the host. All of it follows from an event that
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
