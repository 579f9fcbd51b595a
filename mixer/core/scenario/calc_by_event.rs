//! `calc_by_event`: a total that changes only at certain events.

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::ScenarioSpec;
use crate::event::Subscription;
use crate::expression::Formula;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "calc_by_event",
    summary: "keeps the value until one of its events arrives, then calculates a new one",
    params: &[Param {
        name: "events_config",
        kind: ParamKind::Formulas,
        default: "",
        help: "a formula for the new value, by event; `value` is the metric's own",
    }],
    build: &|arguments| {
        let mut formulas = arguments.formulas("events_config").unwrap_or_default();
        formulas.sort_by_key(|(subscription, _)| subscription.breadth());
        if formulas.is_empty() {
            return Err("events_config must not be empty".to_owned());
        }
        Ok(Plan { formulas })
    },
};

/// The parameters; of two formulas for one event the more specific one comes first.
#[derive(Debug, PartialEq)]
pub struct Plan {
    formulas: Vec<(Subscription, Formula)>,
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        match self.formulas.iter().find(|(subscription, _)| context.is_for(subscription)) {
            Some((_, formula)) => formula.evaluate(&mut context.eval_context(context.value)).map(Some),
            None => Ok(None),
        }
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        self.formulas.iter().map(|(subscription, _)| subscription.clone()).collect()
    }

    fn gives_totals(&self) -> bool {
        true
    }

    fn uses_dt(&self) -> bool {
        self.formulas.iter().any(|(_, formula)| formula.uses_dt())
    }
}
