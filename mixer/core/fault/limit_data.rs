//! `limit_data`: connections close after a number of bytes.

use super::effect::RealFault;
use super::effect_params::{
    RANDOM, SERVERS, SEVERITY, STREAM, TOXICITY, attribute, needed_whole, severity, toxic,
};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "limit_data",
    "connections close after a number of bytes",
    &[
        Param {
            name: "bytes",
            kind: ParamKind::Number,
            default: "",
            help: "the number of bytes; with a severity of 0.5 twice as many",
        },
        TOXICITY,
        STREAM,
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &|arguments| {
        let bytes = (needed_whole(arguments, "bytes", 0.0)? / severity(arguments)?).round();
        toxic("limit_data", arguments, 1.0, vec![attribute("bytes", "bytes", bytes)])
    },
);
