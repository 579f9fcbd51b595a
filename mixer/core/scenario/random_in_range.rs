//! `random_in_range`: uniform noise.

use std::sync::Arc;

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{Scenario, ScenarioSpec};

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "random_in_range",
    summary: "a new random value from the range at each update, uniformly distributed",
    params: &[Param {
        name: "value_range",
        kind: ParamKind::Range,
        default: "the metric's value_range",
        help: "lowest and highest value",
    }],
    build: &|arguments| {
        let range = match arguments.range("value_range") {
            Some(range) => range,
            None => arguments.needed_metric_range("value_range")?,
        };
        Ok(Plan { range })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    range: (f64, f64),
}

impl Plan {
    pub(super) const fn within(range: (f64, f64)) -> Self {
        Self { range }
    }
}

impl ScenarioSpec for Plan {
    type State = RandomInRange;

    fn start(self: &Arc<Self>, _value: f64) -> RandomInRange {
        RandomInRange { plan: Arc::clone(self) }
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        Some(self.range)
    }
}

/// The running scenario.
#[derive(Clone, Debug)]
pub struct RandomInRange {
    plan: Arc<Plan>,
}

impl Scenario for RandomInRange {
    #[inline]
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        Ok(Some(context.rng.uniform(self.plan.range.0, self.plan.range.1)))
    }
}
