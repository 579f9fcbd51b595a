//! `service_unavailable`: servers take connections, and close them without an answer, as a load balancer does whose service is gone.

use super::effect::RealFault;
use super::effect_params::{RANDOM, SERVERS, SEVERITY, attribute, severity, toxic};
use super::kind::FaultKind;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "service_unavailable",
    "the servers take connections, and close them without an answer; the severity is the share of connections",
    &[SERVERS, RANDOM, SEVERITY],
    &|arguments| {
        let connections = severity(arguments)?;
        toxic("limit_data", arguments, connections, vec![attribute("bytes", "bytes", 0.0)])
    },
);
