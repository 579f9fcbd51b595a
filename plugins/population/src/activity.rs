//! The activity of each kind of users: `m · exp(Z − v / 2)` with an Ornstein-Uhlenbeck process `Z`, exact in its step, so that
//! its mean is `m` without a clamp.

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, Random};
use crate::sampling::normal;
use crate::settings::{Kind, Settings};

/// The activities, which a step takes on by a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Activity {
    z: Vec<f64>,
}

/// The constants of the processes.
#[derive(Clone, Debug)]
pub(crate) struct Wandering {
    /// The variance of `Z` of each kind.
    variances: Vec<f64>,
    /// Factor of `Z` in a second.
    stays: f64,
    /// The part of the variance that a second brings.
    comes: f64,
}

impl Wandering {
    pub(crate) fn new(settings: &Settings) -> Self {
        let variance = |kind: &Kind| {
            let variation = kind.volatility / (kind.activity * (2.0 * settings.reversion).sqrt());
            libm::log1p(variation * variation)
        };
        Self {
            variances: settings.kinds.iter().map(variance).collect(),
            stays: libm::exp(-settings.reversion / 3600.0),
            comes: -libm::expm1(-2.0 * settings.reversion / 3600.0),
        }
    }
}

impl Activity {
    /// The activities at the start, from their stationary distribution.
    pub(crate) fn new(wandering: &Wandering, seed: u64) -> Self {
        let z = (0..).zip(&wandering.variances).map(|(number, variance)| {
            let random = &mut Random::new(seed, Purpose::Activity, number, u64::MAX);
            variance.sqrt() * normal(random)
        });
        Self { z: z.collect() }
    }

    /// The activity of a kind.
    pub(crate) fn of(&self, settings: &Settings, wandering: &Wandering, kind: usize) -> f64 {
        settings.kinds[kind].activity * libm::exp(self.z[kind] - wandering.variances[kind] / 2.0)
    }

    /// Goes on by a second.
    pub(crate) fn step(&mut self, wandering: &Wandering, seed: u64, cell: u64) {
        for (number, (z, variance)) in (0..).zip(self.z.iter_mut().zip(&wandering.variances)) {
            let random = &mut Random::new(seed, Purpose::Activity, number, cell);
            *z = *z * wandering.stays + (variance * wandering.comes).sqrt() * normal(random);
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
mod tests {
    use super::*;
    use crate::settings::examples::three_kinds;

    #[test]
    fn the_mean_of_each_kind_is_the_middle_of_its_range() {
        let settings = three_kinds(100);
        let wandering = Wandering::new(&settings);
        let mut activity = Activity::new(&wandering, 1);
        let (mut sums, mut lowest) = ([0.0; 3], f64::INFINITY);
        let seconds = 30 * 86_400;
        for cell in 0..seconds {
            activity.step(&wandering, 1, cell);
            for (kind, sum) in sums.iter_mut().enumerate() {
                *sum += activity.of(&settings, &wandering, kind);
            }
            lowest = lowest.min(activity.of(&settings, &wandering, 2));
        }
        let means = sums.map(|sum| sum / seconds as f64);
        for (mean, expected) in means.into_iter().zip([2.75, 1.15, 0.3]) {
            assert!((mean - expected).abs() < 0.01, "{means:?}");
        }
        assert!(0.0 < lowest && lowest < 0.15, "{lowest}");
    }
}
