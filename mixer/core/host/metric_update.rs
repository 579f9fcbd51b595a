//! One update of one metric, before its value goes into cells: the condition, the scenario, the observations.

use crate::expression::{Formula, finite};
use crate::metric::{Distribution, OBSERVATIONS_MAX};
use crate::plan::MetricPlan;
use crate::rng::Rng;
use crate::scenario::{RunningScenario, ScenarioPlan, UpdateContext};

/// Result of an update.
pub(super) enum Made {
    /// A new value, or `None` to keep the last one; and the number of observations.
    Value(Option<f64>, u32),
    /// No sample: the metric's condition does not hold.
    Nothing,
    /// The metric stays as it is: its condition has failed.
    Undecided,
}

/// Evaluates a metric's condition, its scenario, the number of observations and their distribution. A problem that still
/// leaves a value becomes a complaint.
pub(super) fn make(
    plan: &MetricPlan,
    running: &mut RunningScenario,
    context: &mut UpdateContext<'_>,
    spread: &mut Option<Distribution>,
    complaint: &mut Option<String>,
) -> Result<Made, String> {
    if let Some(when) = &plan.when {
        match when.holds(&mut context.eval_context(context.value)) {
            Ok(true) => {}
            Ok(false) => {
                plan.scenario.hide(running, context.effects);
                return Ok(Made::Nothing);
            }
            Err(error) => {
                *complaint = Some(error);
                return Ok(Made::Undecided);
            }
        }
    }
    let value = new_value(&plan.scenario, running, context)?;
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
        let mut parameter = |formula: &Option<Formula>| match formula {
            Some(formula) => formula.evaluate(&mut context.eval_context(level)),
            None => Ok(level),
        };
        let distribution = plan.distribution(parameter(&plan.median)?, parameter(&plan.p99)?);
        if distribution.is_finite() {
            *spread = Some(distribution);
        } else {
            *complaint =
                Some(format!("the spread around {level} is not finite; the value itself is observed"));
        }
    }
    Ok(Made::Value(value, observations))
}

/// The scenario's new value, which is finite.
#[inline]
pub(super) fn new_value(
    scenario: &ScenarioPlan,
    running: &mut RunningScenario,
    context: &mut UpdateContext<'_>,
) -> Result<Option<f64>, String> {
    scenario.update(running, context)?.map(finite).transpose()
}

/// A whole count; the fraction is the probability of one more. 0 for NaN.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn whole(number: f64, rng: &mut Rng) -> u32 {
    let whole = libm::floor(number.min(OBSERVATIONS_MAX));
    let fraction = number - whole;
    let is_one_more = fraction > 0.0 && whole < OBSERVATIONS_MAX && rng.unit() < fraction;
    (whole + f64::from(u8::from(is_one_more))) as u32
}

/// Limits a value to a range. NaN stays NaN.
#[inline]
pub(super) fn clamp(value: f64, (low, high): (f64, f64)) -> f64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}
