//! `fork_storm`: a process has children for a while; for a host whose pool has a model of processes.

use super::kind::{FaultKind, FaultSchedule};
use super::process_event::{PATTERN, PRIORITY, ProcessEvent};
use super::spec::{FaultEvent, FaultSpec};
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<ForkStorm> = FaultKind {
    name: "fork_storm",
    summary: "a process has children for a while",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: Some("needs every, at, lasts or on: the time of the fault"),
    params: &[
        PATTERN,
        PRIORITY,
        Param {
            name: "children",
            kind: ParamKind::Number,
            default: "20",
            help: "the number of its children",
        },
    ],
    build: &|arguments| {
        Ok(ForkStorm(ProcessEvent::new("fork_storm", arguments).with("children", arguments)?))
    },
};

/// The event to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ForkStorm(ProcessEvent);

impl FaultSpec for ForkStorm {
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
        assert_eq!((&*event.name, event.data), ("fork_storm", serde_json::json!({ "duration": 30.0 })));
    }
}
