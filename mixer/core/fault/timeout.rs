//! `timeout`: nothing comes through, and connections close after a while.

use super::effect::RealFault;
use super::effect_params::{RANDOM, SERVERS, SEVERITY, STREAM, TOXICITY, attribute, millis, severity, toxic};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "timeout",
    "nothing comes through, and connections close after a while; the severity is the share of those that toxicity says",
    &[
        Param {
            name: "timeout",
            kind: ParamKind::Span,
            default: "`0s`",
            help: "the time after which connections close; with 0 when the fault is over",
        },
        TOXICITY,
        STREAM,
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &|arguments| {
        let severity = severity(arguments)?;
        let timeout = millis(arguments, "timeout", Span::ZERO)?;
        toxic("timeout", arguments, severity, vec![attribute("timeout", "timeout_ms", timeout)])
    },
);
