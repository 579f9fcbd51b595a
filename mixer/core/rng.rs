//! Randomness that depends on names, never on scheduling.
//!
//! A [`Seed`] is a node of a tree: `seed.child("worker-01").child("cpu_usage_percent")` always gives the same
//! stream, so adding a host or a metric does not change the values of others. The generator is `SplitMix64`
//! (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014). It has eight bytes of
//! state, which matters at a million series.

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A node of the seed tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The root of a run's tree.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The child node called `name`. Stable across versions and platforms.
    #[must_use]
    pub fn child(self, name: &str) -> Self {
        self.child_of_bytes(name.as_bytes())
    }

    /// The child node whose name is these bytes.
    #[must_use]
    pub fn child_of_bytes(self, name: &[u8]) -> Self {
        Self(mix(mix(self.0.wrapping_add(GAMMA)) ^ fnv1a(name)))
    }

    /// A generator for this node.
    #[must_use]
    pub const fn rng(self) -> Rng {
        Rng(mix(self.0))
    }
}

/// FNV-1a, 64 bits: a hash that stays the same on every machine and in every version.
#[must_use]
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A random stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number from 0 (included) to 1 (excluded), with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    #[inline]
    pub fn unit(&mut self) -> f64 {
        // A signed number converts in one instruction.
        (self.next_u64() >> 11).cast_signed() as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number from `low` to `high`.
    #[inline]
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number from the standard normal distribution (Box and Muller: "A note on the generation of random
    /// normal deviates", 1958). Takes two draws.
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// A rank from 1 to `count`; rank `k` has the weight `k` to the power of `-exponent`. Rejection-inversion
    /// (Hörmann and Derflinger: "Rejection-inversion to generate variates from monotone discrete
    /// distributions", 1996) takes the same time for any count.
    pub fn zipf(&mut self, count: f64, exponent: f64) -> f64 {
        // The integral of x^-exponent from 1 to x, and its inverse.
        let near_one = (1.0 - exponent).abs() < 1e-9;
        let integral = |x: f64| {
            let ln = libm::log(x);
            if near_one { ln } else { libm::expm1((1.0 - exponent) * ln) / (1.0 - exponent) }
        };
        let inverse = |area: f64| {
            let ln = if near_one { area } else { libm::log1p(area * (1.0 - exponent)) / (1.0 - exponent) };
            libm::exp(ln)
        };
        let density = |x: f64| libm::exp(-exponent * libm::log(x));
        let (low, high) = (integral(1.5) - 1.0, integral(count + 0.5));
        loop {
            let area = self.uniform(low, high);
            let x = inverse(area);
            let rank = libm::floor(x + 0.5).max(1.0).min(count);
            if area >= integral(rank + 0.5) - density(rank) {
                return rank;
            }
        }
    }

    /// A whole number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next_u64()) * u128::from(bound)) >> 64).unwrap_or(0)
    }
}

/// A seed of 53 bits from the system's entropy. Every reader of JSON numbers keeps 53 bits exactly.
#[must_use]
pub fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish() >> 11
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_depend_on_names_only() {
        let root = Seed::new(7);
        let mut a = root.child("worker-01").child("cpu").rng();
        let mut again = root.child("worker-01").child("cpu").rng();
        let mut other = root.child("worker-02").child("cpu").rng();
        let first = a.next_u64();
        assert_eq!(first, again.next_u64());
        assert_ne!(first, other.next_u64());
    }

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        let mut rng = Seed::new(42).child("host").rng();
        assert_eq!([rng.next_u64(), rng.next_u64()], [1_658_410_477_553_818_819, 2_579_615_651_749_325_264]);
    }

    #[test]
    fn units_fill_their_interval() {
        let mut rng = Seed::new(1).rng();
        let values: Vec<f64> = (0..10_000).map(|_| rng.unit()).collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)));
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }

    #[test]
    fn ranks_are_as_likely_as_their_power() {
        for exponent in [0.0, 0.7, 1.0, 2.5] {
            let mut rng = Seed::new(3).rng();
            let mut counts = [0.0f64; 20];
            for _ in 0..200_000 {
                let rank = rng.zipf(20.0, exponent);
                let place = (1..=20).position(|known| f64::from(known).to_bits() == rank.to_bits());
                counts[place.unwrap()] += 1.0;
            }
            let weights: Vec<f64> = (1..=20).map(|rank| f64::from(rank).powf(-exponent)).collect();
            let total: f64 = weights.iter().sum();
            for (count, weight) in counts.iter().zip(&weights) {
                let expected = 200_000.0 * weight / total;
                assert!(
                    (count - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                    "{exponent}: {count} {expected}"
                );
            }
        }
    }

    #[test]
    fn normal_numbers_have_mean_0_and_deviation_1() {
        let mut rng = Seed::new(1).rng();
        let values: Vec<f64> = (0..10_000).map(|_| rng.normal()).collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
