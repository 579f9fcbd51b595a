//! The values that a metric accepts as an override.

use std::fmt;

use super::metric::MetricPlan;
use crate::metric::{Aggregation, Kind};
use crate::number::Shown;

/// The values that a metric accepts as an override.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accepts {
    /// Any finite number.
    Finite,
    /// Always 1: the metric is an info.
    One,
    /// 0 or more: the metric is a counter.
    NotNegative,
    /// A value from the metric's `value_range`, which it observes.
    Range(f64, f64),
    /// The number of a state, 0 to this one.
    State(usize),
}

impl MetricPlan {
    /// Refuses a value that a metric of this type cannot show.
    pub fn accepts(&self, value: f64) -> Result<(), Accepts> {
        let (low, high) = self.value_range;
        let broken = match self.cells.aggregation() {
            _ if !value.is_finite() => Accepts::Finite,
            Aggregation::Info => Accepts::One,
            Aggregation::Counter { .. } if value < 0.0 => Accepts::NotNegative,
            Aggregation::Observations { .. } if value < low || value > high => Accepts::Range(low, high),
            Aggregation::State => match &self.cells.layout().kind {
                Kind::StateSet { states } if !is_state(value, states.len()) => {
                    Accepts::State(states.len() - 1)
                }
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        Err(broken)
    }
}

fn is_state(value: f64, states: usize) -> bool {
    (0..states).any(|n| u32::try_from(n).is_ok_and(|n| f64::from(n).to_bits() == value.to_bits()))
}

impl fmt::Display for Accepts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finite => f.write_str("takes a finite number"),
            Self::One => f.write_str("is an info, which always shows 1"),
            Self::NotNegative => f.write_str("is a counter and takes 0 or more"),
            Self::Range(low, high) => write!(f, "observes values from {} to {}", Shown(*low), Shown(*high)),
            Self::State(last) => write!(f, "takes the number of a state, 0 to {last}"),
        }
    }
}
