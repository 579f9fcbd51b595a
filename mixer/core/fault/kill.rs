//! `kill`: processes end and start again; for a host whose pool has a model of processes.

use super::kind::{FaultKind, FaultSchedule};
use super::process_event::{PATTERN, PRIORITY, ProcessEvent};
use super::spec::{FaultEvent, FaultSpec};
use crate::time::Span;

pub(super) const KIND: FaultKind<Kill> = FaultKind {
    name: "kill",
    summary: "processes end and start again",
    schedule: FaultSchedule::Instants,
    takes_metrics: false,
    untimed_error: Some("needs every, at or on: the time of the fault"),
    params: &[PATTERN, PRIORITY],
    build: &|arguments| Ok(Kill(ProcessEvent::new("kill", arguments))),
};

/// The event to the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Kill(ProcessEvent);

impl FaultSpec for Kill {
    fn emits(&self, _lasts: Span) -> Option<FaultEvent> {
        Some(self.0.of_episode(None))
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
        assert_eq!((&*event.name, event.data), ("kill", serde_json::json!({})));
    }
}
