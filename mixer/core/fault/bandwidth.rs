//! `bandwidth`: bytes pass the proxies no faster than a rate.

use super::effect::RealFault;
use super::effect_params::{
    PER_CONNECTION, RANDOM, SERVERS, SEVERITY, STREAM, TOXICITY, attribute, positive, severity, toxic,
};
use super::kind::{FaultError, FaultKind};
use crate::scenario::{Arguments, Param, ParamKind};

/// Bytes of the unit of a proxy's rates.
const KILO_BYTES: f64 = 1_000.0;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "bandwidth",
    "bytes pass the proxies no faster than a rate",
    &[
        Param {
            name: "rate",
            kind: ParamKind::Number,
            default: "",
            help: "bytes in a second, as 100000 or `1MiB`, in whole kB; with a severity of 0.5 twice as many",
        },
        PER_CONNECTION,
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
    let rate = positive(arguments, "rate")? / severity / KILO_BYTES;
    let is_shared = arguments.text("per_connection").as_deref() == Some("false");
    let kind = if is_shared { "shared_bandwidth" } else { "bandwidth" };
    toxic(kind, arguments, 1.0, vec![attribute("rate", "rate_kbps", rate.round().max(1.0))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultSpec;
    use crate::scenario::Argument;

    #[test]
    fn a_rate_is_of_each_connection_or_of_all_together() {
        let mut arguments = Arguments::default();
        arguments.set("rate", Argument::Number(1_048_576.0));
        arguments.set("severity", Argument::Number(0.5));
        assert_eq!(build(&mut arguments).unwrap().describe(), "bandwidth: rate_kbps 2097, on all");
        arguments.set("rate", Argument::Number(1.0));
        arguments.set("per_connection", Argument::Text("false".to_owned()));
        assert_eq!(build(&mut arguments).unwrap().describe(), "shared_bandwidth: rate_kbps 1, on all");
        arguments.set("rate", Argument::Number(0.0));
        assert_eq!(build(&mut arguments).unwrap_err().message, "rate must be above 0, but is 0");
    }
}
