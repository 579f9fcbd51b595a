//! `rate_limit`: requests of the host's users are above a limit.

use super::kind::FaultKind;
use super::model_event::{ModelEvent, SHARE, USERS};

pub(super) const KIND: FaultKind<ModelEvent> = ModelEvent::kind(
    "rate_limit",
    "a share of the requests of users is above a limit and refused",
    &[SHARE],
    &|arguments| ModelEvent::new("rate_limit", USERS).with("share", 1.0, arguments)?.needing(&["share"]),
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
        assert_eq!((KIND.build)(&mut arguments).unwrap_err().message, "share must be given");
        arguments.set("share", Argument::Number(0.5));
        let fault = (KIND.build)(&mut arguments).unwrap();
        assert_eq!(fault.emits(Span::from_secs(9)).unwrap().data, json!({ "share": 0.5, "duration": 9.0 }));
        assert_eq!(fault.emits_at_end().unwrap().data["ends"], true);
        arguments.set("share", Argument::Number(-0.5));
        assert_eq!(
            (KIND.build)(&mut arguments).unwrap_err().message,
            "share must be from 0 to 1, but is -0.5"
        );
    }
}
