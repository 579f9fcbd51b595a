//! Transforms and scales of values.

use super::spec::{Scale, Transform};
use crate::statistics::{deviation, mean, quantile, sorted};

/// The transformed value; NaN outside of its domain.
pub(super) fn transformed(value: f64, by: Transform) -> f64 {
    let found = match by {
        Transform::Log1p => libm::log1p(value),
        Transform::Logit => libm::log(value / (1.0 - value)),
    };
    if found.is_finite() { found } else { f64::NAN }
}

/// The zero and the unit of a scale, learned from values; the unit of a constant is 1.
pub(super) fn zero_and_unit(values: &[f64], by: Scale) -> (f64, f64) {
    if values.is_empty() {
        return (f64::NAN, f64::NAN);
    }
    let sorted = sorted(values);
    let (zero, unit) = match by {
        Scale::MinMax => (quantile(&sorted, 0.0), quantile(&sorted, 1.0) - quantile(&sorted, 0.0)),
        Scale::Z => (mean(values), deviation(values)),
        Scale::Robust => (quantile(&sorted, 0.5), quantile(&sorted, 0.75) - quantile(&sorted, 0.25)),
    };
    (zero, if unit > 0.0 { unit } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_of_a_domain_are_gaps() {
        assert!((transformed(0.5, Transform::Logit)).abs() < 1e-12);
        assert!((transformed(1.0, Transform::Log1p) - std::f64::consts::LN_2).abs() < 1e-12);
        for (value, by) in [
            (1.0, Transform::Logit),
            (0.0, Transform::Logit),
            (1.5, Transform::Logit),
            (-1.0, Transform::Log1p),
        ] {
            assert!(transformed(value, by).is_nan(), "{value} {by:?}");
        }
    }

    #[test]
    fn scales_have_their_zero_and_unit() {
        let values = [4.0, 0.0, 1.0, 3.0, 2.0];
        assert_eq!(zero_and_unit(&values, Scale::MinMax), (0.0, 4.0));
        assert_eq!(zero_and_unit(&values, Scale::Robust), (2.0, 2.0));
        assert_eq!(zero_and_unit(&values, Scale::Z), (2.0, std::f64::consts::SQRT_2));
        assert_eq!(zero_and_unit(&[7.0, 7.0], Scale::Z), (7.0, 1.0));
        assert!(zero_and_unit(&[], Scale::Z).0.is_nan());
    }
}
