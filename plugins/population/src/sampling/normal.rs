//! The standard normal distribution.

use std::f64::consts::{SQRT_2, TAU};

use crate::random::Random;

/// A number from the distribution.
pub(crate) fn normal(random: &mut Random) -> f64 {
    normal_quantile(random.unit())
}

/// The probability of a number up to this one.
pub(crate) fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// The number up to which this share lies, which is between 0 and 1. The rational approximation of Acklam, and one step of
/// Halley's method in the tails, where it is less exact.
pub(crate) fn normal_quantile(share: f64) -> f64 {
    const LOW: f64 = 0.024_25;
    if share < LOW {
        tail(share)
    } else if share > 1.0 - LOW {
        -tail(1.0 - share)
    } else {
        let q = share - 0.5;
        let r = q * q;
        let top = polynomial(&A, r) * q;
        top / (polynomial(&B, r) * r + 1.0)
    }
}

fn tail(share: f64) -> f64 {
    let q = (-2.0 * libm::log(share)).sqrt();
    let x = polynomial(&C, q) / (polynomial(&D, q) * q + 1.0);
    let error = (normal_cdf(x) - share) * TAU.sqrt() * libm::exp(x * x / 2.0);
    x - error / (1.0 + x * error / 2.0)
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

const A: [f64; 6] = [
    -3.969_683_028_665_376e1,
    2.209_460_984_245_205e2,
    -2.759_285_104_469_687e2,
    1.383_577_518_672_69e2,
    -3.066_479_806_614_716e1,
    2.506_628_277_459_239,
];
const B: [f64; 5] = [
    -5.447_609_879_822_406e1,
    1.615_858_368_580_409e2,
    -1.556_989_798_598_866e2,
    6.680_131_188_771_972e1,
    -1.328_068_155_288_572e1,
];
const C: [f64; 6] = [
    -7.784_894_002_430_293e-3,
    -3.223_964_580_411_365e-1,
    -2.400_758_277_161_838,
    -2.549_732_539_343_734,
    4.374_664_141_464_968,
    2.938_163_982_698_783,
];
const D: [f64; 4] =
    [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert_the_distribution() {
        for share in [1e-12, 1e-5, 0.01, 0.024, 0.03, 0.2, 0.5, 0.9, 0.98, 0.999_99] {
            let back = normal_cdf(normal_quantile(share));
            assert!((back / share - 1.0).abs() < 1e-8, "{share}: {back}");
        }
        assert!((normal_cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-12);
    }
}
