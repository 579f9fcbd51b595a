//! When requests of an open loop arrive: a Poisson process whose rate may change, whatever the answers do.

use std::time::Duration;

use crate::random::Random;

/// Arrivals, in their order.
#[derive(Debug)]
pub(crate) struct Arrivals {
    random: Random,
    at: Duration,
    /// Expected arrivals, at the rate from `at` on, until the next one.
    left: f64,
}

impl Arrivals {
    pub(crate) fn new(mut random: Random, start: Duration) -> Self {
        let left = random.exponential();
        Self { random, at: start, left }
    }

    /// The next arrival until `now`, of which the rate per second is known; `None` if there is none yet.
    pub(crate) fn next(&mut self, now: Duration, rate: f64) -> Option<Duration> {
        let span = now.saturating_sub(self.at).as_secs_f64();
        if span * rate < self.left {
            self.left -= span * rate;
            self.at = self.at.max(now);
            return None;
        }
        self.at += Duration::from_secs_f64(self.left / rate);
        self.left = self.random.exponential();
        Some(self.at)
    }

    /// Time of the next arrival if the rate stays; `None` without one in the next hour.
    pub(crate) fn expected(&self, rate: f64) -> Option<Duration> {
        let wait = self.left / rate;
        (wait < 3600.0).then(|| self.at + Duration::from_secs_f64(wait))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(seed: u64, steps: &[(u64, f64)]) -> Vec<Duration> {
        let mut arrivals = Arrivals::new(Random::new(seed, 0), Duration::ZERO);
        let (mut now, mut all) = (Duration::ZERO, Vec::new());
        for (millis, rate) in steps {
            now += Duration::from_millis(*millis);
            all.extend(std::iter::from_fn(|| arrivals.next(now, *rate)));
        }
        all
    }

    proptest! {
        #[test]
        fn arrivals_do_not_depend_on_when_one_looks(seed: u64, cuts in prop::collection::vec(1u64..500, 1..50)) {
            let total: u64 = cuts.iter().sum();
            let steps: Vec<_> = cuts.iter().map(|cut| (*cut, 100.0)).collect();
            let (cut, whole) = (all(seed, &steps), all(seed, &[(total, 100.0)]));
            // Rounding may move an arrival across the end.
            prop_assert!(cut.len().abs_diff(whole.len()) <= 1);
            for (one, other) in cut.iter().zip(&whole) {
                prop_assert!(one.abs_diff(*other) < Duration::from_micros(1), "{one:?} {other:?}");
            }
            prop_assert!(cut.is_sorted());
        }
    }

    #[test]
    fn their_number_follows_the_rate_and_none_come_at_rate_0() {
        // 10 s at 1000, 10 s at 0, 10 s at 3000; five standard deviations are 1000.
        let count = all(7, &[(10_000, 1000.0), (10_000, 0.0), (10_000, 3000.0)]).len();
        assert!((39_000..41_000).contains(&count), "{count}");
        let arrivals = Arrivals::new(Random::new(7, 0), Duration::ZERO);
        assert_eq!(arrivals.expected(0.0), None);
    }
}
