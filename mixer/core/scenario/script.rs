//! `script`: lines of the embedded language that calculate values, keep state and emit events.

use std::sync::Arc;

use super::arguments::{Param, ParamKind};
use super::context::{EmittedEvent, UpdateContext};
use super::kind::ScenarioKind;
use super::spec::{EventDecl, ScenarioSpec};
use crate::expression::Formula;

pub(super) const KIND: ScenarioKind<Plan> = ScenarioKind {
    name: "script",
    summary: "a script of your own; its last value is the metric's, and without one the metric keeps its value",
    params: &[Param {
        name: "source",
        kind: ParamKind::Script,
        default: "",
        help: "the script: a formula's syntax with let, if, loops, writable storage and host.storage, and emit(\"event\")",
    }],
    build: &|arguments| {
        let script = arguments.script("source").ok_or("source must be given")?;
        Ok(Plan { script: script.formula, emits: script.emits })
    },
};

/// The parameters.
#[derive(Debug, PartialEq)]
pub struct Plan {
    script: Formula,
    emits: Vec<Option<Arc<str>>>,
}

impl Plan {
    /// The script.
    pub(crate) const fn formula(&self) -> &Formula {
        &self.script
    }
}

impl ScenarioSpec for Plan {
    type State = ();

    fn start(&self, _value: f64) {}

    fn update(&self, _state: &mut (), context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        let mut emitted = Vec::new();
        let value = self.script.run(&mut context.eval_context(context.value), &mut emitted);
        let emissions = emitted.into_iter().map(|(event, data)| EmittedEvent { event, source: None, data });
        context.effects.emitted.extend(emissions);
        value
    }

    fn emits(&self) -> Vec<EventDecl> {
        self.emits.iter().map(|event| EventDecl { event: event.clone(), source: None }).collect()
    }

    fn uses_dt(&self) -> bool {
        self.script.uses_dt()
    }
}
