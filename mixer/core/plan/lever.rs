//! Levers: named numbers of a run that faults and people move, and that formulas, models and faults read.

use std::fmt;
use std::sync::Arc;

use super::curve::Curve;
use crate::time::Span;

/// A lever of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct LeverPlan {
    /// Its name, as in `run.NAME`.
    pub name: Arc<str>,
    /// Its value while nothing moves it.
    pub default: f64,
}

/// A change of a lever while a fault is active.
#[derive(Clone, Debug, PartialEq)]
pub struct LeverChange {
    /// The lever, as an index into [`super::Plan::levers`].
    pub lever: usize,
    /// The way in which the curve changes it.
    pub by: ChangeBy,
    /// The curve, which begins with the fault.
    pub curve: Curve,
}

/// The way in which a fault changes a lever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeBy {
    /// The lever has the curve's value. Of several faults the last one in the config counts.
    Set,
    /// The lever's value is multiplied by the curve's.
    Times,
    /// The curve's value is added to the lever's, after all multiplications.
    Plus,
}

impl LeverChange {
    /// The lever's value so long after the change's begin; `before` is that of the changes so far, `without` that without any.
    #[must_use]
    pub fn applied_to(&self, before: f64, without: f64, since: Span) -> f64 {
        let by_curve = self.curve.at(since, self.by.neutral(without));
        match self.by {
            ChangeBy::Set => by_curve,
            ChangeBy::Times => before * by_curve,
            ChangeBy::Plus => before + by_curve,
        }
    }
}

impl fmt::Display for LeverChange {
    /// The change without the lever's name, as in `= 5` or `× ramp to 5 over 2m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.by {
            ChangeBy::Set => "=",
            ChangeBy::Times => "×",
            ChangeBy::Plus => "+",
        };
        write!(f, "{sign} {}", self.curve)
    }
}

impl ChangeBy {
    /// The value of a curve that changes nothing; ramps start from it. `without` is the lever's value without faults.
    #[must_use]
    pub const fn neutral(self, without: f64) -> f64 {
        match self {
            Self::Set => without,
            Self::Times => 1.0,
            Self::Plus => 0.0,
        }
    }
}
