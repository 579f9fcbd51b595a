//! One update of one metric, and the conditions of reactions.

use std::sync::Arc;

use super::{EmulatedHost, Outbox};
use crate::event::Event;
use crate::expression::{EvalContext, EventRef, Formula};
use crate::metric::{Distribution, OBSERVATIONS_MAX, Update, is_absent};
use crate::plan::{Condition, HostPlan, MetricPlan};
use crate::rng::Rng;
use crate::scenario::{RunningScenario, Scenario, UpdateContext};
use crate::time::Time;

/// A schedule at a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScheduleMoment {
    pub(super) schedule: usize,
    now: Time,
    /// Whether its metrics have values now.
    is_open: bool,
    /// Seconds since its start.
    t_secs: f64,
}

impl EmulatedHost {
    pub(super) fn moment_of(&self, host: &HostPlan, schedule: usize, now: Time) -> ScheduleMoment {
        let plan = host.shape.schedules[schedule];
        let start = self.starts_at + plan.start_time;
        let is_open = now >= start && now < start + plan.duration;
        ScheduleMoment { schedule, now, is_open, t_secs: now.since(start).as_secs_f64() }
    }

    /// Makes one value of a plain metric of a host without anything rare: what [`Self::update_metric`] does,
    /// without looking for what is not there.
    #[inline]
    pub(super) fn update_plain(
        &mut self,
        host: &HostPlan,
        index: usize,
        moment: &ScheduleMoment,
        event: Option<&Event>,
        out: &mut Outbox,
    ) -> bool {
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
            rng: &mut metric.rng,
            storage: &mut self.storage,
            effects: &mut out.effects,
        };
        match metric.running.update(&mut context) {
            Ok(value) => {
                metric.level = value.map_or(metric.level, |value| clamp(value, plan.value_range));
                self.row[plan.offset] = plan.rounding.round(metric.level);
            }
            Err(error) => {
                out.scenario_errors += 1;
                self.note_failure(index, &plan.name, error, out);
            }
        }
        if !out.effects.is_empty() {
            self.carry_out(index, moment.now, event.map_or(0, |event| event.hops + 1), out);
        }
        true
    }

    /// Makes one value. Gives whether the metric has a sample now.
    pub(super) fn update_metric(
        &mut self,
        host: &HostPlan,
        index: usize,
        moment: &ScheduleMoment,
        event: Option<&Event>,
        out: &mut Outbox,
    ) -> bool {
        let plan = &host.shape.metrics[index];
        let source_value = plan.source.map_or(0.0, |source| self.shown_value(source));
        if !moment.is_open || self.is_stopped(index) || is_absent(source_value) {
            return false;
        }
        out.updates += 1;
        if !plan.links.is_empty() {
            self.read_links(&plan.links, out);
        }
        let ScheduleMoment { now, t_secs, .. } = *moment;
        let dt_secs = self.updated_at(index).map_or(0.0, |at| {
            let last = std::mem::replace(at, now);
            if last == Time::NEVER { 0.0 } else { now.since(last).as_secs_f64() }
        });
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
            rng: &mut metric.rng,
            storage: &mut self.storage,
            effects: &mut out.effects,
        };
        let (mut spread, mut complaint) = (None, None);
        let outcome = make(plan, &mut metric.running, &mut context, &mut spread, &mut complaint);
        let mut has_sample = true;
        match outcome {
            Ok(Made::Value(value, observations)) => {
                let value = value.map(|value| clamp(value, plan.value_range));
                metric.level = value.unwrap_or(metric.level);
                let (level, rounding) = (metric.level, plan.rounding);
                let update =
                    Update { value, level, now, rounding, observations, distribution: spread.as_ref() };
                let update = self.as_ordered(index, self.since_reset(index, update));
                let cells = &mut self.row[plan.offset..plan.offset + plan.cells.width()];
                plan.cells.apply(&update, &mut self.metrics[index].rng, &mut self.states, cells);
            }
            Ok(Made::Nothing) => {
                self.clear_cells(index);
                has_sample = false;
            }
            Err(error) => complaint = Some(error),
        }
        if let Some(error) = complaint {
            out.scenario_errors += 1;
            self.note_failure(index, &plan.name, error, out);
        }
        if !out.effects.is_empty() {
            self.carry_out(index, now, event.map_or(0, |event| event.hops + 1), out);
        }
        has_sample
    }

    /// Whether a reaction has stopped the metric.
    fn is_stopped(&self, index: usize) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.stopped.contains(&index))
    }

    /// When the metric was updated last, if a metric of the host asks for that.
    fn updated_at(&mut self, index: usize) -> Option<&mut Time> {
        self.rare.as_mut().and_then(|rare| rare.updated_at.get_mut(index))
    }

    /// The update as it counts since the metric was reset last, if it was.
    fn since_reset<'a>(&self, index: usize, update: Update<'a>) -> Update<'a> {
        let Some(dirt) = self.dirt() else { return update };
        Update { value: update.value.map(|value| value - dirt.base(index)), ..update }
    }

    /// Whether a reaction's condition holds.
    pub(super) fn allows(
        &mut self,
        when: Option<&Condition>,
        now: Time,
        event: &Event,
        out: &mut Outbox,
    ) -> bool {
        let Some(condition) = when else { return true };
        self.ask(condition, now, Some(event), out).map(|number| number != 0.0).unwrap_or_else(|error| {
            out.scenario_errors += 1;
            let what = format!("listener to {}", event.name);
            self.note_failure(usize::MAX, &what.into(), error, out);
            false
        })
    }

    /// The number that a formula of the host gives.
    pub(super) fn ask(
        &mut self,
        condition: &Condition,
        now: Time,
        event: Option<&Event>,
        out: &mut Outbox,
    ) -> Result<f64, String> {
        let Condition { formula, links } = condition;
        self.read_links(links, out);
        let mut moment = EvalContext {
            value: 0.0,
            t_secs: now.since(self.starts_at).as_secs_f64(),
            dt_secs: 0.0,
            now_secs: now.unix_secs(),
            event: event.map(|event| EventRef {
                name: &event.name,
                source: &event.source,
                data: &event.data,
            }),
            links: &out.links,
            rng: &mut self.rng,
            storage: &mut self.storage,
        };
        formula.evaluate(&mut moment)
    }

    /// Tells of the first failure of a metric.
    pub(super) fn note_failure(&mut self, metric: usize, name: &Arc<str>, error: String, out: &mut Outbox) {
        let failed = &mut self.rare.get_or_insert_default().failed;
        if !failed.contains(&metric) {
            failed.push(metric);
            out.failures.push((Arc::clone(name), error));
        }
    }

    /// Puts what these metrics show, or showed last, into the outbox's room for it.
    fn read_links(&self, links: &[usize], out: &mut Outbox) {
        out.links.clear();
        out.links.extend(links.iter().map(|metric| {
            let shown = self.shown_value(*metric);
            if is_absent(shown) { self.metrics[*metric].level } else { shown }
        }));
    }

    /// The value that a relay sees: what the other metric shows, or a histogram's last observation.
    fn shown_value(&self, metric: usize) -> f64 {
        let plan = &self.plan.shape.metrics[metric];
        let cell = self.row[plan.offset];
        if plan.cells.shows_value() || is_absent(cell) { cell } else { self.metrics[metric].level }
    }
}

/// What comes of an update.
enum Made {
    /// A new value, or none to keep the last one; and how many observations.
    Value(Option<f64>, u32),
    /// No sample, because the metric's condition does not hold.
    Nothing,
}

/// Asks a metric's condition, its scenario, how many observations there are, and how they scatter. What is wrong and does
/// not keep it from a value is a complaint.
fn make(
    plan: &MetricPlan,
    running: &mut RunningScenario,
    context: &mut UpdateContext<'_>,
    spread: &mut Option<Distribution>,
    complaint: &mut Option<String>,
) -> Result<Made, String> {
    if let Some(when) = &plan.when
        && !when.holds(&mut context.eval_context(context.value))?
    {
        return Ok(Made::Nothing);
    }
    let value = running.update(context)?;
    let observations = match &plan.observations {
        Some(formula) => {
            let count = formula.evaluate(&mut context.eval_context(value.unwrap_or(context.value)))?;
            if !(0.0..=OBSERVATIONS_MAX).contains(&count) {
                *complaint =
                    Some(format!("observations must be from 0 to {OBSERVATIONS_MAX}, but is {count}"));
            }
            whole(count, context.rng)
        }
        None => 1,
    };
    if let Some(plan) = &plan.spread {
        let level = value.unwrap_or(context.value);
        let mut said = |formula: &Option<Formula>| match formula {
            Some(formula) => formula.evaluate(&mut context.eval_context(level)),
            None => Ok(level),
        };
        let distribution = plan.distribution(said(&plan.median)?, said(&plan.p99)?);
        *spread = distribution.is_finite().then_some(distribution);
    }
    Ok(Made::Value(value, observations))
}

/// A whole count; a fraction decides how likely one more is. None for what is not a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn whole(number: f64, rng: &mut Rng) -> u32 {
    let whole = libm::floor(number.min(OBSERVATIONS_MAX));
    let fraction = number - whole;
    let is_one_more = fraction > 0.0 && whole < OBSERVATIONS_MAX && rng.unit() < fraction;
    (whole + f64::from(u8::from(is_one_more))) as u32
}

/// What is not a number stays so.
#[inline]
fn clamp(value: f64, (low, high): (f64, f64)) -> f64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}
