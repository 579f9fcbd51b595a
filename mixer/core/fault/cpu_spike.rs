//! `cpu_spike`: processes want more CPU for a while; for a host whose pool has a model of processes.

use super::kind::{FaultKind, FaultSchedule};
use super::process_event::{PATTERN, PRIORITY, ProcessEvent};
use super::spec::{FaultEvent, FaultSpec};
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<CpuSpike> = FaultKind {
    name: "cpu_spike",
    summary: "processes want more CPU for a while",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: Some("needs every, at, lasts or on: the time of the fault"),
    params: &[
        PATTERN,
        PRIORITY,
        Param {
            name: "intensity",
            kind: ParamKind::Number,
            default: "1",
            help: "the cores that each of them wants",
        },
    ],
    build: &|arguments| Ok(CpuSpike(ProcessEvent::new("cpu_spike", arguments).with("intensity", arguments)?)),
};

/// The event to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuSpike(ProcessEvent);

impl FaultSpec for CpuSpike {
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
        assert_eq!((&*event.name, event.data), ("cpu_spike", serde_json::json!({ "duration": 30.0 })));
    }
}
