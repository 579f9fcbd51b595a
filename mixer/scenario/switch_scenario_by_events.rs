//! `switch_scenario_by_events`: runs the scenario of the last matching event until its duration is over.
//!
//! A scenario that takes over starts from the metric's present value.

use std::sync::Arc;

use super::{Arguments, Case, Kind, Param, ParamKind, Running, Scenario, ScenarioPlan, Tick};
use crate::clock::{Span, Time};
use crate::event::Subscription;

pub(super) const KIND: Kind = Kind {
    name: "switch_scenario_by_events",
    summary: "runs the scenario of the last matching event until its duration is over, then the default one",
    params: &[
        Param {
            name: "events_config",
            kind: ParamKind::Cases,
            default: "",
            help: "what to run after which event; without a scenario back to the default one, without a duration \
                   until the next event",
        },
        Param {
            name: "default_scenario",
            kind: ParamKind::Scenario,
            default: "do_nothing",
            help: "what runs when no event is in force",
        },
    ],
    build,
};

fn build(arguments: &mut Arguments) -> Result<ScenarioPlan, String> {
    let cases = arguments.cases("events_config").unwrap_or_default();
    if cases.is_empty() {
        return Err("events_config must not be empty".to_owned());
    }
    let default_scenario = arguments.scenario("default_scenario").unwrap_or(ScenarioPlan::DoNothing);
    let parts = cases.iter().filter_map(|case| case.scenario.as_ref()).chain([&default_scenario]);
    for part in parts {
        if part.source_metric().is_some() {
            return Err("relay_to_other_metric cannot be switched to; give it a metric of its own".to_owned());
        }
    }
    if let Some(case) = cases.iter().find(|case| case.duration == Some(Span::ZERO)) {
        return Err(format!("the duration for {:?} must be longer than 0", case.subscription.event));
    }
    Ok(ScenarioPlan::SwitchScenarioByEvents(Arc::new(Plan { cases, default_scenario })))
}

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    cases: Vec<Case>,
    default_scenario: ScenarioPlan,
}

impl Plan {
    pub(super) fn start(self: &Arc<Self>, value: f64) -> SwitchScenarioByEvents {
        let running = self.default_scenario.start(value);
        SwitchScenarioByEvents { plan: Arc::clone(self), running, until: Time::NEVER }
    }

    pub(super) fn subscriptions(&self) -> Vec<Subscription> {
        let inner =
            self.cases.iter().filter_map(|case| case.scenario.as_ref()).chain([&self.default_scenario]);
        let own = self.cases.iter().map(|case| case.subscription.clone());
        own.chain(inner.flat_map(ScenarioPlan::subscriptions)).collect()
    }
}

/// The running scenario: the one in force, and until when.
#[derive(Debug)]
pub struct SwitchScenarioByEvents {
    plan: Arc<Plan>,
    running: Running,
    until: Time,
}

impl Scenario for SwitchScenarioByEvents {
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        if self.until <= tick.now {
            self.running = self.plan.default_scenario.start(tick.value);
            self.until = Time::NEVER;
        }
        if let Some(case) = self.plan.cases.iter().find(|case| tick.is_for(&case.subscription)) {
            let scenario = case.scenario.as_ref().unwrap_or(&self.plan.default_scenario);
            self.running = scenario.start(tick.value);
            self.until = Time::NEVER;
            if let Some(duration) = case.duration.filter(|duration| *duration != Span::FOREVER) {
                self.until = tick.now + duration;
                tick.effects.wakes.push(self.until);
            }
        }
        self.running.update(tick)
    }
}
