//! The values of a host's metrics: one update of one metric, and the conditions of reactions.
//!
//! Each metric draws from its own random stream, so the values of one depend on no other, except through its source and
//! its links. It knows nothing of schedules, pools and faults.

mod overridden;
mod shown;

use std::sync::Arc;

use self::shown::Shown;
use super::metric_update::{Made, clamp, make, new_value};
use super::outbox::Outbox;
use super::rare_state::RareState;
use crate::event::Event;
use crate::expression::{EvalContext, EventRef, Storage};
use crate::metric::{Distribution, States, Update, is_absent};
use crate::plan::{Condition, HostPlan, HostShape, MetricPlan};
use crate::plugin::LeverTimes;
use crate::rng::{Rng, Seed};
use crate::scenario::{RunningScenario, TryClone, UpdateContext};
use crate::time::Time;
use crate::timeline::HostLevers;

/// State of one metric: its random stream, and the last value that its scenario gave. There is one per series, so the
/// state of scenarios that have some is beside it, and state that few metrics need is in [`RareState`].
#[derive(Clone, Debug)]
struct Metric {
    rng: Rng,
    level: f64,
}

/// The values of all metrics of a host or of a pool's member.
#[derive(Debug)]
pub(super) struct MetricValues {
    metrics: Box<[Metric]>,
    /// The scenarios that have state, as [`HostShape::state_places`] numbers them.
    running: Box<[RunningScenario]>,
    states: States,
    shown: Shown,
    rare: Option<Box<RareState>>,
    storage: Storage,
    /// The stream of conditions, counts and reports.
    rng: Rng,
}

/// A schedule at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScheduleMoment {
    pub(super) schedule: usize,
    pub(super) now: Time,
    /// `true` while its metrics have values.
    pub(super) is_open: bool,
    /// Seconds since its start.
    pub(super) t_secs: f64,
}

/// An update of one metric, and its cause.
#[derive(Clone, Copy, Debug)]
pub(super) struct UpdateCall<'a> {
    pub(super) host: &'a HostPlan,
    pub(super) index: usize,
    pub(super) moment: &'a ScheduleMoment,
    /// `None` if a schedule causes it.
    pub(super) event: Option<&'a Event>,
}

impl MetricValues {
    /// The metrics of this plan before their first update.
    pub(super) fn new(plan: &HostPlan, seed: Seed, rng: Rng) -> Self {
        let shape = &plan.shape;
        let metrics = shape.metrics.iter().map(|metric| Metric {
            rng: seed.child(&metric.name).child_of_bytes(metric.labels.as_protobuf()).rng(),
            level: metric.default_value,
        });
        let with_state = shape.metrics.iter().filter(|metric| metric.scenario.has_state());
        let mut running = Vec::with_capacity(shape.states);
        running.extend(with_state.map(|metric| metric.scenario.start(metric.default_value)));
        let cells = shape.metrics.iter().map(|metric| (metric.cells.aggregation(), metric.default_value));
        let rare = shape.keeps_update_times.then(|| {
            let updated_at = vec![Time::NEVER; shape.metrics.len()].into();
            Box::new(RareState { updated_at, ..RareState::default() })
        });
        Self {
            metrics: metrics.collect(),
            running: running.into(),
            states: States::of(cells),
            shown: Shown::nothing(shape),
            rare,
            storage: Storage::new(shape.storage.iter().map(|(name, value)| (name.as_str(), value.clone()))),
            rng,
        }
    }

    /// A copy that does the same from here on. The error names the metric whose scenario cannot be copied.
    pub(super) fn try_clone(&self, plan: &HostPlan) -> Result<Self, String> {
        let with_state = plan.shape.metrics.iter().filter(|metric| metric.scenario.has_state());
        let copied = |(running, of): (&RunningScenario, &MetricPlan)| {
            running.try_clone().map_err(|why| format!("metric {:?}: {why}", of.name))
        };
        let running = self.running.iter().zip(with_state).map(copied);
        Ok(Self {
            metrics: self.metrics.clone(),
            running: running.collect::<Result<_, String>>()?,
            states: self.states.clone(),
            shown: self.shown.clone(),
            rare: self.rare.clone(),
            storage: self.storage.clone(),
            rng: self.rng.clone(),
        })
    }

    pub(super) const fn rng_mut(&mut self) -> &mut Rng {
        &mut self.rng
    }

    pub(super) fn rare(&self) -> Option<&RareState> {
        self.rare.as_deref()
    }

    pub(super) fn rare_mut(&mut self) -> Option<&mut RareState> {
        self.rare.as_deref_mut()
    }

    /// The rare state of a host that needs it from now on.
    pub(super) fn need_rare(&mut self) -> &mut RareState {
        self.rare.get_or_insert_default()
    }

    /// Gives the memory of the rare state back if nothing is in it any more.
    pub(super) fn forget_idle_rare(&mut self) {
        self.rare.take_if(|rare| rare.is_idle());
    }

    /// Makes one value. Returns `true` if the metric has a sample now. The scenario's effects are left in the outbox.
    #[inline]
    pub(super) fn update(&mut self, call: UpdateCall<'_>, out: &mut Outbox) -> bool {
        if call.host.shape.plain[call.index] && self.rare.is_none() {
            self.update_plain(call, out)
        } else {
            self.update_any(call, out)
        }
    }

    /// Makes one value of a plain metric of a host without rare state: the same as [`Self::update_any`], without the
    /// look-ups that would find nothing.
    #[inline]
    fn update_plain(&mut self, call: UpdateCall<'_>, out: &mut Outbox) -> bool {
        let UpdateCall { host, index, moment, event } = call;
        if !moment.is_open {
            return false;
        }
        out.updates += 1;
        let (plan, metric) = (&host.shape.metrics[index], &mut self.metrics[index]);
        let mut context = UpdateContext {
            now: moment.now,
            t_secs: moment.t_secs,
            dt_secs: 0.0,
            value: metric.level,
            source_value: 0.0,
            event,
            host_name: &host.name,
            links: &[],
            levers: values_of(out.levers.as_ref()),
            lever_times: out.levers.as_ref().map(|levers| levers as &dyn LeverTimes),
            metric: index,
            rng: &mut metric.rng,
            storage: &mut self.storage,
            effects: &mut out.effects,
        };
        let mut without_state = None;
        let running = running(&mut self.running, &host.shape, index, &mut without_state);
        match new_value(&plan.scenario, running, &mut context) {
            Ok(value) => {
                metric.level = value.map_or(metric.level, |value| clamp(value, plan.value_range));
                self.shown.show(plan, index, metric.level);
            }
            Err(error) => {
                if !self.shown.has_sample(plan, index) {
                    self.shown.show(plan, index, metric.level);
                }
                out.scenario_errors += 1;
                self.note_failure(index, &plan.name, error, out);
            }
        }
        true
    }

    fn update_any(&mut self, call: UpdateCall<'_>, out: &mut Outbox) -> bool {
        let UpdateCall { host, index, moment, event } = call;
        let plan = &host.shape.metrics[index];
        let source_value = plan.source.map_or(0.0, |source| self.shown_value(host, source));
        if !moment.is_open
            || self.rare.as_ref().is_some_and(|rare| rare.is_stopped(index))
            || is_absent(source_value)
        {
            return false;
        }
        out.updates += 1;
        if !plan.links.is_empty() {
            self.read_links(host, &plan.links, out);
        }
        let ScheduleMoment { now, t_secs, .. } = *moment;
        let dt_secs = self.rare.as_mut().map_or(0.0, |rare| rare.dt_secs(index, now));
        let metric = &mut self.metrics[index];
        let mut context = UpdateContext {
            now,
            t_secs,
            dt_secs,
            value: metric.level,
            source_value,
            event,
            host_name: &host.name,
            links: &out.links,
            levers: values_of(out.levers.as_ref()),
            lever_times: out.levers.as_ref().map(|levers| levers as &dyn LeverTimes),
            metric: index,
            rng: &mut metric.rng,
            storage: &mut self.storage,
            effects: &mut out.effects,
        };
        let (mut spread, mut complaint) = (None, None);
        let mut without_state = None;
        let running = running(&mut self.running, &host.shape, index, &mut without_state);
        let made = make(plan, running, &mut context, &mut spread, &mut complaint);
        let is_absent = !self.shown.has_sample(plan, index);
        let made = made.unwrap_or_else(|error| {
            complaint = Some(error);
            // A metric whose first update fails shows the value that it has before it.
            if is_absent { Made::Value(None, 0) } else { Made::Undecided }
        });
        let has_sample = match made {
            Made::Value(value, observations) => {
                self.put_value(call, value, observations, spread.as_ref());
                true
            }
            Made::Nothing => {
                self.clear(host, index);
                false
            }
            Made::Undecided => !is_absent,
        };
        if let Some(error) = complaint {
            out.scenario_errors += 1;
            self.note_failure(index, &plan.name, error, out);
        }
        has_sample
    }

    /// Aggregates a scenario's value.
    fn put_value(
        &mut self,
        call: UpdateCall<'_>,
        value: Option<f64>,
        observations: u32,
        distribution: Option<&Distribution>,
    ) {
        let UpdateCall { host, index, moment: &ScheduleMoment { now, .. }, .. } = call;
        let (plan, metric) = (&host.shape.metrics[index], &mut self.metrics[index]);
        let value = value.map(|value| clamp(value, plan.value_range));
        metric.level = value.unwrap_or(metric.level);
        let (level, rounding) = (metric.level, plan.rounding);
        let update = Update { value, level, now, rounding, observations, distribution };
        let update = match &self.rare {
            Some(rare) => rare.as_shown(&host.shape, index, update),
            None => update,
        };
        match self.shown.cells_mut(plan) {
            Some(cells) => plan.cells.apply(&update, &mut metric.rng, &mut self.states, cells),
            None => self.shown.show(plan, index, metric.level),
        }
    }

    /// Removes the sample of a metric and of the metrics that are calculated from it; the plan lists those later.
    pub(super) fn clear(&mut self, host: &HostPlan, metric: usize) {
        let metrics = &host.shape.metrics;
        if !self.shown.has_sample(&metrics[metric], metric) {
            return;
        }
        let mut cleared = vec![metric];
        for (index, other) in metrics.iter().enumerate().skip(metric + 1) {
            if other.source.is_some_and(|source| cleared.binary_search(&source).is_ok()) {
                cleared.push(index);
            }
        }
        for index in cleared {
            self.shown.hide(&metrics[index], index);
        }
    }

    /// Ends a metric's scenario. Its effects are left in the outbox.
    pub(super) fn stop_scenario(&mut self, host: &HostPlan, metric: usize, out: &mut Outbox) {
        let mut without_state = None;
        let running = running(&mut self.running, &host.shape, metric, &mut without_state);
        host.shape.metrics[metric].scenario.stop(running, &mut out.effects);
    }

    /// Stops a metric's updates and removes its sample.
    pub(super) fn stop(&mut self, host: &HostPlan, metric: usize) {
        let stopped = &mut self.need_rare().stopped;
        if !stopped.contains(&metric) {
            stopped.push(metric);
        }
        self.clear(host, metric);
    }

    /// Lets a metric that was stopped begin anew.
    pub(super) fn start(&mut self, host: &HostPlan, metric: usize) {
        let Some(rare) = &mut self.rare else { return };
        if let Some(at) = rare.stopped.iter().position(|stopped| *stopped == metric) {
            rare.stopped.swap_remove(at);
            let plan = &host.shape.metrics[metric];
            if let Some(cells) = self.shown.cells_mut(plan) {
                plan.cells.restart(&mut self.states, cells);
            }
        }
    }

    /// Sets a counter, or the counts of observations, back to zero.
    pub(super) fn reset(&mut self, host: &HostPlan, metric: usize, now: Time) {
        let (plan, level) = (&host.shape.metrics[metric], self.metrics[metric].level);
        // A gauge has nothing to reset.
        let Some(cells) = self.shown.cells_mut(plan) else { return };
        if plan.cells.reset(&mut self.states, cells, now) {
            let bases = &mut self.need_rare().bases;
            if bases.is_empty() {
                *bases = vec![0.0; host.shape.metrics.len()].into();
            }
            bases[metric] = level;
        }
    }

    /// The number that a formula of the host gives `t_secs` after the host's start.
    pub(super) fn evaluate(
        &mut self,
        host: &HostPlan,
        condition: &Condition,
        (now, t_secs): (Time, f64),
        event: Option<&Event>,
        out: &mut Outbox,
    ) -> Result<f64, String> {
        let Condition { formula, links } = condition;
        self.read_links(host, links, out);
        let mut context = EvalContext {
            value: 0.0,
            t_secs,
            dt_secs: 0.0,
            now_secs: now.unix_secs(),
            event: event.map(|event| EventRef {
                name: &event.name,
                source: &event.source,
                data: &event.data,
            }),
            links: &out.links,
            levers: values_of(out.levers.as_ref()),
            metric: None,
            rng: &mut self.rng,
            storage: &mut self.storage,
        };
        formula.evaluate(&mut context)
    }

    /// Reports a failure of a metric if it is the first one.
    pub(super) fn note_failure(&mut self, metric: usize, name: &Arc<str>, error: String, out: &mut Outbox) {
        let failed = &mut self.need_rare().failed;
        if !failed.contains(&metric) {
            failed.push(metric);
            out.failures.push((Arc::clone(name), error));
        }
    }

    /// Puts the values that these metrics show, or showed last, into the outbox's scratch space.
    fn read_links(&self, host: &HostPlan, links: &[usize], out: &mut Outbox) {
        out.links.clear();
        out.links.extend(links.iter().map(|metric| {
            let shown = self.shown_value(host, *metric);
            if is_absent(shown) { self.metrics[*metric].level } else { shown }
        }));
    }

    /// The value that a relay reads: the shown value, or a histogram's last observation.
    fn shown_value(&self, host: &HostPlan, metric: usize) -> f64 {
        let plan = &host.shape.metrics[metric];
        let cell = self.first_cell(plan, metric);
        if plan.cells.shows_value() || is_absent(cell) { cell } else { self.metrics[metric].level }
    }
}

/// The running scenario of a metric. One without state is made anew each time, in the room that is given for it.
#[inline]
fn running<'a>(
    with_state: &'a mut [RunningScenario],
    shape: &HostShape,
    metric: usize,
    without_state: &'a mut Option<RunningScenario>,
) -> &'a mut RunningScenario {
    match shape.state_places[metric] {
        Some(place) => &mut with_state[place],
        None => without_state.insert(shape.metrics[metric].scenario.start(0.0)),
    }
}

fn values_of(levers: Option<&HostLevers>) -> &[f64] {
    levers.map_or(&[], HostLevers::values)
}
