//! `calc_by_event`: a total that changes only at certain events.

use std::sync::Arc;

use super::arguments::{Param, ParamKind};
use super::context::UpdateContext;
use super::kind::ScenarioKind;
use super::spec::{Scenario, ScenarioSpec};
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
    type State = CalcByEvent;

    fn start(self: &Arc<Self>, _value: f64) -> CalcByEvent {
        CalcByEvent { plan: Arc::clone(self) }
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

/// The running scenario.
#[derive(Clone, Debug)]
pub struct CalcByEvent {
    plan: Arc<Plan>,
}

impl Scenario for CalcByEvent {
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        match self.plan.formulas.iter().find(|(subscription, _)| context.is_for(subscription)) {
            Some((_, formula)) => formula.evaluate(&mut context.eval_context(context.value)).map(Some),
            None => Ok(None),
        }
    }
}
