//! `network_latency`: the network between the host's users and all models is slow.

use super::kind::FaultKind;
use super::model_event::{ModelEvent, USERS};
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<ModelEvent> = ModelEvent::kind(
    "network_latency",
    "the network delays answers to users",
    &[
        Param { name: "by", kind: ParamKind::Span, default: "", help: "the median of the delay" },
        Param {
            name: "distribution",
            kind: ParamKind::Choice(&["lognormal", "normal", "uniform", "constant"]),
            default: "lognormal",
            help: "the distribution of the delay",
        },
        Param {
            name: "spread",
            kind: ParamKind::Number,
            default: "0.5",
            help: "its spread: a part of by, and of the logarithm for lognormal",
        },
    ],
    &|arguments| {
        let event = ModelEvent::new("network_latency", USERS).with_seconds("by", arguments)?;
        let event = event.with_text("distribution", arguments).with("spread", 10.0, arguments)?;
        event.needing(&["by"])
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
        assert_eq!((KIND.build)(&mut arguments).unwrap_err().message, "by must be given");
        arguments.set("by", Argument::Span(Span::from_secs(2)));
        let fault = (KIND.build)(&mut arguments).unwrap();
        assert_eq!(fault.emits(Span::from_secs(9)).unwrap().data, json!({ "by": 2.0, "duration": 9.0 }));
        assert_eq!(fault.emits_at_end().unwrap().data["ends"], true);
        arguments.set("spread", Argument::Number(-1.0));
        assert_eq!(
            (KIND.build)(&mut arguments).unwrap_err().message,
            "spread must be from 0 to 10, but is -1"
        );
    }
}
