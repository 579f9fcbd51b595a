//! Demand of a process for CPU or memory, second by second.

use serde::{Deserialize, Serialize};

use crate::UsageRange;
use crate::random::Random;

/// Course of the demand within its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UsagePattern {
    /// Near the low end, in the lowest 5 % of the range.
    Steady,
    /// Near the low end, with a spike near the high end in each period. A process has a period of 60 to 120 seconds and
    /// spikes of 5 to 20 seconds.
    Spiky,
    /// From the low end to the high end in 2 to 8 hours. Memory that reaches the high end ends the process.
    Growing,
    /// A random walk between the ends.
    Random,
}

const STEADY_SHARE: f64 = 0.05;
const STEADY_SECS: (u64, u64) = (10, 20);
const PERIOD_SECS: (u64, u64) = (60, 120);
const SPIKE_SECS: (u64, u64) = (5, 20);
const WANDER_SECS: (u64, u64) = (5, 15);
/// Maximum step up or down, as a share of the range.
const WANDER_STEP: f64 = 0.25;
const GROWTH_SECS: (u64, u64) = (2 * 3600, 8 * 3600);

/// A demand that follows a pattern.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    range: UsageRange,
    now: f64,
    is_spike: bool,
    /// Age of the process in seconds at its next change; at the end of the growth if it grows.
    next_secs: u64,
    /// Age at which the growth has begun.
    since_secs: u64,
    /// Lengths of a spike and of the calm after it.
    spike_secs: u64,
    calm_secs: u64,
}

impl Usage {
    /// The demand of a new process.
    pub(crate) fn new(range: UsageRange, random: &mut Random) -> Self {
        let UsageRange { pattern, low, high } = range;
        let (now, next_secs) = match pattern {
            // Programs do not spike all at once.
            UsagePattern::Steady | UsagePattern::Spiky => (low, random.between(1, PERIOD_SECS.1)),
            UsagePattern::Growing => (low, random.between(GROWTH_SECS.0, GROWTH_SECS.1)),
            UsagePattern::Random => (random.uniform(low, high), random.between(1, WANDER_SECS.1)),
        };
        let (spike_secs, calm_secs) = if pattern == UsagePattern::Spiky {
            let spike = random.between(SPIKE_SECS.0, SPIKE_SECS.1);
            (spike, random.between(PERIOD_SECS.0, PERIOD_SECS.1) - spike)
        } else {
            (0, 0)
        };
        Self { range, now, is_spike: false, next_secs, since_secs: 0, spike_secs, calm_secs }
    }

    pub(crate) const fn now(&self) -> f64 {
        self.now
    }

    /// `true` if it grows and has reached its high end.
    pub(crate) fn has_grown(&self, age_secs: u64) -> bool {
        self.range.pattern == UsagePattern::Growing && age_secs >= self.next_secs
    }

    /// Begins the growth anew, as a process does that frees its memory.
    pub(crate) fn grow_anew(&mut self, age_secs: u64) {
        let length = self.next_secs - self.since_secs;
        (self.now, self.since_secs, self.next_secs) = (self.range.low, age_secs, age_secs + length);
    }

    /// Advances to this age of the process.
    pub(crate) fn step(&mut self, age_secs: u64, random: &mut Random) {
        let UsageRange { pattern, low, high } = self.range;
        if pattern == UsagePattern::Growing {
            let done = share(age_secs - self.since_secs, self.next_secs - self.since_secs).min(1.0);
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
                (self.spike_secs, self.spike_secs)
            }
            UsagePattern::Random => {
                let step = random.uniform(-WANDER_STEP, WANDER_STEP) * (high - low);
                self.now = (self.now + step).clamp(low, high);
                WANDER_SECS
            }
            _ => {
                self.now = low + (high - low) * random.uniform(0.0, STEADY_SHARE);
                self.is_spike = false;
                if pattern == UsagePattern::Spiky { (self.calm_secs, self.calm_secs) } else { STEADY_SECS }
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
        values_of(UsageRange { pattern, low: 10.0, high: 100.0 }, secs, 3)
    }

    fn values_of(range: UsageRange, secs: u64, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, 0, 0);
        let mut load = Usage::new(range, &mut random);
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
    fn what_is_steady_stays_near_its_low_end_and_in_its_range() {
        for (low, high) in [(0.4, 0.6), (0.0, 10.0), (10.0, 100.0), (3.0, 3.0)] {
            let values = values_of(UsageRange { pattern: UsagePattern::Steady, low, high }, 4000, 3);
            let end = low + (high - low) * 0.05;
            assert!(values.iter().all(|value| (low..=end).contains(value)), "{low} to {high}");
            assert!(high <= low || values.iter().any(|value| *value > f64::midpoint(low, end)));
        }
    }

    #[test]
    fn spikes_come_once_in_each_period() {
        for seed in 0..20 {
            let values =
                values_of(UsageRange { pattern: UsagePattern::Spiky, low: 0.2, high: 2.0 }, 4000, seed);
            let is_spike = |value: f64| value >= 1.1;
            let starts: Vec<usize> = (1..values.len())
                .filter(|age| is_spike(values[*age]) && !is_spike(values[age - 1]))
                .collect();
            let gaps: Vec<usize> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(
                (60..=120).contains(&gaps[0]) && gaps.iter().all(|gap| *gap == gaps[0]),
                "{seed}: {gaps:?}"
            );
        }
    }

    #[test]
    fn what_is_spiky_spikes_for_a_small_part_of_the_time() {
        let values = values(UsagePattern::Spiky, 40_000);
        // From 5 s of 120 s to 20 s of 60 s.
        let spiking = share_above(&values, 50.0);
        assert!((0.04..0.34).contains(&spiking), "{spiking}");
        assert!(values.iter().all(|value| (10.0..=14.5).contains(value) || (55.0..=100.0).contains(value)));
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
