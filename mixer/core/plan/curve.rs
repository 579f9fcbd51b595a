//! Curves: values of a lever from the begin of a fault on.

use std::f64::consts::TAU;
use std::fmt;

use crate::number::Shown;
use crate::time::Span;

/// A value that depends on the time since a begin. `start` is the value without it.
#[derive(Clone, Debug, PartialEq)]
pub enum Curve {
    /// Always this.
    Constant(f64),
    /// From `start` to a value in this time, and then that value.
    Ramp {
        /// The value at the end.
        to: f64,
        /// The time until then.
        over: Span,
    },
    /// Straight lines between points in the order of time. The first value holds before the first point, the last one
    /// after the last point.
    Points(Vec<(Span, f64)>),
    /// A wave around `offset`; around `start` if that is `None`.
    Sine {
        /// The length of a wave.
        period: Span,
        /// Half the height of a wave.
        amplitude: f64,
        /// The middle of a wave.
        offset: Option<f64>,
    },
}

impl Curve {
    /// The value so long after the begin.
    #[must_use]
    pub fn at(&self, since: Span, start: f64) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Ramp { to, over } if since >= *over => *to,
            Self::Ramp { to, over } => between(start, *to, share(since, *over)),
            Self::Points(points) => {
                let next = points.partition_point(|(at, _)| *at <= since);
                match (next.checked_sub(1).map(|last| points[last]), points.get(next)) {
                    (Some((from, low)), Some((until, high))) => {
                        between(low, *high, share(since.minus(from), until.minus(from)))
                    }
                    (Some((_, value)), None) | (None, Some(&(_, value))) => value,
                    (None, None) => start,
                }
            }
            Self::Sine { period, amplitude, offset } => {
                let phase = Span::from_nanos(since.as_nanos() % period.as_nanos().max(1));
                offset.unwrap_or(start) + amplitude * libm::sin(TAU * share(phase, *period))
            }
        }
    }

    /// `true` if its value changes right after this time.
    #[must_use]
    pub fn moves(&self, since: Span) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Ramp { over, .. } => since < *over,
            Self::Points(points) => points.len() > 1 && points.last().is_some_and(|(at, _)| since < *at),
            Self::Sine { .. } => true,
        }
    }

    /// The first time after this one at which it bends, if it does.
    #[must_use]
    pub fn next_bend(&self, since: Span) -> Option<Span> {
        match self {
            Self::Constant(_) | Self::Sine { .. } => None,
            Self::Ramp { over, .. } => Some(*over).filter(|over| since < *over),
            Self::Points(points) => points.iter().map(|(at, _)| *at).find(|at| since < *at),
        }
    }
}

impl fmt::Display for Curve {
    /// In words, as in `ramp to 5 over 2m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => Shown(*value).fmt(f),
            Self::Ramp { to, over } => write!(f, "ramp to {} over {over}", Shown(*to)),
            Self::Points(points) => write!(f, "curve of {} points", points.len()),
            Self::Sine { period, .. } => write!(f, "sine of {period}"),
        }
    }
}

fn between(low: f64, high: f64, share: f64) -> f64 {
    low + (high - low) * share
}

/// The quotient of two spans.
fn share(part: Span, whole: Span) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64()
}
