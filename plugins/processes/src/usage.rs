//! Demand of a process for CPU or memory, second by second.

use crate::UsageRange;
use crate::random::Random;

/// Course of the demand within its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsagePattern {
    /// Near the low end, give or take 5 %.
    Steady,
    /// Near the low end, with spikes of 5 to 20 seconds that go near the high end.
    Spiky,
    /// From the low end to the high end in 2 to 8 hours. Memory that reaches the high end ends the process.
    Growing,
    /// A random walk between the ends.
    Random,
}

const STEADY_SPREAD: f64 = 0.05;
const STEADY_SECS: (u64, u64) = (10, 20);
const CALM_SECS: (u64, u64) = (30, 120);
const SPIKE_SECS: (u64, u64) = (5, 20);
const WANDER_SECS: (u64, u64) = (5, 15);
/// Maximum step up or down, as a share of the range.
const WANDER_STEP: f64 = 0.25;
const GROWTH_SECS: (u64, u64) = (2 * 3600, 8 * 3600);

/// A demand that follows a pattern.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    range: UsageRange,
    now: f64,
    is_spike: bool,
    /// Age of the process in seconds at its next change; at the end of the growth if it grows.
    next_secs: u64,
}

impl Usage {
    /// The demand of a new process.
    pub(crate) fn new(range: UsageRange, random: &mut Random) -> Self {
        let UsageRange { pattern, low, high } = range;
        let (now, next_secs) = match pattern {
            // Programs do not spike all at once.
            UsagePattern::Steady | UsagePattern::Spiky => (low, random.between(1, CALM_SECS.1)),
            UsagePattern::Growing => (low, random.between(GROWTH_SECS.0, GROWTH_SECS.1)),
            UsagePattern::Random => (random.uniform(low, high), random.between(1, WANDER_SECS.1)),
        };
        Self { range, now, is_spike: false, next_secs }
    }

    pub(crate) const fn now(&self) -> f64 {
        self.now
    }

    /// `true` if it grows and has reached its high end.
    pub(crate) fn has_grown(&self, age_secs: u64) -> bool {
        self.range.pattern == UsagePattern::Growing && age_secs >= self.next_secs
    }

    /// Advances to this age of the process.
    pub(crate) fn step(&mut self, age_secs: u64, random: &mut Random) {
        let UsageRange { pattern, low, high } = self.range;
        if pattern == UsagePattern::Growing {
            let done = share(age_secs, self.next_secs).min(1.0);
            self.now = low + (high - low) * done;
        } else if age_secs >= self.next_secs {
            let wait = self.change(random);
            self.next_secs = age_secs + random.between(wait.0, wait.1);
        }
    }

    /// Changes the demand; returns the shortest and longest time to the next change, in seconds.
    fn change(&mut self, random: &mut Random) -> (u64, u64) {
        let UsageRange { pattern, low, high } = self.range;
        match pattern {
            UsagePattern::Spiky if !self.is_spike => {
                self.is_spike = true;
                self.now = random.uniform(f64::midpoint(low, high), high);
                SPIKE_SECS
            }
            UsagePattern::Random => {
                let step = random.uniform(-WANDER_STEP, WANDER_STEP) * (high - low);
                self.now = (self.now + step).clamp(low, high);
                WANDER_SECS
            }
            _ => {
                let calm = low * random.uniform(1.0 - STEADY_SPREAD, 1.0 + STEADY_SPREAD);
                self.now = calm.min(high);
                self.is_spike = false;
                if pattern == UsagePattern::Spiky { CALM_SECS } else { STEADY_SECS }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "ages are far below 2^53 seconds")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of an hour and a bit.
    fn values(pattern: UsagePattern, secs: u64) -> Vec<f64> {
        let mut random = Random::new(3, 0, 0);
        let mut load = Usage::new(UsageRange { pattern, low: 10.0, high: 100.0 }, &mut random);
        (0..secs)
            .map(|age| {
                load.step(age, &mut random);
                load.now()
            })
            .collect()
    }

    fn share_above(values: &[f64], limit: f64) -> f64 {
        share(values.iter().filter(|value| **value > limit).count() as u64, values.len() as u64)
    }

    #[test]
    fn what_is_steady_stays_near_its_low_end() {
        let values = values(UsagePattern::Steady, 4000);
        assert!(values.iter().all(|value| (9.5..=10.5).contains(value)));
        assert!(values.iter().any(|value| *value > 10.2) && values.iter().any(|value| *value < 9.8));
    }

    #[test]
    fn what_is_spiky_spikes_for_a_small_part_of_the_time() {
        let values = values(UsagePattern::Spiky, 40_000);
        // 12.5 s of 87.5 s.
        let spiking = share_above(&values, 50.0);
        assert!((0.1..0.2).contains(&spiking), "{spiking}");
        assert!(values.iter().all(|value| (9.5..=100.0).contains(value)));
        assert!(values.iter().all(|value| *value < 10.6 || *value >= 55.0));
    }

    #[test]
    fn what_grows_never_shrinks_and_stays_at_its_end() {
        let values = values(UsagePattern::Growing, 8 * 3600 + 1);
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((values[0], values[values.len() - 1]), (10.0, 100.0));
    }

    #[test]
    fn what_wanders_gets_everywhere_by_small_steps() {
        let values = values(UsagePattern::Random, 40_000);
        assert!(values.windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 22.5));
        assert!((0.3..0.7).contains(&share_above(&values, 55.0)));
        assert!(values.iter().all(|value| (10.0..=100.0).contains(value)));
    }
}
