//! `stall_connections`: a share of connections stands still, and goes on afterwards. That is what a loss of packets looks like to
//! a program behind TCP.

use super::effect::RealFault;
use super::effect_params::{RANDOM, SERVERS, SEVERITY, STREAM, attribute, millis, severity, share, toxic};
use super::kind::{FaultError, FaultKind};
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "stall_connections",
    "a share of connections stands still, and goes on afterwards; needs `promemu proxy`",
    &[
        Param {
            name: "share",
            kind: ParamKind::Number,
            default: "",
            help: "the share of connections, from 0 to 1",
        },
        Param {
            name: "of_time",
            kind: ParamKind::Number,
            default: "1",
            help: "the share of the time for which each of them stands still, from 0 to 1; with 1 until the fault is over",
        },
        Param {
            name: "period",
            kind: ParamKind::Span,
            default: "`1s`",
            help: "the time in which a connection stands still once",
        },
        STREAM,
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &build,
);

fn build(arguments: &mut Arguments) -> Result<RealFault, FaultError> {
    let severity = severity(arguments)?;
    let connections = share(arguments, "share", 1.0)? * severity;
    let of_time = share(arguments, "of_time", 1.0)?;
    let period = millis(arguments, "period", Span::from_secs(1))?.max(1.0);
    let attributes = vec![attribute("share", "of_time", of_time), attribute("period", "period_ms", period)];
    toxic("stall", arguments, connections, attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Effect;
    use crate::scenario::Argument;

    #[test]
    fn the_share_of_connections_is_the_toxicity() {
        let mut arguments = Arguments::default();
        arguments.set("share", Argument::Number(0.5));
        arguments.set("severity", Argument::Number(0.5));
        let RealFault(Effect::Toxic(_, toxic)) = build(&mut arguments).unwrap() else { panic!("no toxic") };
        assert_eq!((toxic.kind, toxic.toxicity.to_bits(), toxic.is_own), ("stall", 0.25f64.to_bits(), true));
    }
}
