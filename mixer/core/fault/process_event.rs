//! The faults of a host's processes: events to the model that makes them, with the processes that they are about.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::kind::{FaultError, FaultKind, FaultSchedule};
use super::spec::{FaultEvent, FaultSpec};
use crate::number::Shown;
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

const PATTERN: Param = Param {
    name: "pattern",
    kind: ParamKind::Text,
    default: "all",
    help: "the processes by name, with `*` and `?`",
};

const PRIORITY: Param = Param {
    name: "priority",
    kind: ParamKind::Choice(&["critical", "high", "medium", "low"]),
    default: "all",
    help: "the processes by priority",
};

/// All that the kinds below have in common; a kind without a length says so.
const EPISODES: FaultKind<ProcessEvent> = FaultKind {
    name: "",
    summary: "",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: Some("needs every, at, lasts or on: the time of the fault"),
    params: &[PATTERN, PRIORITY],
    build: &|arguments| Ok(ProcessEvent::new("", arguments)),
};

pub(super) const CPU_SPIKE: FaultKind<ProcessEvent> = FaultKind {
    name: "cpu_spike",
    summary: "processes want more CPU for a while",
    params: &[PATTERN, PRIORITY, number("intensity", "1", "the cores that each of them wants")],
    build: &|arguments| ProcessEvent::new("cpu_spike", arguments).with("intensity", arguments),
    ..EPISODES
};

pub(super) const MEMORY_LEAK: FaultKind<ProcessEvent> = FaultKind {
    name: "memory_leak",
    summary: "the memory of processes grows for a while",
    params: &[PATTERN, PRIORITY, number("bytes_per_sec", "1 MiB", "the growth of each of them in a second")],
    build: &|arguments| ProcessEvent::new("memory_leak", arguments).with("bytes_per_sec", arguments),
    ..EPISODES
};

pub(super) const KILL: FaultKind<ProcessEvent> = FaultKind {
    name: "kill",
    summary: "processes end and start again",
    schedule: FaultSchedule::Instants,
    untimed_error: Some("needs every, at or on: the time of the fault"),
    build: &|arguments| Ok(ProcessEvent::new("kill", arguments)),
    ..EPISODES
};

pub(super) const FORK_STORM: FaultKind<ProcessEvent> = FaultKind {
    name: "fork_storm",
    summary: "a process has children for a while",
    params: &[PATTERN, PRIORITY, number("children", "20", "the number of its children")],
    build: &|arguments| ProcessEvent::new("fork_storm", arguments).with("children", arguments),
    ..EPISODES
};

const fn number(name: &'static str, default: &'static str, help: &'static str) -> Param {
    Param { name, kind: ParamKind::Number, default, help }
}

/// An event to a model of processes, without the length of the episode.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessEvent {
    name: &'static str,
    data: Map<String, Value>,
}

impl ProcessEvent {
    /// The event of this name about the chosen processes.
    fn new(name: &'static str, arguments: &mut Arguments) -> Self {
        let mut data = Map::new();
        for key in [PATTERN.name, PRIORITY.name] {
            data.extend(arguments.text(key).map(|text| (key.to_owned(), json!(text))));
        }
        Self { name, data }
    }

    /// The same with a number of 0 or more, if it is given.
    fn with(mut self, key: &'static str, arguments: &mut Arguments) -> Result<Self, FaultError> {
        if let Some(number) = arguments.number(key) {
            if number < 0.0 {
                let message = format!("{key} must be 0 or more, but is {}", Shown(number));
                return Err(FaultError { param: Some(key), message });
            }
            self.data.insert(key.to_owned(), json!(number));
        }
        Ok(self)
    }
}

impl FaultSpec for ProcessEvent {
    /// Of an episode without an end, the model knows the length; an instant has none.
    fn emits(&self, lasts: Span) -> Option<FaultEvent> {
        let mut data = self.data.clone();
        if ![Span::ZERO, Span::FOREVER].contains(&lasts) {
            data.insert("duration".to_owned(), json!(lasts.as_secs_f64()));
        }
        Some(FaultEvent { name: Arc::from(self.name), data: Value::Object(data) })
    }

    /// The parameters in words.
    fn describe(&self) -> String {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let words: Vec<String> =
            self.data.iter().map(|(key, value)| format!("{key} {}", word(value))).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_gets_an_event_of_the_kinds_name_with_the_length_of_the_episode() {
        for (kind, lasts, data) in [
            (CPU_SPIKE, Span::from_secs(30), json!({ "duration": 30.0 })),
            (MEMORY_LEAK, Span::from_secs(5), json!({ "duration": 5.0 })),
            (FORK_STORM, Span::FOREVER, json!({})),
            (KILL, Span::ZERO, json!({})),
        ] {
            let fault = (kind.build)(&mut Arguments::default()).unwrap();
            let event = fault.emits(lasts).unwrap();
            assert_eq!((&*event.name, event.data), (kind.name, data));
        }
    }
}
