//! `partition`: proxies are disabled, so that their servers are out of reach.

use super::effect::{Effect, RealFault};
use super::effect_params::{RANDOM, SERVERS, SEVERITY_OF_SERVERS, part_of_servers};
use super::kind::FaultKind;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "partition",
    "the proxies are disabled: they refuse connections, and end those that they have",
    &[SERVERS, RANDOM, SEVERITY_OF_SERVERS],
    &|arguments| Ok(Effect::Disabled(part_of_servers(arguments)?, None).into()),
);
