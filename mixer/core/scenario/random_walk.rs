//! `random_walk`: a step with each update, reflected at the range's ends.

use std::sync::Arc;

use super::{Param, ParamKind, Scenario, ScenarioKind, ScenarioPlan, ScenarioSpec, UpdateContext};

pub(super) const KIND: ScenarioKind = ScenarioKind {
    name: "random_walk",
    summary: "walks by random steps, reflected at the ends of the metric's value_range",
    params: &[
        Param {
            name: "step",
            kind: ParamKind::Number,
            default: "1 % of the value_range",
            help: "the longest step, up or down",
        },
        Param {
            name: "value_range",
            kind: ParamKind::Range,
            default: "the metric's value_range",
            help: "where it walks",
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
            Some(step) => return Err(format!("step must not be negative, but is {step}")),
            None => {
                if !range.0.is_finite() {
                    arguments.needed_metric_range("step")?;
                }
                (range.1 - range.0) / 100.0
            }
        };
        let bias = arguments.number("bias").unwrap_or(0.0);
        Ok(ScenarioPlan::RandomWalk(Arc::new(Plan { step, bias, range })))
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
    type State = RandomWalk;

    fn start(self: &Arc<Self>, value: f64) -> RandomWalk {
        RandomWalk { plan: Arc::clone(self), position: value }
    }
}

/// The running scenario.
#[derive(Debug)]
pub struct RandomWalk {
    plan: Arc<Plan>,
    position: f64,
}

impl Scenario for RandomWalk {
    #[inline]
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let Plan { step, bias, range } = *self.plan;
        self.position = reflect(self.position + context.rng.uniform(-step, step) + bias, range);
        Ok(Some(self.position))
    }
}

/// Folds a position beyond an end back into the range, however far beyond it is.
fn reflect(position: f64, (low, high): (f64, f64)) -> f64 {
    let width = high - low;
    if (low..=high).contains(&position) {
        position
    } else if !width.is_finite() {
        // One end or none: a single fold is enough.
        if position < low { low + (low - position) } else { high - (position - high) }
    } else if width <= 0.0 {
        low
    } else {
        // Division is for steps that are longer than the range.
        let (beyond, period) = (libm::fabs(position - low), 2.0 * width);
        let folded = if beyond < period { beyond } else { libm::fmod(beyond, period) };
        low + if folded > width { 2.0 * width - folded } else { folded }
    }
}
