//! `model_outage`: no request to a model of the host's users is answered.

use super::kind::{FaultKind, FaultSchedule};
use super::model_event::{ModelEvent, USERS};
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<ModelEvent> = FaultKind {
    name: "model_outage",
    summary: "requests of users to a model are not answered",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: Some("needs every, at, lasts or on: the time of the fault"),
    params: &[Param { name: "model", kind: ParamKind::Text, default: "", help: "the model" }],
    build: &|arguments| {
        ModelEvent::new("model_outage", USERS).with_text("model", arguments).needing(&["model"])
    },
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fault::FaultSpec;
    use crate::scenario::{Argument, Arguments};
    use crate::time::Span;

    #[test]
    fn the_model_is_told_what_it_needs() {
        let mut arguments = Arguments::default();
        assert_eq!((KIND.build)(&mut arguments).unwrap_err().message, "model must be given");
        arguments.set("model", Argument::Text("large".to_owned()));
        let fault = (KIND.build)(&mut arguments).unwrap();
        assert_eq!(
            fault.emits(Span::from_secs(9)).unwrap().data,
            json!({ "model": "large", "duration": 9.0 })
        );
        assert_eq!(fault.emits_at_end().unwrap().data["ends"], true);
    }
}
