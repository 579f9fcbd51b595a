//! Random streams that depend only on a seed and their numbers, never on the order of calls.
//!
//! The generator is `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The purpose of a stream. Two purposes never share a stream, so that one may draw more without changing another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The users with names of their own.
    Names,
    /// The activity of a kind.
    Activity,
    /// The sessions that run already at the start.
    Running,
    /// The sessions that begin.
    Arrivals,
    /// How long they last.
    Durations,
    /// The sessions among those that end which users have left before.
    Ends,
    /// The calls of sessions, without those that faults cause.
    Calls,
    /// Reactions of users to failures: they retry, fall back, or leave.
    Failures,
    /// The tokens of calls.
    Tokens,
    /// The tools of calls.
    Tools,
    /// How long requests take.
    Latency,
    /// The part that users with names have in all of it.
    Split,
    /// The commits of sessions that have ended.
    Commits,
}

/// A random stream.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of a seed for a purpose, with a number, in one second.
    pub(crate) const fn new(seed: u64, purpose: Purpose, number: u64, cell: u64) -> Self {
        let purpose = mix(seed ^ mix((purpose as u64 + 1).wrapping_mul(GAMMA)));
        Self(mix(mix(purpose ^ number.wrapping_add(1).wrapping_mul(GAMMA)) ^ cell))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        #[cfg(test)]
        DRAWS.set(DRAWS.get() + 1);
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number above 0 and below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next_u64() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
thread_local! {
    static DRAWS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The random numbers that this thread has drawn: a measure of work.
#[cfg(test)]
pub(crate) fn draws() -> u64 {
    DRAWS.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_number_and_second() {
        let first = |seed, purpose, number, cell| Random::new(seed, purpose, number, cell).next_u64();
        let mut seen = vec![
            first(0, Purpose::Names, 0, 0),
            first(1, Purpose::Names, 0, 0),
            first(0, Purpose::Calls, 0, 0),
            first(0, Purpose::Names, 1, 0),
            first(0, Purpose::Names, 0, 1),
            first(0, Purpose::Names, 1, 1),
        ];
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::new(1, Purpose::Split, 0, 0);
        let mut seen = [false; 4];
        for _ in 0..1000 {
            let unit = random.unit();
            assert!(0.0 < unit && unit < 1.0);
            seen[usize::try_from(random.below(4)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(random.below(0), 0);
    }
}
