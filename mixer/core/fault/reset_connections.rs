//! `reset_connections`: connections are reset, and what they had is lost.

use super::effect::RealFault;
use super::effect_params::{RANDOM, SERVERS, SEVERITY, TOXICITY, attribute, millis, severity, toxic};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "reset_connections",
    "connections are reset; the severity is the share of those that toxicity says",
    &[
        Param {
            name: "timeout",
            kind: ParamKind::Span,
            default: "`0s`",
            help: "the time from the first bytes of a connection to its reset",
        },
        TOXICITY,
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &|arguments| {
        let severity = severity(arguments)?;
        let timeout = millis(arguments, "timeout", Span::ZERO)?;
        toxic("reset_peer", arguments, severity, vec![attribute("timeout", "timeout_ms", timeout)])
    },
);
