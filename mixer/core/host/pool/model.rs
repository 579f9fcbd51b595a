//! A pool with a model: the model decides which members there are, since when, and which values they show.

use std::sync::Arc;

use super::agenda::Agenda;
use super::draws::last_due;
use super::lifecycle::{At, Pool};
use super::slot::Slot;
use crate::event::Event;
use crate::host::outbox::Outbox;
use crate::plan::PoolPlan;
use crate::plugin::{
    HostContext, LeverTimes, ModelInstance, PluginEvent, PluginTick, RowChange, TickChanges,
};
use crate::rng::Rng;
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// Shortest time until an update that a model asks for.
const SHORTEST_WAIT: Span = Span::from_nanos(1_000_000);

/// One call of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelCall<'a> {
    pub(super) at: At<'a>,
    /// Start of the host, at which the model's time begins.
    pub(super) starts_at: Time,
    pub(super) is_live: bool,
    pub(super) event: Option<&'a Event>,
}

/// The host as a model sees it during a call.
struct Wants<'a> {
    now: Time,
    rng: &'a mut Rng,
    host_name: &'a Arc<str>,
    hops: u8,
    out: &'a mut Outbox,
    wake: Time,
}

impl HostContext for Wants<'_> {
    fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    fn emit(&mut self, event: &Arc<str>, data: serde_json::Value) {
        if self.out.admits(event, self.hops) {
            let (name, source) = (Arc::clone(event), Arc::clone(self.host_name));
            // The host numbers its events at the end of a step.
            self.out.events.push(Event { name, source, data, time: self.now, sequence: 0, hops: self.hops });
        }
    }

    fn wake(&mut self, at: Time) {
        self.wake = self.wake.min(at.max(self.now + SHORTEST_WAIT));
    }

    fn levers(&self) -> Option<&dyn LeverTimes> {
        self.out.levers.as_ref().map(|levers| levers as &dyn LeverTimes)
    }
}

/// Asks the model of the pool at `first` for changes of members and their values, in its own pool and in those of its
/// other tables. Returns `false` if the pool has no model.
pub(super) fn ask_model(
    pools: &mut [Pool],
    first: usize,
    call: ModelCall<'_>,
    agenda: &mut Agenda,
    out: &mut Outbox,
) -> bool {
    let ModelCall { at: At { host, plan, now }, starts_at, is_live, event } = call;
    let pool = &mut pools[first];
    let (Some(mut model), Some(model_plan)) = (pool.model.take(), &plan.model) else { return false };
    let data = event.filter(|event| !event.data.is_null()).map(|event| event.data.to_string());
    let data = data.as_deref().unwrap_or_default();
    let tick = PluginTick {
        now,
        t_secs: now.since(starts_at).as_secs_f64(),
        dt_secs: 0.0,
        value: 0.0,
        host_name: &host.name,
        event: event.map(|event| PluginEvent { name: &event.name, source: &event.source, data }),
        is_live,
    };
    let mut wants = Wants {
        now,
        rng: &mut pool.rng,
        host_name: &host.name,
        hops: event.map_or(0, |event| event.hops + 1),
        out,
        wake: Time::NEVER,
    };
    let mut changes = TickChanges::default();
    let outcome = model.advance(&tick, &mut wants, &mut changes);
    let wake = wants.wake;
    if pool.next_tick <= now {
        pool.next_tick = last_due(pool.next_tick, model_plan.interval, now) + model_plan.interval;
    }
    // A wake that is still to come is kept when an event comes before it.
    let pending = if pool.next_count > now { pool.next_count } else { Time::NEVER };
    pool.next_count = pool.next_tick.min(wake).min(pending);
    take_over(pools, first, &model, (call, outcome), &changes, agenda, out);
    pools[first].model = Some(model);
    true
}

/// Takes over what a model has done in a tick: members that begin and end, then values, then observations.
fn take_over(
    pools: &mut [Pool],
    first: usize,
    model: &ModelInstance,
    (call, outcome): (ModelCall<'_>, Result<bool, String>),
    changes: &TickChanges,
    agenda: &mut Agenda,
    out: &mut Outbox,
) {
    let ModelCall { at, event, .. } = call;
    let plans = &at.host.shape.pools;
    let is_own = |plan: &&PoolPlan| plan.model.as_ref().is_some_and(|plan| plan.table > 0);
    let tables = 1 + plans[first + 1..].iter().take_while(is_own).count();
    for (pool, plan) in pools[first..first + tables].iter_mut().zip(&plans[first..]) {
        pool.in_use = plan.max;
        pool.slots.resize_with(plan.max, Slot::empty);
    }
    for change in &changes.rows {
        let index = first + change.table;
        let at = At { plan: &plans[index], ..at };
        if let Err(error) = settle(&mut pools[index], at, change, agenda, out) {
            out.scenario_errors += 1;
            pools[first].failures.note(&plans[first].name, error, out);
        }
    }
    match outcome {
        Ok(false) => {}
        Ok(true) => {
            for (table, pool) in pools[first..first + tables].iter_mut().enumerate() {
                pool.show(model.rows(table), agenda, out);
            }
            for observed in &changes.observations {
                pools[first + observed.table].observe(observed, agenda);
            }
        }
        Err(error) => {
            out.scenario_errors += 1;
            match event {
                Some(_) => pools[first].failures.note_of_event(&plans[first].name, error, out),
                None => pools[first].failures.note(&plans[first].name, error, out),
            }
        }
    }
}

/// Puts a member into a slot, or takes it out.
fn settle(
    pool: &mut Pool,
    At { host, plan, now, .. }: At<'_>,
    change: &RowChange,
    agenda: &mut Agenda,
    out: &mut Outbox,
) -> Result<(), String> {
    let RowChange { slot, row, .. } = change;
    pool.end(*slot, now, agenda, out);
    let Some(row) = row else { return Ok(()) };
    let names = plan.labels.iter().map(|(name, _)| name.as_str());
    let own = names.zip(row.labels.iter().map(String::as_str));
    let labels = LabelBlock::new(host.labels.iter().chain(own));
    if pool.settle(*slot, labels, row.began, agenda) {
        Ok(())
    } else {
        Err(format!("pool member has the labels of another member: {}", row.labels.join(", ")))
    }
}
