//! The distribution of the observations of one update.
//!
//! It knows no buckets and no cells.

use std::f64::consts::{LN_2, SQRT_2};

use crate::rng::Rng;

/// The 99th percentile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// The largest deviation of the logarithm within one hump of [`Distribution::Bimodal`].
const HUMP_DEVIATION: f64 = 0.25;

/// A distribution of observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// All observations are equal.
    Constant(f64),
    /// A normal distribution.
    Normal(Gaussian),
    /// The logarithms are normally distributed.
    LogNormal(Gaussian),
    /// An exponential distribution.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Two log-normal humps.
    Bimodal {
        /// The lower hump.
        low: Gaussian,
        /// The upper hump.
        high: Gaussian,
        /// The share of observations in the upper hump.
        share: f64,
    },
}

/// The parameters of a normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gaussian {
    middle: f64,
    deviation: f64,
}

impl Gaussian {
    fn below(self, value: f64) -> f64 {
        0.5 * libm::erfc((self.middle - value) / (self.deviation * SQRT_2))
    }

    fn at(self, normal: f64) -> f64 {
        self.middle + self.deviation * normal
    }
}

/// Parameters that make no distribution give [`Distribution::Constant`].
impl Distribution {
    /// A normal distribution with this median and 99th percentile.
    #[must_use]
    pub fn normal(median: f64, p99: f64) -> Self {
        let deviation = (p99 - median) / NORMAL_P99;
        let is_good = deviation > 0.0 && deviation.is_finite();
        if is_good { Self::Normal(Gaussian { middle: median, deviation }) } else { Self::Constant(median) }
    }

    /// A log-normal distribution with this median and 99th percentile.
    #[must_use]
    pub fn lognormal(median: f64, p99: f64) -> Self {
        match Self::normal(libm::log(median), libm::log(p99)) {
            Self::Normal(gaussian) => Self::LogNormal(gaussian),
            _ => Self::Constant(median),
        }
    }

    /// An exponential distribution with this median.
    #[must_use]
    pub fn exponential(median: f64) -> Self {
        if median > 0.0 && median.is_finite() {
            Self::Exponential { mean: median / LN_2 }
        } else {
            Self::Constant(median)
        }
    }

    /// Two humps; `share` of the observations is in the upper one. `median` and `p99` are of both together.
    #[must_use]
    pub fn bimodal(median: f64, p99: f64, share: f64) -> Self {
        let distance = libm::log(p99 / median);
        if !(distance > 0.0 && distance.is_finite() && share > 0.01 && share < 0.5) {
            return Self::Constant(median);
        }
        // Humps near each other are narrow, so that they stay apart.
        let deviation = HUMP_DEVIATION.min(distance / 8.0);
        let hump =
            |value: f64, q: f64| Gaussian { middle: libm::log(value) - deviation * normal_at(q), deviation };
        Self::Bimodal { low: hump(median, 0.5 / (1.0 - share)), high: hump(p99, 1.0 - 0.01 / share), share }
    }

    /// The share of observations at or below the value.
    #[must_use]
    pub fn below(&self, value: f64) -> f64 {
        let logarithm = || if value > 0.0 { libm::log(value) } else { f64::NEG_INFINITY };
        match self {
            Self::Constant(constant) => f64::from(u8::from(value >= *constant)),
            Self::Normal(gaussian) => gaussian.below(value),
            Self::LogNormal(gaussian) => gaussian.below(logarithm()),
            Self::Exponential { mean } => -libm::expm1(-value.max(0.0) / mean),
            Self::Bimodal { low, high, share } => {
                let logarithm = logarithm();
                (1.0 - share) * low.below(logarithm) + share * high.below(logarithm)
            }
        }
    }

    /// `true` if all observations are finite.
    #[must_use]
    pub const fn is_finite(&self) -> bool {
        !matches!(self, Self::Constant(constant) if !constant.is_finite())
    }

    /// Draws one observation.
    pub fn draw(&self, rng: &mut Rng) -> f64 {
        match self {
            Self::Constant(constant) => *constant,
            Self::Normal(gaussian) => gaussian.at(rng.normal()),
            Self::LogNormal(gaussian) => libm::exp(gaussian.at(rng.normal())),
            Self::Exponential { mean } => -mean * libm::log1p(-rng.unit()),
            Self::Bimodal { low, high, share } => {
                let gaussian = if rng.unit() < *share { high } else { low };
                libm::exp(gaussian.at(rng.normal()))
            }
        }
    }

    /// The range that holds all but one in a thousand million observations.
    #[must_use]
    pub fn extent(&self) -> (f64, f64) {
        const FAR: f64 = 6.0;
        match self {
            Self::Constant(constant) => (*constant, *constant),
            Self::Normal(gaussian) => (gaussian.at(-FAR), gaussian.at(FAR)),
            Self::LogNormal(gaussian) => (libm::exp(gaussian.at(-FAR)), libm::exp(gaussian.at(FAR))),
            Self::Exponential { mean } => (mean * 1e-9, mean * 21.0),
            Self::Bimodal { low, high, .. } => (libm::exp(low.at(-FAR)), libm::exp(high.at(FAR))),
        }
    }

    /// The mean of observations clamped to a range, drawn from strata: unbiased, with little noise.
    pub(super) fn mean_within(&self, range: (f64, f64), rng: &mut Rng) -> f64 {
        const STRATA: u8 = 32;
        let mut mean = |at: &dyn Fn(f64) -> f64| {
            let strata = (0..STRATA).map(|n| {
                let q = (f64::from(n) + rng.unit()) / f64::from(STRATA);
                at(q).clamp(range.0, range.1)
            });
            strata.sum::<f64>() / f64::from(STRATA)
        };
        match self {
            Self::Constant(constant) => constant.clamp(range.0, range.1),
            Self::Normal(gaussian) => mean(&|q| gaussian.at(normal_at(q))),
            Self::LogNormal(gaussian) => mean(&|q| libm::exp(gaussian.at(normal_at(q)))),
            Self::Exponential { mean: scale } => mean(&|q| -scale * libm::log1p(-q)),
            Self::Bimodal { low, high, share } => {
                let low = mean(&|q| libm::exp(low.at(normal_at(q))));
                (1.0 - share) * low + share * mean(&|q| libm::exp(high.at(normal_at(q))))
            }
        }
    }
}

/// The quantile function of the standard normal distribution: formula 26.2.23 of Abramowitz and Stegun,
/// "Handbook of Mathematical Functions", improved by one step of Newton's method.
fn normal_at(q: f64) -> f64 {
    let tail = q.min(1.0 - q).max(f64::MIN_POSITIVE);
    let t = libm::sqrt(-2.0 * libm::log(tail));
    let far = t
        - (2.515_517 + t * (0.802_853 + t * 0.010_328))
            / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    let density = libm::exp(-0.5 * far * far) / libm::sqrt(std::f64::consts::TAU);
    let far = far + (0.5 * libm::erfc(far / SQRT_2) - tail) / density;
    if q < 0.5 { -far } else { far }
}

/// A draw from the binomial distribution, by inversion; where that would take long, as a rounded normal number.
pub(super) fn binomial(count: f64, probability: f64, rng: &mut Rng) -> f64 {
    const FEW: f64 = 30.0;
    if probability > 0.5 {
        return count - binomial(count, 1.0 - probability, rng);
    }
    let mean = count * probability;
    if mean <= 0.0 {
        return 0.0;
    }
    if mean > FEW {
        let deviation = libm::sqrt(mean * (1.0 - probability));
        return libm::round(mean + deviation * rng.normal()).clamp(0.0, count);
    }
    let odds = probability / (1.0 - probability);
    let (mut rest, mut hits) = (rng.unit(), 0.0);
    let mut likely = libm::exp(count * libm::log1p(-probability));
    while rest > likely && hits < count {
        rest -= likely;
        hits += 1.0;
        likely *= odds * (count - hits + 1.0) / hits;
        if likely < 1e-300 {
            break;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Seed;

    fn all(median: f64, p99: f64) -> [Distribution; 3] {
        [
            Distribution::normal(median, p99),
            Distribution::lognormal(median, p99),
            Distribution::bimodal(median, p99, 0.1),
        ]
    }

    proptest! {
        #[test]
        fn half_are_below_the_median_and_99_of_100_below_p99(
            median in 1e-6..1e6f64,
            ratio in 1.05..1000.0f64,
            share in 0.02..0.4f64,
        ) {
            let p99 = median * ratio;
            let bimodal = Distribution::bimodal(median, p99, share);
            for distribution in all(median, p99).into_iter().chain([bimodal]) {
                prop_assert!((distribution.below(median) - 0.5).abs() < 0.01, "{distribution:?}");
                prop_assert!((distribution.below(p99) - 0.99).abs() < 0.0005, "{distribution:?}");
            }
            let exponential = Distribution::exponential(median);
            prop_assert!((exponential.below(median) - 0.5).abs() < 1e-9);
        }

        #[test]
        fn draws_and_means_are_those_of_the_distribution(ratio in 1.1..20.0f64, seed: u64) {
            let mut rng = Seed::new(seed).rng();
            for distribution in all(1.0, ratio).into_iter().chain([Distribution::exponential(1.0)]) {
                let mut drawn: Vec<f64> = (0..4000).map(|_| distribution.draw(&mut rng)).collect();
                drawn.sort_by(f64::total_cmp);
                prop_assert!((distribution.below(drawn[2000]) - 0.5).abs() < 0.05);
                let wide = (f64::NEG_INFINITY, f64::INFINITY);
                let means = (0..100).map(|_| distribution.mean_within(wide, &mut rng));
                let (mean, drawn) = (means.sum::<f64>() / 100.0, drawn.iter().sum::<f64>() / 4000.0);
                prop_assert!((mean - drawn).abs() < 0.1 + 0.04 * ratio, "{distribution:?}: {mean} and {drawn}");
            }
        }

        #[test]
        fn a_binomial_draw_is_near_its_mean(count in 0..1_000_000u32, probability in 0.0..=1.0f64, seed: u64) {
            let mut rng = Seed::new(seed).rng();
            let (count, draws) = (f64::from(count), 50);
            let drawn: Vec<f64> = (0..draws).map(|_| binomial(count, probability, &mut rng)).collect();
            let mean = drawn.iter().sum::<f64>() / f64::from(draws);
            let deviation = (count * probability * (1.0 - probability) / f64::from(draws)).sqrt();
            prop_assert!((mean - count * probability).abs() <= 6.0 * deviation + 0.5);
            prop_assert!(drawn.iter().all(|hits| *hits >= 0.0 && *hits <= count && hits.fract() == 0.0));
        }
    }

    #[test]
    fn parameters_that_make_no_distribution_give_a_constant() {
        for distribution in [
            Distribution::normal(1.0, 1.0),
            Distribution::lognormal(0.0, 1.0),
            Distribution::lognormal(2.0, 1.0),
            Distribution::exponential(-1.0),
            Distribution::bimodal(1.0, f64::NAN, 0.1),
        ] {
            assert!(matches!(distribution, Distribution::Constant(_)), "{distribution:?}");
        }
    }
}
