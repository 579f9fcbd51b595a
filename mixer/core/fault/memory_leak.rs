//! `memory_leak`: the memory of processes grows for a while; for a host whose pool has a model of processes.

use super::kind::{FaultKind, FaultSchedule};
use super::process_event::{PATTERN, PRIORITY, ProcessEvent};
use super::spec::{FaultEvent, FaultSpec};
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<MemoryLeak> = FaultKind {
    name: "memory_leak",
    summary: "the memory of processes grows for a while",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: Some("needs every, at, lasts or on: the time of the fault"),
    params: &[
        PATTERN,
        PRIORITY,
        Param {
            name: "bytes_per_sec",
            kind: ParamKind::Number,
            default: "1 MiB",
            help: "the growth of each of them in a second",
        },
    ],
    build: &|arguments| {
        Ok(MemoryLeak(ProcessEvent::new("memory_leak", arguments).with("bytes_per_sec", arguments)?))
    },
};

/// The event to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryLeak(ProcessEvent);

impl FaultSpec for MemoryLeak {
    fn emits(&self, lasts: Span) -> Option<FaultEvent> {
        Some(self.0.of_episode(Some(lasts)))
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Arguments;

    #[test]
    fn the_model_gets_an_event_of_this_name() {
        let fault = (KIND.build)(&mut Arguments::default()).unwrap();
        let event = fault.emits(Span::from_secs(30)).unwrap();
        assert_eq!((&*event.name, event.data), ("memory_leak", serde_json::json!({ "duration": 30.0 })));
    }
}
