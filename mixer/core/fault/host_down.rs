//! `host_down`: the host is down. Its page fails, it stays a target, its pushes stop, and its state goes on.

use super::kind::{FaultKind, FaultSchedule};
use super::spec::{FaultSpec, Presence};

pub(super) const KIND: FaultKind<HostDown> = FaultKind {
    name: "host_down",
    summary: "the host is down: its page answers 503, and it does not push",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: Some("needs every, at, lasts or on; without them the host is never up"),
    params: &[],
    build: &|_| Ok(HostDown),
};

/// A host that is down.
#[derive(Clone, Debug, PartialEq)]
pub struct HostDown;

impl FaultSpec for HostDown {
    fn shows_at_once(&self) -> bool {
        true
    }

    fn presence(&self) -> Presence {
        Presence::Down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_down_outweighs_a_silent_one() {
        assert!(HostDown.shows_at_once());
        assert_eq!(HostDown.presence().max(Presence::Silent), Presence::Down);
    }
}
