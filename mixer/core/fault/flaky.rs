//! `flaky`: proxies are disabled again and again.

use super::effect::{Effect, RealFault};
use super::effect_params::{RANDOM, SERVERS, SEVERITY, needed_millis, servers, severity};
use super::kind::{FaultError, FaultKind};
use super::spec::Cycle;
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

/// The shortest part of a cycle: a request to a proxy takes its time.
const SHORTEST_MILLIS: f64 = 100.0;

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "flaky",
    "the proxies are as always for a while, and disabled for a while, again and again",
    &[
        Param {
            name: "up",
            kind: ParamKind::Span,
            default: "",
            help: "the time as always, first; 100 ms or longer",
        },
        Param {
            name: "down",
            kind: ParamKind::Span,
            default: "",
            help: "the time for which they are disabled; 100 ms or longer",
        },
        SERVERS,
        RANDOM,
        SEVERITY,
    ],
    &build,
);

fn build(arguments: &mut Arguments) -> Result<RealFault, FaultError> {
    let severity = severity(arguments)?;
    let mut part = |param, factor: f64| {
        let millis = needed_millis(arguments, param)? * factor;
        if millis < SHORTEST_MILLIS {
            let message = format!("{param} must be 100ms or longer");
            return Err(FaultError { param: Some(param), message });
        }
        Ok(Span::from_secs_f64(millis / 1_000.0).unwrap_or(Span::FOREVER))
    };
    let cycle = Cycle { off: part("up", 1.0)?, on: part("down", severity)? };
    Ok(Effect::Disabled(servers(arguments)?, Some(cycle)).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Argument;

    #[test]
    fn the_time_down_is_scaled_by_the_severity() {
        let mut arguments = Arguments::default();
        let mut set =
            |name, millis: u64| arguments.set(name, Argument::Span(Span::from_nanos(millis * 1_000_000)));
        set("up", 5_000);
        set("down", 3_000);
        arguments.set("severity", Argument::Number(0.5));
        let RealFault(Effect::Disabled(_, cycle)) = build(&mut arguments).unwrap() else { panic!("a toxic") };
        assert_eq!(cycle, Some(Cycle { off: Span::from_secs(5), on: Span::from_nanos(1_500_000_000) }));
        arguments.set("up", Argument::Span(Span::from_nanos(1)));
        arguments.set("down", Argument::Span(Span::from_secs(1)));
        assert_eq!(build(&mut arguments).unwrap_err().message, "up must be 100ms or longer");
    }
}
