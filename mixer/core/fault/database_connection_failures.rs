//! `database_connection_failures`: a share of the connections to a database is reset before it answers.

use super::effect::RealFault;
use super::effect_params::{RANDOM, SERVERS, SEVERITY, attribute, severity, share, toxic};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "database_connection_failures",
    "a share of the connections to the servers is reset before an answer",
    &[
        Param {
            name: "share",
            kind: ParamKind::Number,
            default: "1",
            help: "the share of connections, from 0 to 1",
        },
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &|arguments| {
        let connections = share(arguments, "share", 1.0)? * severity(arguments)?;
        toxic("reset_peer", arguments, connections, vec![attribute("timeout", "timeout_ms", 0.0)])
    },
);
