//! `EmulatedHost`: one machine, as a state machine without I/O.
//!
//! [`EmulatedHost::advance`] is the only way that time passes in it. It is told the time and the events
//! that came, and leaves what it wants in an [`Outbox`]: events to deliver, a report to take over. It reads
//! no clock, never sleeps, and draws from its own random streams only, so the same calls give the same
//! values.
//!
//! At one instant: the start, the events that came, the updates that are due, the events that those
//! emitted (its own listeners hear them at once), the report.

mod commands;
mod driven;
mod fault;
mod fault_window;
mod outbox;
mod pool;
mod reactions;
mod show;
mod update;

use std::sync::Arc;

pub use commands::HostCommand;
pub use driven::DrivenHost;
pub use fault::Stamp;
pub use outbox::Outbox;
pub use pool::MemberChange;
pub use show::Place;

use crate::event::{Event, HOST_STARTED, HOST_STOPPED};
use crate::expression::Storage;
use crate::metric::{ABSENT, States, is_absent};
use crate::plan::HostPlan;
use crate::rng::{Rng, Seed};
use crate::scenario::RunningScenario;
use crate::series::LabelBlock;
use crate::time::{Span, Time};
use commands::Ordered;
use fault::Fault;
use pool::Pool;

/// A host's first values come at its start time plus a random part of this.
pub const START_SPREAD: Span = Span::from_secs(2);

/// More moments than this are not kept for scenarios that asked to be woken.
const WAKES_MAX: usize = 1_024;

/// A moment that a scenario asked for is not caught up on if it is later than this.
const WAKE_LATENESS_MAX: Span = Span::from_secs(1);

/// Events that follow from events that follow from events… end after so many steps.
const HOPS_MAX: u8 = 32;

/// No more events come from a host at one moment.
const EVENTS_MAX: usize = 10_000;

/// A metric's state: its scenario's, and the last value that this gave. There is one per series, so what
/// few metrics need is kept elsewhere.
#[derive(Debug)]
struct Metric {
    running: RunningScenario,
    rng: Rng,
    level: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Waiting,
    Running,
    /// It lives in a slot of another host, which decides how long.
    InSlot,
    Ended,
}

/// What most hosts do without.
#[derive(Debug, Default)]
struct RareState {
    /// When scenarios asked to be woken.
    wakes: Vec<(Time, usize)>,
    /// Metrics that a reaction has stopped.
    stopped: Vec<usize>,
    /// Metrics whose scenario has failed before.
    failed: Vec<usize>,
    /// When each metric was updated last, if a metric asks for it.
    updated_at: Box<[Time]>,
    /// What metrics show by order.
    ordered: Vec<Ordered>,
    dirt: Option<Box<Fault>>,
    pools: Option<Box<Pool>>,
}

impl RareState {
    /// What a host of this shape has of it from the start.
    fn of(plan: &HostPlan, seed: Seed, starts_at: Time) -> Option<Box<Self>> {
        let count = if plan.shape.keeps_update_times { plan.shape.metrics.len() } else { 0 };
        let (dirt, pools) = (Fault::new(&plan.shape, seed, starts_at), Pool::new(plan, seed, starts_at));
        let is_needed = count > 0 || dirt.is_some() || pools.is_some();
        is_needed.then(|| {
            Box::new(Self { updated_at: vec![Time::NEVER; count].into(), dirt, pools, ..Self::default() })
        })
    }
}

/// A running emulated host.
#[derive(Debug)]
pub struct EmulatedHost {
    plan: Arc<HostPlan>,
    starts_at: Time,
    ends_at: Time,
    phase: Phase,
    next_report: Time,
    next_due: Box<[Time]>,
    metrics: Box<[Metric]>,
    states: States,
    row: Box<[f64]>,
    rare: Option<Box<RareState>>,
    storage: Storage,
    rng: Rng,
    sequence: u64,
}

impl EmulatedHost {
    /// A host of a run that starts at `run_start`.
    #[must_use]
    pub fn new(plan: Arc<HostPlan>, seed: Seed, run_start: Time) -> Self {
        let seed = seed.child(&plan.name);
        let mut rng = seed.rng();
        let spread = Span::from_nanos(rng.below(START_SPREAD.as_nanos()));
        let starts_at = run_start + plan.start_time + spread;
        Self::starting_at(starts_at, plan, seed, rng)
    }

    /// Somebody who lives in a slot of another host from now on.
    fn in_slot(plan: Arc<HostPlan>, seed: Seed, now: Time) -> Self {
        let host = Self::starting_at(now, plan, seed, seed.rng());
        Self { phase: Phase::InSlot, next_report: Time::NEVER, ..host }
    }

    fn starting_at(starts_at: Time, plan: Arc<HostPlan>, seed: Seed, rng: Rng) -> Self {
        let metrics = plan.shape.metrics.iter().map(|metric| Metric {
            running: metric.scenario.start(metric.default_value),
            rng: seed.child(&metric.name).child_of_bytes(metric.labels.as_protobuf()).rng(),
            level: metric.default_value,
        });
        let cells = plan.shape.metrics.iter().map(|metric| (&metric.cells, metric.default_value));
        Self {
            starts_at,
            ends_at: starts_at + plan.ttl,
            phase: Phase::Waiting,
            next_report: starts_at,
            next_due: plan.shape.schedules.iter().map(|schedule| starts_at + schedule.start_time).collect(),
            metrics: metrics.collect(),
            states: States::of(cells),
            row: vec![ABSENT; plan.shape.width].into(),
            rare: RareState::of(&plan, seed, starts_at),
            storage: Storage::new(
                plan.shape.storage.iter().map(|(name, value)| (name.as_str(), value.clone())),
            ),
            rng,
            sequence: 0,
            plan,
        }
    }

    /// Goes on with a plan that is equal to its own, in another place.
    #[must_use]
    pub fn with_plan(mut self, plan: Arc<HostPlan>) -> Self {
        if let Some(pools) = self.pools_mut() {
            pools.go_on_with(&plan);
        }
        Self { plan, ..self }
    }

    /// What it was made of.
    #[must_use]
    pub const fn plan(&self) -> &Arc<HostPlan> {
        &self.plan
    }

    /// Whether it has begun to live, or has already ended.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.phase != Phase::Waiting
    }

    /// When its first values come.
    #[must_use]
    pub const fn starts_at(&self) -> Time {
        self.starts_at
    }

    /// The cells of all its series, as [`crate::metric`] describes them and as outputs are to see them.
    #[must_use]
    pub fn row(&self) -> &[f64] {
        self.dirt().map_or(&self.row, Fault::shown)
    }

    /// Who lives in a slot, as outputs are to see it: the labels, and the cells. Nobody in a slot that is empty,
    /// and while the host is down.
    #[must_use]
    pub fn slot(&self, kind: usize, slot: usize) -> Option<(&LabelBlock, &[f64])> {
        let is_down = self.stamp().is_some_and(|stamp| stamp.is_down);
        self.pools().filter(|_| !is_down)?.member(kind, slot)
    }

    /// Whether it is there, and its own time; none for a host without dirt, which always is there and has none.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        self.dirt().map(Fault::stamp)
    }

    /// Lets time pass to `now`, with the events that came since the last call, in order. Gives the next
    /// moment at which something is due; [`Time::NEVER`] when it has ended.
    pub fn advance(&mut self, now: Time, inbox: &[Arc<Event>], out: &mut Outbox) -> Time {
        match self.phase {
            Phase::Ended => return Time::NEVER,
            Phase::Waiting if now < self.starts_at => return self.starts_at,
            Phase::Waiting => {
                self.phase = Phase::Running;
                self.emit(now, HOST_STARTED.into(), None, serde_json::Value::Null, 0, out);
                self.hear_pending(now, out);
            }
            Phase::Running | Phase::InSlot => {}
        }
        if now >= self.ends_at {
            self.stop(now, out);
            return Time::NEVER;
        }
        self.end_orders(now, out);
        for event in inbox {
            self.hear(now, event, out);
        }
        self.hear_pending(now, out);
        let has_dirt = self.dirt().is_some();
        if has_dirt {
            self.pass_dirt(now, out);
            self.hear_pending(now, out);
        }
        self.update_due(now, out);
        self.hear_pending(now, out);
        if self.pools().is_some() {
            self.pass_pools(now, out);
            self.hear_pending(now, out);
        }
        if now >= self.next_report || out.report {
            out.report = true;
            self.report_next(now);
        }
        if has_dirt {
            self.report_dirt(now, out);
        }
        if out.report
            && let Some(pools) = self.pools_mut()
        {
            pools.take_changes(&mut out.pools);
        }
        self.due()
    }

    /// Ends the host: says so, and takes its series out.
    pub fn stop(&mut self, now: Time, out: &mut Outbox) {
        if self.phase == Phase::Running {
            self.emit(now, HOST_STOPPED.into(), None, serde_json::Value::Null, 0, out);
            self.hear_pending(now, out);
        }
        self.phase = Phase::Ended;
        out.report = false;
    }

    /// Leaves out what is overdue by more than one interval, so that a process that was asleep does not
    /// catch up in a burst. Gives how many values were left out.
    pub fn skip_overdue(&mut self, now: Time) -> u64 {
        let pools = self.rare.as_deref_mut().and_then(|rare| rare.pools.as_deref_mut());
        let mut skipped = pools.map_or(0, |pools| pools.skip_overdue(&self.plan, now, WAKE_LATENESS_MAX));
        let shape = &self.plan.shape;
        for (index, (due, schedule)) in self.next_due.iter_mut().zip(&shape.schedules).enumerate() {
            let intervals = now.since(*due).as_nanos() / schedule.update_interval.as_nanos().max(1);
            if intervals > 0 {
                *due += schedule.update_interval.times(intervals);
                let members = shape.scheduled[index].iter();
                let skips = members.filter(|metric| shape.metrics[**metric].source.is_none());
                skipped += intervals * skips.count() as u64;
            }
        }
        // Scenarios are asked once, now, and skip themselves what has passed.
        if let Some(RareState { wakes, .. }) = self.rare.as_deref_mut() {
            for (time, _) in wakes.iter_mut().filter(|(time, _)| now.since(*time) > WAKE_LATENESS_MAX) {
                *time = now;
            }
            wakes.dedup();
        }
        if now.since(self.next_report) > self.plan.interval.1 {
            self.next_report = now;
        }
        skipped
    }

    fn due(&self) -> Time {
        let wakes = self.rare.iter().flat_map(|rare| &rare.wakes);
        let wake = wakes.map(|(time, _)| *time).min().unwrap_or(Time::NEVER);
        let updates = self.next_due.iter().copied().min().unwrap_or(Time::NEVER);
        let dirt = self.dirt().map_or(Time::NEVER, Fault::due);
        let pools = self.pools().map_or(Time::NEVER, Pool::due);
        let orders = self.orders_due();
        updates.min(wake).min(dirt).min(pools).min(orders).min(self.next_report).min(self.ends_at)
    }

    fn report_next(&mut self, now: Time) {
        let (shortest, longest) = self.plan.interval;
        let jitter = Span::from_nanos(self.rng.below(longest.minus(shortest).as_nanos().saturating_add(1)));
        // A report that was on time keeps the rhythm; one that an event brought begins it anew.
        let from = if now >= self.next_report { self.next_report } else { now };
        self.next_report = from + shortest + jitter;
    }

    /// Makes the values that are due: those of the schedules, and those that scenarios asked for.
    fn update_due(&mut self, now: Time, out: &mut Outbox) {
        let plan = Arc::clone(&self.plan);
        let shape = &plan.shape;
        out.updated.clear();
        out.updated.resize(shape.metrics.len(), false);
        for index in 0..shape.schedules.len() {
            let schedule = shape.schedules[index];
            if self.next_due[index] > now {
                continue;
            }
            let end = self.starts_at + schedule.start_time + schedule.duration;
            let members = shape.scheduled[index].iter().copied();
            if now >= end {
                members.for_each(|metric| self.clear_cells(metric));
                self.next_due[index] = Time::NEVER;
            } else {
                members
                    .filter(|metric| shape.metrics[*metric].source.is_none())
                    .for_each(|metric| out.updated[metric] = true);
                self.next_due[index] = (self.next_due[index] + schedule.update_interval).min(end);
            }
        }
        if let Some(RareState { wakes, .. }) = self.rare.as_deref_mut() {
            wakes.retain(|(time, metric)| {
                let is_due = *time <= now;
                out.updated[*metric] |= is_due;
                out.report |= is_due;
                !is_due
            });
        }
        if out.updated.contains(&true) {
            self.update_marked(now, None, out);
        }
    }

    /// Takes a metric's sample away, and those of the metrics that are calculated from it, which stand behind it.
    fn clear_cells(&mut self, metric: usize) {
        let host = Arc::clone(&self.plan);
        let metrics = &host.shape.metrics;
        if is_absent(self.row[metrics[metric].offset]) {
            return;
        }
        let mut cleared = vec![metric];
        for (index, other) in metrics.iter().enumerate().skip(metric + 1) {
            if other.source.is_some_and(|source| cleared.binary_search(&source).is_ok()) {
                cleared.push(index);
            }
        }
        for metric in cleared.iter().map(|index| &metrics[*index]) {
            self.row[metric.offset..metric.offset + metric.cells.sample_width()].fill(ABSENT);
        }
    }

    /// Updates the marked metrics and those that are calculated from them, in the plan's order.
    fn update_marked(&mut self, now: Time, event: Option<&Event>, out: &mut Outbox) {
        let plan = Arc::clone(&self.plan);
        // Most metrics share one schedule.
        let mut moment = self.moment_of(&plan, 0, now);
        for (index, (metric, is_plain)) in plan.shape.metrics.iter().zip(&plan.shape.plain).enumerate() {
            let from_source = metric.source.is_some_and(|source| out.updated[source]);
            if out.updated[index] || from_source {
                let event = if out.updated[index] { event } else { None };
                if moment.schedule != metric.schedule {
                    moment = self.moment_of(&plan, metric.schedule, now);
                }
                // Metrics may be stopped by those before them.
                out.updated[index] = if *is_plain && self.rare.is_none() {
                    self.update_plain(&plan, index, &moment, event, out)
                } else {
                    self.update_metric(&plan, index, &moment, event, out)
                };
            }
        }
    }
}

#[cfg(test)]
mod tests;
