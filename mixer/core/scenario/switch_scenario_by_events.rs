//! `switch_scenario_by_events`: runs the scenario of the last matching event for its duration.
//!
//! A scenario that takes over starts from the metric's present value.

use std::sync::Arc;

use super::arguments::{Arguments, Case, Param, ParamKind};
use super::context::UpdateContext;
use super::do_nothing;
use super::kind::ScenarioKind;
use super::nested::{NestedScenario, RunningPart, refuse_relays};
use super::spec::{EventDecl, Scenario, ScenarioSpec, range_of};
use super::try_clone::TryClone;
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
            default: "do_nothing",
            help: "the scenario that runs while no event is in force",
        },
    ],
    build: &build,
};

fn build(arguments: &mut Arguments) -> Result<Plan, String> {
    let cases = arguments.cases("events_config").unwrap_or_default();
    if cases.is_empty() {
        return Err("events_config must not be empty".to_owned());
    }
    let default_scenario =
        arguments.scenario("default_scenario").unwrap_or_else(|| Arc::new(do_nothing::Plan).into());
    refuse_relays(cases.iter().filter_map(|case| case.scenario.as_ref()).chain([&default_scenario]))?;
    if let Some(case) = cases.iter().find(|case| case.duration == Some(Span::ZERO)) {
        return Err(format!("the duration for {:?} must be longer than 0", case.subscription.event));
    }
    Ok(Plan { cases, default_scenario })
}

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    cases: Vec<Case>,
    default_scenario: NestedScenario,
}

impl ScenarioSpec for Plan {
    type State = Box<SwitchScenarioByEvents>;

    fn start(self: &Arc<Self>, value: f64) -> Box<SwitchScenarioByEvents> {
        let running = self.default_scenario.start(value);
        Box::new(SwitchScenarioByEvents { plan: Arc::clone(self), running, until: Time::NEVER })
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

/// The running scenario: the one in force, and its end.
#[derive(Debug)]
pub struct SwitchScenarioByEvents {
    plan: Arc<Plan>,
    running: RunningPart,
    until: Time,
}

impl TryClone for Box<SwitchScenarioByEvents> {
    fn try_clone(&self) -> Result<Self, String> {
        let SwitchScenarioByEvents { plan, running, until } = &**self;
        let running = running.try_clone()?;
        Ok(Self::new(SwitchScenarioByEvents { plan: Arc::clone(plan), running, until: *until }))
    }
}

impl Scenario for Box<SwitchScenarioByEvents> {
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let SwitchScenarioByEvents { plan, running, until } = &mut **self;
        if *until <= context.now {
            (*running, *until) = (plan.default_scenario.start(context.value), Time::NEVER);
        }
        if let Some(case) = plan.case_for(context)? {
            let scenario = case.scenario.as_ref().unwrap_or(&plan.default_scenario);
            (*running, *until) = (scenario.start(context.value), Time::NEVER);
            if let Some(duration) = case.duration.filter(|duration| *duration != Span::FOREVER) {
                *until = context.now + duration;
                context.effects.wakes.push(*until);
            }
        }
        running.update(context)
    }
}
