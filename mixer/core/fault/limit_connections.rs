//! `limit_connections`: the proxies take only so many connections at once.

use super::effect::RealFault;
use super::effect_params::{RANDOM, SERVERS, SEVERITY, attribute, needed_whole, severity, toxic};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "limit_connections",
    "further connections than a number of them are closed at once; needs `promemu proxy`",
    &[
        Param {
            name: "max",
            kind: ParamKind::Number,
            default: "",
            help: "connections to each server at once; with a severity of 0.5 twice as many",
        },
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &|arguments| {
        let max = (needed_whole(arguments, "max", 0.0)? / severity(arguments)?).round();
        toxic("limit_connections", arguments, 1.0, vec![attribute("connections", "connections", max)])
    },
);
