//! The parameters that kinds of effects share, and their checks: a proxy takes a toxicity of 7 and a negative latency.

use super::effect::{Attribute, Effect, RealFault, ServerChoice, Stream, Toxic};
use super::kind::{FaultBuild, FaultError, FaultKind, FaultSchedule};
use crate::number::Shown;
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

/// The longest time that an attribute can have; Toxiproxy keeps nanoseconds in 64 bits.
const LONGEST: Span = Span::from_secs(30 * 24 * 3_600);
const MILLI_NANOS: u64 = 1_000_000;
/// The largest number, so that nothing that is made of one is too large for the API.
const NUMBER_MAX: f64 = 1e12;

pub(super) const SERVERS: Param = Param {
    name: "servers",
    kind: ParamKind::Texts,
    default: "`all`",
    help: "the names of servers of `toxiproxy`, in a list or with commas between; `all` for all of them",
};

pub(super) const RANDOM: Param = Param {
    name: "random",
    kind: ParamKind::Number,
    default: "all of them",
    help: "it is for so many of the servers only, which the seed draws",
};

pub(super) const SEVERITY: Param = Param {
    name: "severity",
    kind: ParamKind::Number,
    default: "1",
    help: "above 0 and 1 at most: a part of what the other parameters say",
};

pub(super) const SEVERITY_OF_SERVERS: Param = Param {
    name: "severity",
    kind: ParamKind::Number,
    default: "1",
    help: "above 0 and 1 at most: the part of the servers that it is for, drawn by the seed, at least one",
};

pub(super) const PER_CONNECTION: Param = Param {
    name: "per_connection",
    kind: ParamKind::Choice(&["true", "false"]),
    default: "`true`",
    help: "`true` for a rate of each connection, `false` for one of all to a server together, which needs `promemu proxy`",
};

pub(super) const TOXICITY: Param = Param {
    name: "toxicity",
    kind: ParamKind::Number,
    default: "1",
    help: "the share of connections that it is for, from 0 to 1",
};

pub(super) const STREAM: Param = Param {
    name: "stream",
    kind: ParamKind::Choice(&["downstream", "upstream"]),
    default: "`downstream`",
    help: "the bytes that it is for: those of answers, or those of requests, `upstream`",
};

impl RealFault {
    /// A kind of fault that is done for real.
    pub(super) const fn kind(
        name: &'static str,
        summary: &'static str,
        params: &'static [Param],
        build: &'static FaultBuild<Self>,
    ) -> FaultKind<Self> {
        FaultKind {
            name,
            summary,
            schedule: FaultSchedule::OfRun,
            takes_metrics: false,
            untimed_error: None,
            params,
            build,
        }
    }
}

impl From<Effect> for RealFault {
    fn from(effect: Effect) -> Self {
        Self(effect)
    }
}

/// Toxics that `promemu proxy` has, and a Toxiproxy does not.
const OWN: [&str; 3] = ["stall", "shared_bandwidth", "limit_connections"];

/// A toxic on the servers that the arguments name, for the share of connections that they name: all, if the kind has no such
/// parameter. `part` is the part of that share.
pub(super) fn toxic(
    kind: &'static str,
    arguments: &mut Arguments,
    part: f64,
    attributes: Vec<Attribute>,
) -> Result<RealFault, FaultError> {
    let toxicity = share(arguments, "toxicity", 1.0)? * part;
    let stream = stream(arguments);
    let toxic = Toxic { kind, stream, toxicity, attributes, is_own: OWN.contains(&kind) };
    Ok(Effect::Toxic(servers(arguments)?, toxic).into())
}

/// An attribute with its names in the API and in metrics.
pub(super) const fn attribute(name: &'static str, param: &'static str, value: f64) -> Attribute {
    Attribute { name, param, value }
}

/// Takes the servers, of which the severity is a part.
pub(super) fn part_of_servers(arguments: &mut Arguments) -> Result<ServerChoice, FaultError> {
    let part = severity(arguments)?;
    Ok(ServerChoice { part, ..servers(arguments)? })
}

/// Takes the servers.
pub(super) fn servers(arguments: &mut Arguments) -> Result<ServerChoice, FaultError> {
    let texts = arguments.texts("servers").unwrap_or_default();
    let listed = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
    let mut named = Vec::new();
    let mut is_all = false;
    for name in listed {
        if name.is_empty() {
            return Err(wrong(
                "servers",
                "servers has an empty name; leave it out, or write a name".to_owned(),
            ));
        }
        is_all |= name == "all";
        named.push(name.into());
    }
    if is_all && named.len() > 1 {
        return Err(wrong("servers", "servers names all of them, and some, too; keep one".to_owned()));
    }
    let named = if is_all { Vec::new() } else { named };
    let drawn = whole(arguments, "random", 1.0)?;
    Ok(ServerChoice { named, drawn: drawn.map(count), part: 1.0 })
}

/// Takes the severity.
pub(super) fn severity(arguments: &mut Arguments) -> Result<f64, FaultError> {
    let severity = arguments.number("severity").unwrap_or(1.0);
    if severity > 0.0 && severity <= 1.0 {
        return Ok(severity);
    }
    Err(wrong("severity", format!("severity must be above 0 and 1 at most, but is {}", Shown(severity))))
}

/// Takes a share from 0 to 1.
pub(super) fn share(arguments: &mut Arguments, param: &'static str, default: f64) -> Result<f64, FaultError> {
    let share = arguments.number(param).unwrap_or(default);
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(wrong(param, format!("{param} must be from 0 to 1, but is {}", Shown(share))))
}

/// Takes a share from 0 to 1 that must be given.
pub(super) fn needed_share(arguments: &mut Arguments, param: &'static str) -> Result<f64, FaultError> {
    share(arguments, param, 0.0)
}

/// Takes TCP ports.
pub(super) fn ports(arguments: &mut Arguments, param: &'static str) -> Result<Vec<u16>, FaultError> {
    let port = |number: f64| {
        let port = (0..=u16::MAX).find(|port| f64::from(*port).to_bits() == number.to_bits());
        port.filter(|port| *port > 0).ok_or_else(|| {
            let message =
                format!("{param} must be whole numbers from 1 to 65535, but one is {}", Shown(number));
            wrong(param, message)
        })
    };
    arguments.numbers(param).unwrap_or_default().into_iter().map(port).collect()
}

/// Takes the direction.
fn stream(arguments: &mut Arguments) -> Stream {
    match arguments.text("stream").as_deref() {
        Some("upstream") => Stream::Upstream,
        _ => Stream::Downstream,
    }
}

/// Takes a length of time in whole milliseconds.
pub(super) fn millis(
    arguments: &mut Arguments,
    param: &'static str,
    default: Span,
) -> Result<f64, FaultError> {
    let span = arguments.span(param).unwrap_or(default);
    if span > LONGEST {
        return Err(wrong(param, format!("{param} must be {LONGEST} at most, but is {span}")));
    }
    Ok(Span::from_secs(span.as_nanos().div_ceil(MILLI_NANOS)).as_secs_f64())
}

/// Takes a length of time in whole milliseconds, which must be given.
pub(super) fn needed_millis(arguments: &mut Arguments, param: &'static str) -> Result<f64, FaultError> {
    millis(arguments, param, Span::ZERO)
}

/// Takes a number above 0 that must be given.
pub(super) fn positive(arguments: &mut Arguments, param: &'static str) -> Result<f64, FaultError> {
    let number = arguments.number(param).unwrap_or_default();
    if number > 0.0 && number <= NUMBER_MAX {
        return Ok(number);
    }
    let range = if number > 0.0 { format!("{} at most", Shown(NUMBER_MAX)) } else { "above 0".to_owned() };
    Err(wrong(param, format!("{param} must be {range}, but is {}", Shown(number))))
}

/// Takes a whole number that must be given.
pub(super) fn needed_whole(
    arguments: &mut Arguments,
    param: &'static str,
    low: f64,
) -> Result<f64, FaultError> {
    Ok(whole(arguments, param, low)?.unwrap_or(low))
}

/// Takes a whole number, if it is given.
pub(super) fn whole(
    arguments: &mut Arguments,
    param: &'static str,
    low: f64,
) -> Result<Option<f64>, FaultError> {
    let Some(number) = arguments.number(param) else { return Ok(None) };
    if number >= low && number <= NUMBER_MAX && number.fract() == 0.0 {
        return Ok(Some(number));
    }
    let message =
        format!("{param} must be a whole number of {} or more, but is {}", Shown(low), Shown(number));
    Err(wrong(param, message))
}

/// A checked whole number as a count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole and far below 2^52, as checked"
)]
const fn count(number: f64) -> usize {
    number as usize
}

fn wrong(param: &'static str, message: String) -> FaultError {
    FaultError { param: Some(param), message }
}
