//! `random_in_range`: uniform in a range.

use std::sync::Arc;

use super::{Param, ParamKind, Scenario, ScenarioKind, ScenarioPlan, ScenarioSpec, UpdateContext};

pub(super) const KIND: ScenarioKind = ScenarioKind {
    name: "random_in_range",
    summary: "a new number from the range with each update, all equally likely",
    params: &[Param {
        name: "value_range",
        kind: ParamKind::Range,
        default: "the metric's value_range",
        help: "the numbers to choose from",
    }],
    build: &|arguments| {
        let range = match arguments.range("value_range") {
            Some(range) => range,
            None => arguments.needed_metric_range("value_range")?,
        };
        Ok(ScenarioPlan::RandomInRange(Arc::new(Plan { range })))
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    range: (f64, f64),
}

impl ScenarioSpec for Plan {
    type State = RandomInRange;

    fn start(self: &Arc<Self>, _value: f64) -> RandomInRange {
        RandomInRange { plan: Arc::clone(self) }
    }
}

/// The running scenario.
#[derive(Debug)]
pub struct RandomInRange {
    plan: Arc<Plan>,
}

impl Scenario for RandomInRange {
    #[inline]
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        Ok(Some(context.rng.uniform(self.plan.range.0, self.plan.range.1)))
    }
}
