//! `model_outage`: no request to a model of the host's users is answered.

use super::kind::FaultKind;
use super::model_event::{ModelEvent, USERS};
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<ModelEvent> = ModelEvent::kind(
    "model_outage",
    "requests of users to a model are not answered",
    &[Param { name: "model", kind: ParamKind::Text, default: "", help: "the model" }],
    &|arguments| ModelEvent::new("model_outage", USERS).with_text("model", arguments).needing(&["model"]),
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
        let fault = (KIND.build)(&mut arguments).unwrap();
        assert_eq!(
            fault.emits(Span::from_secs(9)).unwrap().data,
            json!({ "model": "large", "duration": 9.0 })
        );
        assert_eq!(fault.emits_at_end().unwrap().data["ends"], true);
    }
}
