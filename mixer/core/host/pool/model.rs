//! Slots that a workload fills: it says who lives there, since when, and with which values.

use std::sync::Arc;

use super::{Pool, Slot};
use crate::event::Event;
use crate::host::{EVENTS_MAX, EmulatedHost, HOPS_MAX, Outbox};
use crate::plan::HostPlan;
use crate::plugin::{Coming, Heard, HostContext, Moment};
use crate::rng::{Rng, fnv1a};
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// The next update that a workload asks for comes after so long at the earliest.
const SHORTEST_WAIT: Span = Span::from_nanos(1_000_000);

/// What a workload wants while it is asked.
struct Wants<'a> {
    now: Time,
    rng: &'a mut Rng,
    host_name: &'a Arc<str>,
    hops: u8,
    emitted: &'a mut Vec<Event>,
    /// How many were dropped, because they followed from too many others.
    dropped: &'a mut u64,
    wake: Time,
}

impl HostContext for Wants<'_> {
    fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    fn emit(&mut self, event: &Arc<str>, data: serde_json::Value) {
        if self.hops > HOPS_MAX || self.emitted.len() >= EVENTS_MAX {
            *self.dropped += 1;
            return;
        }
        let (name, source) = (Arc::clone(event), Arc::clone(self.host_name));
        // The host numbers what was emitted in its pools.
        self.emitted.push(Event { name, source, data, time: self.now, sequence: 0, hops: self.hops });
    }

    fn wake(&mut self, at: Time) {
        self.wake = self.wake.min(at.max(self.now + SHORTEST_WAIT));
    }
}

impl Pool {
    /// Asks the workload of a kind, if one fills its pools; gives whether one does. The first time is the host's start.
    pub(super) fn ask_crowd(
        &mut self,
        host: &HostPlan,
        kind: usize,
        (starts_at, now): (Time, Time),
        event: Option<&Event>,
        out: &mut Outbox,
    ) -> bool {
        let plan = &host.shape.pools[kind];
        let this = &mut self.kinds[kind];
        let (Some(model), Some(filling)) = (&mut this.model, &plan.model) else { return false };
        let data = event.filter(|event| !event.data.is_null()).map(|event| event.data.to_string());
        let data = data.as_deref().unwrap_or_default();
        let heard = event.map(|event| Heard { name: &event.name, source: &event.source, data });
        let t_secs = now.since(starts_at).as_secs_f64();
        let moment = Moment {
            now,
            t_secs,
            dt_secs: 0.0,
            value: 0.0,
            host_name: &host.name,
            event: heard,
            is_live: self.is_live,
        };
        let mut wants = Wants {
            now,
            rng: &mut this.rng,
            host_name: &host.name,
            hops: event.map_or(0, |event| event.hops + 1),
            emitted: &mut out.events,
            dropped: &mut out.events_dropped,
            wake: Time::NEVER,
        };
        let mut comings = Vec::new();
        let outcome = model.ask(&moment, &mut wants, &mut comings);
        let rhythm = if this.next_count <= now { now + filling.interval } else { this.next_count };
        this.next_count = rhythm.min(wants.wake);
        this.in_use = plan.max;
        this.pools.resize_with(plan.max, Slot::empty);
        for coming in comings {
            if let Err(error) = self.settle(host, kind, coming) {
                out.scenario_errors += 1;
                self.kinds[kind].tell(&plan.name, error, out);
            }
        }
        match outcome {
            Ok(true) => self.show_crowd(kind, out),
            Ok(false) => {}
            Err(error) => {
                out.scenario_errors += 1;
                self.kinds[kind].tell(&plan.name, error, out);
            }
        }
        true
    }

    /// Somebody comes to a slot, or goes.
    fn settle(&mut self, host: &HostPlan, kind: usize, coming: Coming) -> Result<(), String> {
        let Coming { slot, member } = coming;
        self.end(kind, slot);
        let Some(arrival) = member else { return Ok(()) };
        let names = host.shape.pools[kind].labels.iter().map(|(name, _)| name.as_str());
        let own = names.zip(arrival.labels.iter().map(String::as_str));
        let labels = LabelBlock::new(host.labels.iter().chain(own));
        let hash = fnv1a(labels.as_protobuf());
        let this = &mut self.kinds[kind];
        if !this.taken.insert(hash) {
            return Err(format!("two in its pools have the same labels: {}", arrival.labels.join(", ")));
        }
        this.born += 1;
        let at = &mut this.pools[slot];
        (at.labels, at.labels_hash, at.is_new) = (labels, hash, true);
        at.member = Some(EmulatedHost::in_slot(Arc::clone(&this.member), this.seed, arrival.began));
        self.mark(kind, slot);
        Ok(())
    }

    /// Shows the values of all who live in pools of this kind.
    fn show_crowd(&mut self, kind: usize, out: &mut Outbox) {
        for slot in 0..self.kinds[kind].pools.len() {
            let this = &mut self.kinds[kind];
            if let (Some(member), Some(model)) = (&mut this.pools[slot].member, &this.model) {
                let values = model.values(slot);
                member.show_values(values);
                out.updates += values.len() as u64;
                self.mark(kind, slot);
            }
        }
    }
}

impl EmulatedHost {
    /// Shows values as they are, one for each metric.
    fn show_values(&mut self, values: &[f64]) {
        for (metric, value) in self.plan.shape.metrics.iter().zip(values) {
            if value.is_finite() {
                let cells = &mut self.row[metric.offset..metric.offset + metric.cells.width()];
                metric.cells.show(metric.rounding.round(*value), self.starts_at, cells);
            }
        }
    }
}
