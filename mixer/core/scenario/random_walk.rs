//! `random_walk`: a random step at each update, reflected at the ends of the range.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::number::Shown;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "random_walk",
    summary: "a random step at each update, reflected at the ends of the value_range",
    params: &[
        Param {
            name: "step",
            kind: ParamKind::Number,
            default: "1 % of the value_range",
            help: "the largest step, up or down",
        },
        Param {
            name: "value_range",
            kind: ParamKind::Range,
            default: "the metric's value_range",
            help: "lowest and highest value",
        },
        Param { name: "bias", kind: ParamKind::Number, default: "0", help: "added to every step" },
    ],
    build: &|arguments| {
        let range = match arguments.range("value_range") {
            Some(range) => range,
            None => arguments.metric_range(),
        };
        let step = match arguments.number("step") {
            Some(step) if step >= 0.0 => step,
            Some(step) => return Err(format!("step must not be negative, but is {}", Shown(step))),
            None => {
                if !(range.1 - range.0).is_finite() {
                    arguments.needed_metric_range("step")?;
                }
                (range.1 - range.0) / 100.0
            }
        };
        let bias = arguments.number("bias").unwrap_or(0.0);
        Ok(Plan { step, bias, range })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    step: f64,
    bias: f64,
    range: (f64, f64),
}

impl ScenarioSpec for Plan {
    /// The position.
    type State = f64;

    fn start(&self, value: f64) -> f64 {
        value
    }

    #[inline]
    fn update(&self, position: &mut f64, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let Plan { step, bias, range } = *self;
        *position = reflect(*position + context.rng.uniform(-step, step) + bias, range);
        Ok(Some(*position))
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        Some(self.range)
    }
}

/// Reflects a position beyond an end back into the range, at any distance.
fn reflect(position: f64, (low, high): (f64, f64)) -> f64 {
    let width = high - low;
    if (low..=high).contains(&position) {
        position
    } else if !width.is_finite() {
        // With at most one finite end, one reflection is enough.
        if position < low { low + (low - position) } else { high - (position - high) }
    } else if width <= 0.0 {
        low
    } else {
        // Only steps longer than the range need a division.
        let (distance, period) = (libm::fabs(position - low), 2.0 * width);
        let folded = if distance < period { distance } else { libm::fmod(distance, period) };
        low + if folded > width { 2.0 * width - folded } else { folded }
    }
}
