//! `resource_exhaustion`: a resource of the service behind the host's users is used up.

use super::kind::FaultKind;
use super::model_event::{ModelEvent, USERS};
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<ModelEvent> = ModelEvent::kind(
    "resource_exhaustion",
    "a resource of the service that answers users is used up",
    &[
        Param {
            name: "what",
            kind: ParamKind::Choice(&["cpu", "memory", "connections"]),
            default: "",
            help: "with less cpu it can answer less, with less memory it takes longer, and without connections it refuses",
        },
        Param {
            name: "level",
            kind: ParamKind::Number,
            default: "",
            help: "the share that is used up, up to 1",
        },
    ],
    &|arguments| {
        let event = ModelEvent::new("resource_exhaustion", USERS).with_text("what", arguments);
        event.with("level", 1.0, arguments)?.needing(&["what", "level"])
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
        assert_eq!((KIND.build)(&mut arguments).unwrap_err().message, "what must be given");
        arguments.set("what", Argument::Text("cpu".to_owned()));
        arguments.set("level", Argument::Number(0.9));
        let fault = (KIND.build)(&mut arguments).unwrap();
        assert_eq!(
            fault.emits(Span::from_secs(9)).unwrap().data,
            json!({ "what": "cpu", "level": 0.9, "duration": 9.0 })
        );
        assert_eq!(fault.emits_at_end().unwrap().data["ends"], true);
        arguments.set("level", Argument::Number(90.0));
        assert_eq!((KIND.build)(&mut arguments).unwrap_err().message, "level must be from 0 to 1, but is 90");
    }
}
