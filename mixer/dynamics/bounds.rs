//! Values that stay in their bounds by construction.
//!
//! The model works on a number without bounds. Near a bound it bends: with one bound it is a softplus, with two a logit whose middle
//! is straight. Further away the number is the value itself, so what is linear stays so.

use serde::{Deserialize, Serialize};

/// The bounds of a value, and how near to one it bends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// `true` if it is never below 0.
    pub is_positive: bool,
    /// It is never above this.
    pub high: Option<f64>,
    /// The width of the bend, above 0.
    pub softness: f64,
}

/// A value at a bound is as far from it as this share of the softness; without it the number would be infinite.
const NEAREST: f64 = 0.02;

impl Bounds {
    /// No bounds.
    pub const NONE: Self = Self { is_positive: false, high: None, softness: 1.0 };

    /// The value of a number without bounds.
    #[must_use]
    pub fn value(&self, free: f64) -> f64 {
        if !self.is_positive {
            return free;
        }
        let soft = self.softness;
        let above = soft * softplus(free / soft);
        let Some(high) = self.high else { return above };
        (above - soft * softplus((free - high) / soft)).clamp(0.0, high)
    }

    /// The number without bounds of a value; one beyond a bound is as one near to it.
    #[must_use]
    pub fn free(&self, value: f64) -> f64 {
        if !self.is_positive {
            return value;
        }
        let soft = self.softness;
        let nearest = NEAREST * soft;
        let Some(high) = self.high else {
            let value = value.max(nearest);
            return value + soft * below_one(value / soft);
        };
        let nearest = nearest.min(high / 4.0);
        let value = value.clamp(nearest, high - nearest);
        value + soft * (below_one(value / soft) - below_one((high - value) / soft))
    }
}

/// ln(1 + eˣ).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// ln(1 − e⁻ˣ), for x above 0.
fn below_one(x: f64) -> f64 {
    libm::log(-libm::expm1(-x))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_within_its_bounds_is_found_again(share in 0.05f64..0.95, high in 0.1f64..1e6, soft in 0.001f64..1.0) {
            for high_bound in [None, Some(high)] {
                let bounds = Bounds { is_positive: true, high: high_bound, softness: soft * high };
                let value = share * high;
                let again = bounds.value(bounds.free(value));
                prop_assert!((again - value).abs() < 1e-6 * high, "{value} {again}");
            }
        }

        #[test]
        fn any_number_is_within_the_bounds(free in -1e12f64..1e12, high in 0.1f64..1e6, soft in 0.001f64..1.0) {
            let share = Bounds { is_positive: true, high: Some(high), softness: soft * high };
            prop_assert!((0.0..=high).contains(&share.value(free)));
            let positive = Bounds { high: None, ..share };
            prop_assert!(positive.value(free) >= 0.0);
            prop_assert_eq!(Bounds::NONE.value(free).to_bits(), free.to_bits());
        }
    }

    #[test]
    fn far_from_the_bounds_the_number_is_the_value_and_at_them_it_is_finite() {
        let share = Bounds { is_positive: true, high: Some(1.0), softness: 0.02 };
        assert!((share.free(0.5) - 0.5).abs() < 1e-9);
        for value in [-1.0, 0.0, 1.0, 2.0] {
            assert!(share.free(value).is_finite() && (share.free(value) - value.clamp(0.0, 1.0)).abs() < 0.1);
        }
    }
}
