//! What a host hears, what it does then, and what it says itself.

use std::sync::Arc;

use super::{EVENTS_MAX, EmulatedHost, HOPS_MAX, Outbox, Phase, WAKES_MAX};
use crate::event::Event;
use crate::plan::Reaction;
use crate::scenario::EmittedEvent;
use crate::time::Time;

impl EmulatedHost {
    /// Does what a metric's scenario wants beside its value.
    pub(super) fn carry_out(&mut self, index: usize, now: Time, hops: u8, out: &mut Outbox) {
        for time in out.effects.wakes.drain(..).filter(|time| *time < self.ends_at) {
            let wakes = &mut self.rare.get_or_insert_default().wakes;
            if wakes.len() < WAKES_MAX.max(4 * self.metrics.len()) && !wakes.contains(&(time, index)) {
                wakes.push((time, index));
            }
        }
        let mut emitted = std::mem::take(&mut out.effects.emitted);
        for EmittedEvent { event, source, data } in emitted.drain(..) {
            self.emit(now, event, source, data, hops, out);
        }
        out.effects.emitted = emitted;
    }

    /// Emits an event, which the host itself hears, too.
    pub(super) fn emit(
        &mut self,
        now: Time,
        name: Arc<str>,
        source: Option<Arc<str>>,
        data: serde_json::Value,
        hops: u8,
        out: &mut Outbox,
    ) {
        if hops > HOPS_MAX || out.events.len() >= EVENTS_MAX {
            out.events_dropped += 1;
            return;
        }
        let source = source.unwrap_or_else(|| Arc::clone(&self.plan.name));
        let event = Event { name, source, data, time: now, sequence: self.sequence, hops };
        self.sequence += 1;
        // What those who live in pools emit is the host's, which takes it over.
        if self.phase != Phase::InSlot {
            out.pending.push_back(event.clone());
        }
        out.events.push(event);
    }

    /// Hears what the host itself has emitted.
    pub(super) fn hear_pending(&mut self, now: Time, out: &mut Outbox) {
        while self.phase != Phase::InSlot
            && let Some(event) = out.pending.pop_front()
        {
            self.hear(now, &event, out);
        }
    }

    /// Reacts to one event; a metric that it changes is reported at once.
    pub(super) fn hear(&mut self, now: Time, event: &Event, out: &mut Outbox) {
        let plan = Arc::clone(&self.plan);
        out.updated.clear();
        out.updated.resize(plan.shape.metrics.len(), false);
        for listener in plan.shape.listeners_to(event, &plan.name) {
            if !self.allows(listener.when.as_ref(), now, event, out) {
                continue;
            }
            match &listener.reaction {
                Reaction::Update(metric) => out.updated[*metric] = true,
                Reaction::Emit(name) => {
                    self.emit(now, Arc::clone(name), None, event.data.clone(), event.hops + 1, out);
                }
                Reaction::StartMetric(metric) => {
                    self.start_metric(*metric);
                    out.updated[*metric] = true;
                }
                // Below, when the host itself has heard it.
                Reaction::ReplaceMembers(_) | Reaction::NotifyMembers(_) => {}
                Reaction::OpenFault(dirt) | Reaction::CloseFault(dirt) => {
                    let opens = matches!(listener.reaction, Reaction::OpenFault(_));
                    self.hear_dirt(*dirt, opens, now, event.hops + 1, out);
                }
                Reaction::StopMetric(metric) => {
                    let stopped = &mut self.rare.get_or_insert_default().stopped;
                    if !stopped.contains(metric) {
                        stopped.push(*metric);
                    }
                    self.clear_cells(*metric);
                    out.report = true;
                }
            }
        }
        if out.updated.contains(&true) {
            self.update_marked(now, Some(event), out);
            out.report = true;
        }
        if !plan.shape.pools.is_empty() {
            self.hear_in_pools(now, event, out);
        }
    }

    /// A metric that was stopped begins anew.
    fn start_metric(&mut self, metric: usize) {
        let Some(rare) = &mut self.rare else { return };
        if let Some(at) = rare.stopped.iter().position(|stopped| *stopped == metric) {
            rare.stopped.swap_remove(at);
            let plan = &self.plan.shape.metrics[metric];
            let cells = &mut self.row[plan.offset..plan.offset + plan.cells.width()];
            plan.cells.restart(&mut self.states, cells);
        }
    }
}
