//! `model_degradation`: a model of the host's users answers slowly, and fails more often.

use super::kind::FaultKind;
use super::model_event::{ModelEvent, USERS};
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<ModelEvent> = ModelEvent::kind(
    "model_degradation",
    "a model answers users slowly and fails more often",
    &[
        Param { name: "model", kind: ParamKind::Text, default: "", help: "the model" },
        Param {
            name: "latency",
            kind: ParamKind::Number,
            default: "1",
            help: "the factor of the time of its answers",
        },
        Param {
            name: "error_ratio",
            kind: ParamKind::Number,
            default: "0",
            help: "the share of requests that it does not answer",
        },
    ],
    &|arguments| {
        let event = ModelEvent::new("model_degradation", USERS).with_text("model", arguments);
        let event = event.with("latency", 1000.0, arguments)?.with("error_ratio", 1.0, arguments)?;
        event.needing(&["model"])
    },
);

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
        arguments.set("latency", Argument::Number(5.0));
        let fault = (KIND.build)(&mut arguments).unwrap();
        assert_eq!(
            fault.emits(Span::from_secs(9)).unwrap().data,
            json!({ "model": "large", "latency": 5.0, "duration": 9.0 })
        );
        assert_eq!(fault.emits_at_end().unwrap().data["ends"], true);
        arguments.set("error_ratio", Argument::Number(1.5));
        assert_eq!(
            (KIND.build)(&mut arguments).unwrap_err().message,
            "error_ratio must be from 0 to 1, but is 1.5"
        );
    }
}
