//! `slow_close`: connections close late.

use super::effect::RealFault;
use super::effect_params::{RANDOM, SERVERS, SEVERITY, TOXICITY, attribute, needed_millis, severity, toxic};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "slow_close",
    "connections close late",
    &[
        Param { name: "delay", kind: ParamKind::Span, default: "", help: "the delay of a close" },
        TOXICITY,
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &|arguments| {
        let delay = (needed_millis(arguments, "delay")? * severity(arguments)?).round();
        toxic("slow_close", arguments, 1.0, vec![attribute("delay", "delay_ms", delay)])
    },
);
