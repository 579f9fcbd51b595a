//! `variety_selection`: holds one of several values, and draws a new one with a probability.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{ScenarioSpec, range_of};
use crate::number::Shown;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "variety_selection",
    summary: "holds one of several values, starting with the first, and draws a new one with a probability",
    params: &[
        Param { name: "values", kind: ParamKind::Numbers, default: "", help: "the values to choose from" },
        Param {
            name: "varieties",
            kind: ParamKind::Numbers,
            default: "equal weights",
            help: "the weight of each value in a draw",
        },
        Param {
            name: "change_probability",
            kind: ParamKind::Number,
            default: "0.1",
            help: "the probability that an update draws a new value, from 0 to 1",
        },
    ],
    build: &|arguments| {
        let values = arguments.numbers("values").unwrap_or_default();
        if values.is_empty() {
            return Err("values must not be empty".to_owned());
        }
        let weights = arguments.numbers("varieties").unwrap_or_else(|| vec![1.0; values.len()]);
        if weights.len() != values.len() {
            let (has, needs) = (weights.len(), values.len());
            return Err(format!("varieties has {has} weights for {needs} values; give one for each"));
        }
        if let Some(weight) = weights.iter().find(|weight| **weight < 0.0) {
            return Err(format!("varieties must not be negative, but one is {weight}"));
        }
        let total: f64 = weights.iter().sum();
        if total <= 0.0 || !total.is_finite() {
            return Err("varieties must have a weight above 0, and a finite sum".to_owned());
        }
        let change_probability = arguments.number("change_probability").unwrap_or(0.1);
        if !(0.0..=1.0).contains(&change_probability) {
            return Err(format!(
                "change_probability must be from 0 to 1, but is {}",
                Shown(change_probability)
            ));
        }
        let mut sum = 0.0;
        let up_to = weights.iter().map(|weight| {
            sum += weight;
            sum
        });
        let up_to = up_to.collect();
        Ok(Plan { values, up_to, total, change_probability })
    },
};

/// The parameters. `up_to` holds the cumulative weights.
#[derive(Debug, PartialEq)]
pub struct Plan {
    values: Vec<f64>,
    up_to: Vec<f64>,
    total: f64,
    change_probability: f64,
}

impl ScenarioSpec for Plan {
    /// The index of the present value; `None` before the first update.
    type State = Option<u32>;

    fn start(&self, _value: f64) -> Option<u32> {
        None
    }

    fn update(
        &self,
        choice: &mut Option<u32>,
        context: &mut UpdateContext<'_>,
    ) -> Result<Option<f64>, String> {
        let chosen = match *choice {
            None => 0,
            Some(_) if context.rng.unit() < self.change_probability => {
                self.draw(context.rng.uniform(0.0, self.total))
            }
            Some(choice) => choice as usize,
        };
        *choice = u32::try_from(chosen).ok();
        Ok(Some(self.values[chosen]))
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        range_of(self.values.iter().map(|value| (*value, *value)))
    }
}

impl Plan {
    fn draw(&self, point: f64) -> usize {
        self.up_to.partition_point(|up_to| *up_to <= point).min(self.values.len() - 1)
    }
}
