//! `script`: a few lines in the embedded language, with state and events of their own.

use std::sync::Arc;

use super::{Emission, EventDecl, Kind, Param, ParamKind, Scenario, ScenarioPlan, ScenarioSpec, Tick};
use crate::expression::Formula;

pub(super) const KIND: Kind = Kind {
    name: "script",
    summary: "a few lines of your own; their last value is the metric's, and without one it keeps its value",
    params: &[Param {
        name: "source",
        kind: ParamKind::Script,
        default: "",
        help: "the lines: as a formula, with let, if, loops, storage to write to, and emit(\"event\")",
    }],
    build: &|arguments| {
        let script = arguments.script("source").ok_or("source must be given")?;
        Ok(ScenarioPlan::Script(Arc::new(Plan { script: script.formula, emits: script.emits })))
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    script: Formula,
    emits: Vec<Option<Arc<str>>>,
}

impl ScenarioSpec for Plan {
    type Running = Script;

    fn start(self: &Arc<Self>, _value: f64) -> Script {
        Script { plan: Arc::clone(self) }
    }

    fn emits(&self) -> Vec<EventDecl> {
        self.emits.iter().map(|event| EventDecl { event: event.clone(), source: None }).collect()
    }

    fn uses_dt(&self) -> bool {
        self.script.uses_dt()
    }
}

/// The running scenario. What it remembers is the host's storage.
#[derive(Debug)]
pub struct Script {
    plan: Arc<Plan>,
}

impl Scenario for Script {
    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        let mut emitted = Vec::new();
        let value = self.plan.script.run(&mut tick.moment(tick.value), &mut emitted);
        let emissions = emitted.into_iter().map(|(event, data)| Emission { event, source: None, data });
        tick.effects.emitted.extend(emissions);
        value
    }
}
