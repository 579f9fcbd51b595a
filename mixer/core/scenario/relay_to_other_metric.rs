//! `relay_to_other_metric`: a value calculated from another metric of the host.
//!
//! The host evaluates it right after its source, in the same tick.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::expression::Formula;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "relay_to_other_metric",
    summary: "a value calculated from another metric of the same host, at each update of that metric",
    params: &[
        Param {
            name: "source_metric_name",
            kind: ParamKind::Text,
            default: "",
            help: "the name of the other metric",
        },
        Param {
            name: "calc_function",
            kind: ParamKind::Formula,
            default: "value",
            help: "a formula for the value; `value` is the other metric's",
        },
    ],
    build: &|arguments| {
        let source_metric_name = arguments.text("source_metric_name").unwrap_or_default();
        let calc_function = arguments.formula("calc_function");
        Ok(Plan { source_metric_name, calc_function })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    source_metric_name: String,
    calc_function: Option<Formula>,
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let value = match &self.calc_function {
            None => context.source_value,
            Some(formula) => formula.evaluate(&mut context.eval_context(context.source_value))?,
        };
        Ok(Some(value))
    }

    fn source_metric(&self) -> Option<&str> {
        Some(&self.source_metric_name)
    }

    fn uses_dt(&self) -> bool {
        self.calc_function.as_ref().is_some_and(Formula::uses_dt)
    }
}
