//! `switch_scenario_by_events`: runs the scenario of the last matching event for its duration.
//!
//! A scenario that takes over starts from the metric's present value, and its time begins then.

use std::sync::Arc;

use super::arguments::{Arguments, Case, Param, ParamKind};
use super::context::{SideEffects, UpdateContext};
use super::kind::ScenarioKind;
use super::nested::{NestedScenario, RunningPart, refuse_relays};
use super::spec::{EventDecl, ScenarioSpec, range_of};
use super::try_clone::TryClone;
use super::{do_nothing, random_in_range};
use crate::event::Subscription;
use crate::expression::Formula;
use crate::time::{Span, Time};

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "switch_scenario_by_events",
    summary: "runs the scenario of the last matching event for its duration, then the default one",
    params: &[
        Param {
            name: "events_config",
            kind: ParamKind::Cases,
            default: "",
            help: "the scenario to run, by event; without a scenario the default one runs, without a duration it \
                   runs until the next event",
        },
        Param {
            name: "default_scenario",
            kind: ParamKind::Scenario,
            default: "random_in_range",
            help: "the scenario that runs while no event is in force; without a value_range the metric goes back to \
                   the value that it had",
        },
    ],
    build: &build,
};

fn build(arguments: &mut Arguments) -> Result<Plan, String> {
    let mut cases = arguments.cases("events_config").unwrap_or_default();
    if cases.is_empty() {
        return Err("events_config must not be empty".to_owned());
    }
    cases.sort_by_key(|case| case.subscription.breadth());
    let given = arguments.scenario("default_scenario");
    let range = arguments.finite_metric_range();
    let goes_back = given.is_none() && range.is_none() && arguments.shows_value();
    let default_scenario = given.unwrap_or_else(|| match range {
        Some(range) => Arc::new(random_in_range::Plan::within(range)).into(),
        None => Arc::new(do_nothing::Plan).into(),
    });
    refuse_relays(cases.iter().filter_map(|case| case.scenario.as_ref()).chain([&default_scenario]))?;
    if let Some(case) = cases.iter().find(|case| case.duration == Some(Span::ZERO)) {
        return Err(format!("the duration for {:?} must be longer than 0", case.subscription.event));
    }
    Ok(Plan { cases, default_scenario, goes_back })
}

/// The parameters; of two cases for one event the more specific one comes first.
#[derive(Debug, PartialEq)]
pub struct Plan {
    cases: Vec<Case>,
    default_scenario: NestedScenario,
    /// `true` if the metric gets back the value from before the first case.
    goes_back: bool,
}

impl ScenarioSpec for Plan {
    type State = Box<SwitchScenarioByEvents>;

    fn start(&self, value: f64) -> Box<SwitchScenarioByEvents> {
        let running = self.default_scenario.start(value);
        let (until, since) = (Time::NEVER, Time::NEVER);
        Box::new(SwitchScenarioByEvents { running, until, since, value_before: None })
    }

    fn update(
        &self,
        state: &mut Box<SwitchScenarioByEvents>,
        context: &mut UpdateContext<'_>,
    ) -> Result<Option<f64>, String> {
        let mut back = None;
        if state.until <= context.now {
            back = state.begin_default(self, context);
        }
        if let Some(case) = self.case_for(context)? {
            if let Some(scenario) = &case.scenario {
                state.value_before = state.value_before.or(Some(context.value));
                state.begin(scenario, context);
                back = None;
            } else {
                back = state.begin_default(self, context).or(back);
            }
            if let Some(duration) = case.duration.filter(|duration| *duration != Span::FOREVER) {
                state.until = context.now + duration;
                context.effects.wakes.push(state.until);
            }
        }
        let (t_secs, dt_secs) = (context.t_secs, context.dt_secs);
        if state.since != Time::NEVER {
            context.t_secs = context.now.since(state.since).as_secs_f64();
            context.dt_secs = dt_secs.min(context.t_secs);
        }
        let outcome = state.running.update(context);
        (context.t_secs, context.dt_secs) = (t_secs, dt_secs);
        outcome.map(|value| value.or(back))
    }

    fn stop(&self, state: &mut Box<SwitchScenarioByEvents>, effects: &mut SideEffects) {
        state.running.stop(effects);
    }

    fn hide(&self, state: &mut Box<SwitchScenarioByEvents>, effects: &mut SideEffects) {
        state.running.hide(effects);
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        range_of(self.parts().filter_map(NestedScenario::value_range))
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        let own = self.cases.iter().map(|case| case.subscription.clone());
        own.chain(self.parts().flat_map(NestedScenario::subscriptions)).collect()
    }

    fn emits(&self) -> Vec<EventDecl> {
        self.parts().flat_map(NestedScenario::emits).collect()
    }

    fn held_bytes(&self) -> usize {
        self.parts().map(NestedScenario::state_bytes).max().unwrap_or(0)
    }

    fn uses_dt(&self) -> bool {
        let conditions = self.cases.iter().filter_map(|case| case.when.as_ref());
        conditions.into_iter().any(Formula::uses_dt) || self.parts().any(NestedScenario::uses_dt)
    }
}

impl Plan {
    /// All scenarios that may run.
    fn parts(&self) -> impl Iterator<Item = &NestedScenario> {
        self.cases.iter().filter_map(|case| case.scenario.as_ref()).chain([&self.default_scenario])
    }

    /// The first case whose event causes this update.
    fn case_for(&self, context: &mut UpdateContext<'_>) -> Result<Option<&Case>, String> {
        for case in &self.cases {
            if !context.is_for(&case.subscription) {
                continue;
            }
            match &case.when {
                Some(when) if !when.holds(&mut context.eval_context(context.value))? => {}
                _ => return Ok(Some(case)),
            }
        }
        Ok(None)
    }
}

/// The running scenario: the one in force, its begin, and its end.
#[derive(Debug)]
pub struct SwitchScenarioByEvents {
    running: RunningPart,
    until: Time,
    /// [`Time::NEVER`] for the start of the metric.
    since: Time,
    /// The metric's value when a case replaced the default scenario.
    value_before: Option<f64>,
}

impl TryClone for Box<SwitchScenarioByEvents> {
    fn try_clone(&self) -> Result<Self, String> {
        let SwitchScenarioByEvents { running, until, since, value_before } = &**self;
        Ok(Self::new(SwitchScenarioByEvents {
            running: running.try_clone()?,
            until: *until,
            since: *since,
            value_before: *value_before,
        }))
    }
}

impl SwitchScenarioByEvents {
    /// Lets another scenario take over, for which time begins now.
    fn begin(&mut self, scenario: &NestedScenario, context: &mut UpdateContext<'_>) {
        self.running.stop(context.effects);
        self.running = scenario.start(context.value);
        (self.since, self.until) = (context.now, Time::NEVER);
    }

    /// Lets the default scenario take over again, at the value that the metric then has.
    fn begin_default(&mut self, plan: &Plan, context: &mut UpdateContext<'_>) -> Option<f64> {
        let value = self.value_before.take().filter(|_| plan.goes_back);
        context.value = value.unwrap_or(context.value);
        self.begin(&plan.default_scenario, context);
        value
    }
}
