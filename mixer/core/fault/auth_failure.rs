//! `auth_failure`: requests of the host's users cannot authenticate.

use super::kind::{FaultKind, FaultSchedule};
use super::model_event::{ModelEvent, USERS};
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<ModelEvent> = FaultKind {
    name: "auth_failure",
    summary: "a share of the requests of users cannot authenticate",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: Some("needs every, at, lasts or on: the time of the fault"),
    params: &[Param { name: "share", kind: ParamKind::Number, default: "", help: "the share, up to 1" }],
    build: &|arguments| {
        ModelEvent::new("auth_failure", USERS).with("share", 1.0, arguments)?.needing(&["share"])
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
        assert_eq!((KIND.build)(&mut arguments).unwrap_err().message, "share must be given");
        arguments.set("share", Argument::Number(0.25));
        let fault = (KIND.build)(&mut arguments).unwrap();
        assert_eq!(fault.emits(Span::from_secs(9)).unwrap().data, json!({ "share": 0.25, "duration": 9.0 }));
        assert_eq!(fault.emits_at_end().unwrap().data["ends"], true);
        arguments.set("share", Argument::Number(25.0));
        assert_eq!((KIND.build)(&mut arguments).unwrap_err().message, "share must be from 0 to 1, but is 25");
    }
}
