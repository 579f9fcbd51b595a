//! `variety_selection`: holds one of several values, and draws a new one with a probability.

use std::sync::Arc;

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{Scenario, ScenarioSpec, range_of};
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
    type State = VarietySelection;

    fn start(self: &Arc<Self>, _value: f64) -> VarietySelection {
        VarietySelection { plan: Arc::clone(self), choice: None }
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

/// The running scenario.
#[derive(Clone, Debug)]
pub struct VarietySelection {
    plan: Arc<Plan>,
    choice: Option<u32>,
}

impl Scenario for VarietySelection {
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let plan = &*self.plan;
        let choice = match self.choice {
            None => 0,
            Some(_) if context.rng.unit() < plan.change_probability => {
                plan.draw(context.rng.uniform(0.0, plan.total))
            }
            Some(choice) => choice as usize,
        };
        self.choice = u32::try_from(choice).ok();
        Ok(Some(plan.values[choice]))
    }
}
