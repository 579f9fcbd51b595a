//! `cycle`: a shape that comes again, as straight lines between values at equal distances.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::time::Span;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "cycle",
    summary: "a shape that comes again: straight lines between values, from the last one back to the first",
    params: &[
        Param {
            name: "period",
            kind: ParamKind::Span,
            default: "300s",
            help: "the time from the first value until it comes again",
        },
        Param {
            name: "values",
            kind: ParamKind::Numbers,
            default: "",
            help: "the values at equal distances from the metric's start on; at least two",
        },
    ],
    build: &|arguments| {
        let period = arguments.span("period").unwrap_or(Span::from_secs(300));
        if period == Span::ZERO || period == Span::FOREVER {
            return Err(format!("period must be longer than 0 and not endless, but is {period}"));
        }
        let values = arguments.numbers("values").unwrap_or_default();
        if values.len() < 2 {
            return Err(format!("values needs at least 2 numbers, but there are {}", values.len()));
        }
        Ok(Plan { turns_per_sec: 1.0 / period.as_secs_f64(), values })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    turns_per_sec: f64,
    values: Vec<f64>,
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the place is from 0 to the number of values"
    )]
    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let turns = context.t_secs * self.turns_per_sec;
        let count = self.values.len();
        let place = (turns - libm::floor(turns)) * count as f64;
        let before = (place as usize).min(count - 1);
        let (from, to) = (self.values[before], self.values[(before + 1) % count]);
        Ok(Some(from + (to - from) * (place - before as f64)))
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        let fold = |pick: fn(f64, f64) -> f64| self.values.iter().copied().reduce(pick);
        fold(f64::min).zip(fold(f64::max))
    }
}
