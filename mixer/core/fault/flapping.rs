//! `flapping`: the host is up for a while, down for a while.

use super::kind::{FaultKind, FaultSchedule, needed_length};
use super::spec::{Cycle, FaultSpec, Presence};
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<Flapping> = FaultKind {
    name: "flapping",
    summary: "the host is `up` for a while, `down` for a while",
    schedule: FaultSchedule::Cycle,
    takes_metrics: false,
    untimed_error: None,
    params: &[
        Param { name: "up", kind: ParamKind::Span, default: "", help: "the time for which the host is up" },
        Param {
            name: "down",
            kind: ParamKind::Span,
            default: "",
            help: "the time for which the host is down",
        },
    ],
    build: &|arguments| {
        Ok(Flapping { up: needed_length(arguments, "up")?, down: needed_length(arguments, "down")? })
    },
};

/// A host that goes down again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Flapping {
    up: Span,
    down: Span,
}

impl FaultSpec for Flapping {
    fn shows_at_once(&self) -> bool {
        true
    }

    fn presence(&self) -> Presence {
        Presence::Down
    }

    fn cycle(&self) -> Option<Cycle> {
        Some(Cycle { off: self.up, on: self.down })
    }

    fn describe(&self) -> String {
        format!("up {}, down {}", self.up, self.down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_on_while_the_host_is_down() {
        let flapping = Flapping { up: Span::from_secs(5), down: Span::from_secs(2) };
        assert_eq!(flapping.cycle(), Some(Cycle { off: Span::from_secs(5), on: Span::from_secs(2) }));
        assert!(flapping.presence() == Presence::Down && flapping.shows_at_once());
    }
}
