//! Random streams that depend only on a seed and indices, never on the order of calls.
//!
//! The generator is `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA
//! 2014). The whole simulator uses only +, -, × and ÷ on floats, which give the same on every machine.

use serde::{Deserialize, Serialize};

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A random stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of a seed, a slot, and a process' number in that slot.
    pub(crate) const fn new(seed: u64, slot: u64, generation: u64) -> Self {
        let slot = mix(seed.wrapping_add(GAMMA)) ^ mix(slot.wrapping_add(1));
        Self(mix(mix(slot.wrapping_add(GAMMA)) ^ mix(generation.wrapping_add(1))))
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number from 0 (included) to 1 (excluded).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number from `low` to `high`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// A whole number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// One of these.
    #[expect(clippy::cast_possible_truncation, reason = "below a length")]
    pub(crate) fn choose<'a, T>(&mut self, these: &'a [T]) -> Option<&'a T> {
        these.get(self.below(these.len() as u64) as usize)
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_slot_and_generation() {
        let first = |seed, slot, generation| Random::new(seed, slot, generation).next_u64();
        let mut seen = vec![first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1), first(0, 1, 1)];
        assert_eq!(first(0, 0, 0), seen[0]);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn the_stream_of_a_seed_never_changes() {
        let mut random = Random::new(42, 3, 1);
        assert_eq!(
            [random.next_u64(), random.next_u64()],
            [15_438_104_066_629_903_528, 7_425_261_590_893_521_799]
        );
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::new(1, 0, 0);
        let mut seen = [false; 4];
        for _ in 0..1000 {
            assert!((2.0..=3.0).contains(&random.uniform(2.0, 3.0)));
            let number = random.between(5, 8);
            assert!((5..=8).contains(&number));
            seen[usize::try_from(number - 5).unwrap()] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(random.between(9, 9), 9);
        assert_eq!(random.below(0), 0);
        assert_eq!(random.choose::<u8>(&[]), None);
    }
}
