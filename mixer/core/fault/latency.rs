//! `latency`: what passes a proxy is late.

use super::effect::RealFault;
use super::effect_params::{
    RANDOM, SERVERS, SEVERITY, STREAM, TOXICITY, attribute, millis, needed_millis, severity, toxic,
};
use super::kind::{FaultError, FaultKind};
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "latency",
    "what passes the proxies is late",
    &[
        Param {
            name: "latency",
            kind: ParamKind::Span,
            default: "",
            help: "the delay, in whole milliseconds",
        },
        Param {
            name: "jitter",
            kind: ParamKind::Span,
            default: "`0s`",
            help: "each delay differs from it by up to this, at random",
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
    let latency = (needed_millis(arguments, "latency")? * severity).round();
    let jitter = (millis(arguments, "jitter", Span::ZERO)? * severity).round();
    let attributes =
        vec![attribute("latency", "latency_ms", latency), attribute("jitter", "jitter_ms", jitter)];
    toxic("latency", arguments, 1.0, attributes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultSpec;
    use crate::scenario::Argument;

    #[test]
    fn delays_are_scaled_by_the_severity() {
        let mut arguments = Arguments::default();
        arguments.set("latency", Argument::Span(Span::from_secs(2)));
        arguments.set("jitter", Argument::Span(Span::from_nanos(100_000_000)));
        arguments.set("severity", Argument::Number(0.5));
        arguments.set("servers", Argument::Texts(vec!["a, b".to_owned()]));
        let fault = build(&mut arguments).unwrap();
        assert_eq!(fault.describe(), "latency: latency_ms 1000, jitter_ms 50, on a,b");
    }

    #[test]
    fn what_the_proxy_would_take_and_should_not_is_refused() {
        let refused = |param: &str, argument| {
            let mut arguments = Arguments::default();
            arguments.set(param, argument);
            build(&mut arguments).unwrap_err().message
        };
        assert_eq!(refused("toxicity", Argument::Number(7.0)), "toxicity must be from 0 to 1, but is 7");
        assert_eq!(
            refused("severity", Argument::Number(0.0)),
            "severity must be above 0 and 1 at most, but is 0"
        );
        assert_eq!(
            refused("random", Argument::Number(1.5)),
            "random must be a whole number of 1 or more, but is 1.5"
        );
        assert_eq!(
            refused("latency", Argument::Span(Span::FOREVER)),
            "latency must be 30days at most, but is inf"
        );
    }
}
