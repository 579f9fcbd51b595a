//! `slicer`: bytes come in small pieces.

use super::effect::RealFault;
use super::effect_params::{
    RANDOM, SERVERS, SEVERITY, STREAM, TOXICITY, attribute, millis, severity, toxic, whole,
};
use super::kind::{FaultError, FaultKind};
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

const MICROS_OF_MILLI: f64 = 1_000.0;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "slicer",
    "bytes come in small pieces, one after the other",
    &[
        Param {
            name: "average_size",
            kind: ParamKind::Number,
            default: "64",
            help: "bytes of a piece on average; with a severity of 0.5 twice as many",
        },
        Param {
            name: "size_variation",
            kind: ParamKind::Number,
            default: "0",
            help: "a piece differs from that by up to so many bytes; less than `average_size`",
        },
        Param {
            name: "delay",
            kind: ParamKind::Span,
            default: "`0s`",
            help: "the time from one piece to the next",
        },
        TOXICITY,
        STREAM,
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &build,
);

fn build(arguments: &mut Arguments) -> Result<RealFault, FaultError> {
    let severity = severity(arguments)?;
    let average = whole(arguments, "average_size", 1.0)?.unwrap_or(64.0);
    let variation = whole(arguments, "size_variation", 0.0)?.unwrap_or_default();
    if variation >= average {
        let message =
            format!("size_variation must be less than average_size, but is {variation} of {average}");
        return Err(FaultError { param: Some("size_variation"), message });
    }
    let delay = millis(arguments, "delay", Span::ZERO)? * MICROS_OF_MILLI;
    let attributes = vec![
        attribute("average_size", "average_size_bytes", (average / severity).round()),
        attribute("size_variation", "size_variation_bytes", variation),
        attribute("delay", "delay_us", delay),
    ];
    toxic("slicer", arguments, 1.0, attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Argument;

    #[test]
    fn a_variation_that_a_toxiproxy_would_panic_on_is_refused() {
        let mut arguments = Arguments::default();
        arguments.set("size_variation", Argument::Number(64.0));
        let error = build(&mut arguments).unwrap_err();
        assert_eq!(error.message, "size_variation must be less than average_size, but is 64 of 64");
    }
}
