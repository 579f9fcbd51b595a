//! The metrics of a host, or of a pool's member, in time: their schedules, the events they react to, the events they
//! emit.
//!
//! It knows nothing of reports, pools and faults.

use std::sync::Arc;

use super::due_times::DueTimes;
use super::event_budget::{DropCause, HOPS_MAX};
use super::metric_values::{MetricValues, ScheduleMoment, UpdateCall};
use super::outbox::{Outbox, OverrideChange};
use super::rare_state::RareState;
use crate::event::Event;
use crate::plan::{Action, Condition, HostPlan};
use crate::rng::{Rng, Seed, fnv1a};
use crate::scenario::EmittedEvent;
use crate::time::{Span, Time};
use crate::timeline::SentAction;

/// A time that a scenario asked for, or that a pool's member is due at, is made up for only if it is not later than
/// this.
pub(super) const WAKE_LATENESS_MAX: Span = Span::from_secs(1);

/// Maximum number of wake-up times kept for scenarios; a host with many metrics has room for more.
const WAKES_MAX: usize = 1_024;

/// The cause of an action.
#[derive(Clone, Copy, Debug)]
struct Cause<'a> {
    now: Time,
    /// The moment from which the action counts.
    acts_at: Time,
    /// The event; `None` for an action from outside.
    event: Option<&'a Event>,
}

/// The metrics, and the times at which they are updated.
#[derive(Debug)]
pub(super) struct MetricSet {
    starts_at: Time,
    /// Time of the next update of each schedule.
    next_due: DueTimes,
    values: MetricValues,
}

impl MetricSet {
    /// The metrics of a host or member that starts at this time.
    pub(super) fn new(plan: &HostPlan, seed: Seed, starts_at: Time, rng: Rng) -> Self {
        let next_due = plan.shape.schedules.iter().map(|schedule| starts_at + schedule.start_time);
        Self { starts_at, next_due: next_due.collect(), values: MetricValues::new(plan, seed, rng) }
    }

    /// A copy that does the same from here on. The error names the metric that cannot be copied.
    pub(super) fn try_clone(&self, plan: &HostPlan) -> Result<Self, String> {
        let Self { starts_at, next_due, values } = self;
        Ok(Self { starts_at: *starts_at, next_due: next_due.clone(), values: values.try_clone(plan)? })
    }

    pub(super) const fn starts_at(&self) -> Time {
        self.starts_at
    }

    pub(super) const fn values(&self) -> &MetricValues {
        &self.values
    }

    pub(super) const fn values_mut(&mut self) -> &mut MetricValues {
        &mut self.values
    }

    /// End of the host's ttl.
    pub(super) fn ends_at(&self, plan: &HostPlan) -> Time {
        self.starts_at + plan.ttl
    }

    /// Time of the next update, or of the end of an override.
    pub(super) fn due(&self) -> Time {
        let updates = self.next_due.first();
        let Some(rare) = self.values.rare() else { return updates };
        let wake = rare.wakes.iter().map(|(time, _)| *time).min().unwrap_or(Time::NEVER);
        updates.min(wake).min(rare.overrides.due())
    }

    /// The number that a formula of the host gives.
    pub(super) fn evaluate(
        &mut self,
        plan: &HostPlan,
        condition: &Condition,
        now: Time,
        event: Option<&Event>,
        out: &mut Outbox,
    ) -> Result<f64, String> {
        let t_secs = now.since(self.starts_at).as_secs_f64();
        self.values.evaluate(plan, condition, (now, t_secs), event, out)
    }

    /// Acts after one event. A changed metric is reported at once. Actions that do not concern metrics are left to
    /// `act`.
    pub(super) fn handle(
        &mut self,
        plan: &HostPlan,
        now: Time,
        event: &Event,
        out: &mut Outbox,
        mut act: impl FnMut(&mut Self, &Action, &mut Outbox),
    ) {
        out.unmark(plan.shape.metrics.len());
        for listener in plan.shape.listeners_to(event, &plan.name) {
            if self.allows(plan, listener.when.as_ref(), now, event, out) {
                let cause = Cause { now, acts_at: now, event: Some(event) };
                if !self.act(plan, &listener.action, cause, out) {
                    act(self, &listener.action, out);
                }
            }
        }
        self.finish_acting(plan, now, Some(event), out);
    }

    /// Carries out an action from outside, if it concerns metrics and the host has the one that it names.
    pub(super) fn carry_out(
        &mut self,
        plan: &HostPlan,
        now: Time,
        sent: &SentAction,
        out: &mut Outbox,
    ) -> bool {
        out.unmark(plan.shape.metrics.len());
        let is_done = self.act(plan, &sent.action, Cause { now, acts_at: sent.acts_at(), event: None }, out);
        self.finish_acting(plan, now, None, out);
        is_done
    }

    /// Carries out an action that concerns metrics, or gives `false`. Metrics to update are marked.
    fn act(&mut self, plan: &HostPlan, action: &Action, cause: Cause<'_>, out: &mut Outbox) -> bool {
        let Cause { now, acts_at, event } = cause;
        let exists = |metric: usize| metric < plan.shape.metrics.len();
        match *action {
            Action::Update(metric) if exists(metric) => out.updated[metric] = true,
            Action::Emit(ref name) => {
                let (hops, data) =
                    event.map_or((0, serde_json::Value::Null), |event| (event.hops + 1, event.data.clone()));
                emit(plan, now, Arc::clone(name), hops, data, out);
            }
            Action::StartMetric(metric) if exists(metric) => {
                self.values.start(plan, metric);
                out.updated[metric] = true;
            }
            Action::StopMetric(metric) if exists(metric) => {
                self.values.stop(plan, metric);
                self.stop_scenario(plan, metric, now, event.map_or(0, |event| event.hops + 1), out);
                out.report = true;
            }
            Action::Override { metric, value, lasts, may_fall } if exists(metric) => {
                let until = acts_at + lasts;
                self.values.set_override(plan, metric, (value, until), may_fall, now);
                out.overrides.push(OverrideChange { metric, at: acts_at, set: Some((value, until)) });
                out.report = true;
            }
            Action::Release { metric } if exists(metric) => {
                self.values.release(plan, metric, now);
                out.overrides.push(OverrideChange { metric, at: acts_at, set: None });
                out.report = true;
            }
            _ => return false,
        }
        true
    }

    /// Updates the metrics that an action has marked.
    fn finish_acting(&mut self, plan: &HostPlan, now: Time, event: Option<&Event>, out: &mut Outbox) {
        if out.updated.contains(&true) {
            self.update_marked(plan, now, event, out);
            out.report = true;
        }
    }

    /// `true` if the condition of an action holds.
    fn allows(
        &mut self,
        plan: &HostPlan,
        when: Option<&Condition>,
        now: Time,
        event: &Event,
        out: &mut Outbox,
    ) -> bool {
        let Some(condition) = when else { return true };
        let outcome = self.evaluate(plan, condition, now, Some(event), out);
        match outcome {
            Ok(number) => number != 0.0,
            Err(error) => {
                out.scenario_errors += 1;
                let name = format!("listener to {}", event.name);
                // Each event has a place of its own, far from those of metrics and pools.
                let place =
                    usize::MAX / 2 + usize::try_from(fnv1a(event.name.as_bytes()) % 65_536).unwrap_or(0);
                self.values.note_failure(place, &name.into(), error, out);
                false
            }
        }
    }

    /// Makes the values that are due: those of the schedules, and those that scenarios asked for.
    pub(super) fn update_due(&mut self, plan: &HostPlan, now: Time, out: &mut Outbox) {
        let shape = &plan.shape;
        out.unmark(shape.metrics.len());
        for index in 0..shape.schedules.len() {
            let schedule = shape.schedules[index];
            let next_due = &mut self.next_due.all_mut()[index];
            if *next_due > now {
                continue;
            }
            let end = self.starts_at + schedule.start_time + schedule.duration;
            let members = shape.scheduled[index].iter().copied();
            let is_over = now >= end;
            *next_due = if is_over { Time::NEVER } else { (*next_due + schedule.update_interval).min(end) };
            if is_over {
                for metric in members {
                    self.values.clear(plan, metric);
                    self.stop_scenario(plan, metric, now, 0, out);
                }
            } else {
                members
                    .filter(|metric| shape.metrics[*metric].source.is_none())
                    .for_each(|metric| out.updated[metric] = true);
            }
        }
        if let Some(RareState { wakes, .. }) = self.values.rare_mut() {
            wakes.retain(|(time, metric)| {
                let is_due = *time <= now;
                out.updated[*metric] |= is_due;
                out.report |= is_due;
                !is_due
            });
        }
        if out.updated.contains(&true) {
            self.update_marked(plan, now, None, out);
        }
        self.values.forget_idle_rare();
    }

    /// Ends all scenarios, at the end of the host or member.
    pub(super) fn stop_scenarios(&mut self, plan: &HostPlan, now: Time, out: &mut Outbox) {
        for metric in 0..plan.shape.metrics.len() {
            self.stop_scenario(plan, metric, now, 0, out);
        }
    }

    fn stop_scenario(&mut self, plan: &HostPlan, metric: usize, now: Time, hops: u8, out: &mut Outbox) {
        self.values.stop_scenario(plan, metric, out);
        if !out.effects.is_empty() {
            self.carry_out_effects(plan, metric, now, hops, out);
        }
    }

    /// Updates the marked metrics and those that are calculated from them, in the plan's order.
    fn update_marked(&mut self, plan: &HostPlan, now: Time, event: Option<&Event>, out: &mut Outbox) {
        // Most metrics share one schedule.
        let mut moment = self.moment_of(plan, 0, now);
        for (index, metric) in plan.shape.metrics.iter().enumerate() {
            let from_source = metric.source.is_some_and(|source| out.updated[source]);
            if out.updated[index] || from_source {
                let event = if out.updated[index] { event } else { None };
                if moment.schedule != metric.schedule {
                    moment = self.moment_of(plan, metric.schedule, now);
                }
                // Metrics may be stopped by those before them.
                let call = UpdateCall { host: plan, index, moment: &moment, event };
                out.updated[index] = self.values.update(call, out);
                if !out.effects.is_empty() {
                    self.carry_out_effects(plan, index, now, event.map_or(0, |event| event.hops + 1), out);
                }
            }
        }
    }

    fn moment_of(&self, plan: &HostPlan, schedule: usize, now: Time) -> ScheduleMoment {
        let of = plan.shape.schedules[schedule];
        let start = self.starts_at + of.start_time;
        let is_open = now >= start && now < start + of.duration;
        ScheduleMoment { schedule, now, is_open, t_secs: now.since(start).as_secs_f64() }
    }

    /// Carries out the effects that a metric's scenario had beside its value.
    fn carry_out_effects(&mut self, plan: &HostPlan, index: usize, now: Time, hops: u8, out: &mut Outbox) {
        let (ends_at, wakes_max) = (self.ends_at(plan), WAKES_MAX.max(4 * plan.shape.metrics.len()));
        for time in out.effects.wakes.drain(..).filter(|time| *time < ends_at) {
            let wakes = &mut self.values.need_rare().wakes;
            if wakes.len() < wakes_max && !wakes.contains(&(time, index)) {
                wakes.push((time, index));
            }
        }
        // The vector's memory is used again.
        let mut emitted = std::mem::take(&mut out.effects.emitted);
        for EmittedEvent { event, source, data } in emitted.drain(..) {
            let source = source.unwrap_or_else(|| Arc::clone(&plan.name));
            emit_from(source, now, event, hops, data, out);
        }
        out.effects.emitted = emitted;
    }

    /// Leaves out the updates that are overdue by more than one interval, and gives the number of values left out.
    pub(super) fn skip_overdue(&mut self, plan: &HostPlan, now: Time) -> u64 {
        let (shape, mut skipped) = (&plan.shape, 0);
        for (index, (due, schedule)) in self.next_due.all_mut().iter_mut().zip(&shape.schedules).enumerate() {
            let intervals = now.since(*due).as_nanos() / schedule.update_interval.as_nanos().max(1);
            if intervals > 0 {
                *due += schedule.update_interval.times(intervals);
                let members = shape.scheduled[index].iter();
                let skips = members.filter(|metric| shape.metrics[**metric].source.is_none());
                skipped += intervals * skips.count() as u64;
            }
        }
        // A scenario is updated once, now, and skips by itself what has passed.
        if let Some(RareState { wakes, .. }) = self.values.rare_mut() {
            for (time, _) in wakes.iter_mut().filter(|(time, _)| now.since(*time) > WAKE_LATENESS_MAX) {
                *time = now;
            }
            wakes.dedup();
        }
        skipped
    }
}

/// Emits an event of the host, which handles it itself, too.
pub(super) fn emit(
    plan: &HostPlan,
    now: Time,
    name: Arc<str>,
    hops: u8,
    data: serde_json::Value,
    out: &mut Outbox,
) {
    emit_from(Arc::clone(&plan.name), now, name, hops, data, out);
}

fn emit_from(
    source: Arc<str>,
    now: Time,
    name: Arc<str>,
    hops: u8,
    data: serde_json::Value,
    out: &mut Outbox,
) {
    if out.admits(&name, hops) {
        out.note_data(&data);
        // The host numbers its events at the end of a step.
        out.emit(Event { name, source, data, time: now, sequence: 0, hops });
    }
}

/// Takes over the events of pools' members: they are the host's. They are those behind the first so many events and
/// pending events of the outbox. All of them follow from an event `hops - 1` hops from its origin, even those of new
/// members.
pub(super) fn adopt_events((first, pending): (usize, usize), hops: u8, out: &mut Outbox) {
    out.pending.truncate(pending);
    if hops > HOPS_MAX
        && let Some(name) = out.events.get(first).map(|event| Arc::clone(&event.name))
    {
        out.drop_events(&name, DropCause::LongChain, (out.events.len() - first) as u64);
        out.events.truncate(first);
    }
    for event in out.events.iter_mut().skip(first) {
        event.hops = event.hops.max(hops);
        out.pending.push_back(event.clone());
    }
}
