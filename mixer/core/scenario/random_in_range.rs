//! `random_in_range`: uniform noise.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;

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
    type State = ();

    fn start(&self, _value: f64) {}

    #[inline]
    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        Ok(Some(context.rng.uniform(self.range.0, self.range.1)))
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        Some(self.range)
    }
}
