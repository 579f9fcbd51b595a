//! The faults of a host's processes: events to the model that makes them, with the processes that they are about.

use super::kind::{FaultKind, FaultSchedule};
use super::model_event::{ModelEvent, PROCESSES};
use crate::scenario::{Arguments, Param, ParamKind};

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
const EPISODES: FaultKind<ModelEvent> =
    ModelEvent::kind("", "", &[PATTERN, PRIORITY], &|arguments| Ok(event("", arguments)));

pub(super) const CPU_SPIKE: FaultKind<ModelEvent> = FaultKind {
    name: "cpu_spike",
    summary: "processes want more CPU for a while",
    params: &[PATTERN, PRIORITY, number("intensity", "1", "the cores that each of them wants")],
    build: &|arguments| event("cpu_spike", arguments).with("intensity", f64::INFINITY, arguments),
    ..EPISODES
};

pub(super) const MEMORY_LEAK: FaultKind<ModelEvent> = FaultKind {
    name: "memory_leak",
    summary: "the memory of processes grows for a while",
    params: &[PATTERN, PRIORITY, number("bytes_per_sec", "1 MiB", "the growth of each of them in a second")],
    build: &|arguments| event("memory_leak", arguments).with("bytes_per_sec", f64::INFINITY, arguments),
    ..EPISODES
};

pub(super) const KILL: FaultKind<ModelEvent> = FaultKind {
    name: "kill",
    summary: "processes end and start again",
    schedule: FaultSchedule::Instants,
    untimed_error: Some("needs every, at or on: the time of the fault"),
    build: &|arguments| Ok(event("kill", arguments)),
    ..EPISODES
};

pub(super) const FORK_STORM: FaultKind<ModelEvent> = FaultKind {
    name: "fork_storm",
    summary: "a process has children for a while",
    params: &[PATTERN, PRIORITY, number("children", "20", "the number of its children")],
    build: &|arguments| event("fork_storm", arguments).with("children", f64::INFINITY, arguments),
    ..EPISODES
};

const fn number(name: &'static str, default: &'static str, help: &'static str) -> Param {
    Param { name, kind: ParamKind::Number, default, help }
}

/// The event of this name about the chosen processes.
fn event(name: &'static str, arguments: &mut Arguments) -> ModelEvent {
    ModelEvent::new(name, PROCESSES).with_text(PATTERN.name, arguments).with_text(PRIORITY.name, arguments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fault::FaultSpec;
    use crate::time::Span;

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
