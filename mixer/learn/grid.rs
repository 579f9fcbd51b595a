//! Series at equal distances.

use crate::load::Floats;
use crate::statistics::{index, number};

/// Values at equal distances. A gap is NaN.
#[derive(Clone, Debug)]
pub(crate) struct GridSeries {
    /// The first time, in milliseconds since the Unix epoch.
    pub(crate) begin_ms: i64,
    /// Seconds from one value to the next.
    pub(crate) step_secs: f64,
    /// Seconds from one sample to the next: as long, or a part of it.
    pub(crate) sample_secs: f64,
    pub(crate) values: Vec<f64>,
}

/// The step of a series with one sample.
const DEFAULT_STEP_SECS: f64 = 15.0;
/// The largest number of places for each sample: rare samples get a longer step.
const PLACES_PER_SAMPLE: usize = 8;
/// The longest time between two updates, in steps, that is found.
const HELD_MAX: usize = 20;

impl GridSeries {
    /// The series of these samples, of which there is one at least.
    pub(crate) fn of(samples: &Floats) -> Self {
        let begin_ms = samples.first().map_or(0, |(at, _)| *at);
        let since = |at: i64| millis(at - begin_ms) / 1000.0;
        let span_secs = samples.last().map_or(0.0, |(at, _)| since(*at));
        let mut step_secs = step(samples);
        let places_max = samples.len() * PLACES_PER_SAMPLE + HELD_MAX;
        if span_secs / step_secs > number(places_max) {
            step_secs = span_secs / number(places_max);
        }
        let place = |at: i64| index(libm::round(since(at) / step_secs));
        let last = samples.last().map_or(0, |(at, _)| place(*at));
        let mut values = vec![f64::NAN; last + 1];
        for (at, value) in samples {
            values[place(*at)] = *value;
        }
        Self { begin_ms, step_secs, sample_secs: step_secs, values }
    }

    /// The same at the times of its updates, if it holds each value for the same number of steps.
    pub(crate) fn at_updates(self) -> Self {
        let (held, first) = held_steps(&self.values);
        if held == 1 {
            return self;
        }
        let values = self.values.iter().skip(first).step_by(held).copied().collect();
        Self {
            begin_ms: self.begin_ms + whole_millis(number(first) * self.step_secs),
            step_secs: self.step_secs * number(held),
            sample_secs: self.sample_secs,
            values,
        }
    }

    /// Seconds from a time to the first value.
    pub(crate) fn secs_after(&self, begin_ms: i64) -> f64 {
        millis(self.begin_ms - begin_ms) / 1000.0
    }
}

/// The newest value at each of these times, which only grow; `absent` where it is older than a step and a half.
pub fn newest_values(
    samples: &[(i64, f64)],
    times_ms: impl Iterator<Item = i64>,
    step_ms: i64,
    absent: f64,
) -> Vec<f64> {
    let old_ms = step_ms.saturating_mul(3) / 2;
    let mut next = 0;
    let value_at = |at: i64| {
        while samples.get(next).is_some_and(|(time, _)| *time <= at) {
            next += 1;
        }
        let newest = next.checked_sub(1).and_then(|place| samples.get(place));
        newest.filter(|(time, _)| at - time <= old_ms).map_or(absent, |(_, value)| *value)
    };
    times_ms.map(value_at).collect()
}

/// Milliseconds as a number.
#[expect(clippy::cast_precision_loss, reason = "times in milliseconds are below 2^53")]
pub(crate) fn millis(millis: i64) -> f64 {
    millis as f64
}

/// Seconds in milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
pub(crate) fn whole_millis(secs: f64) -> i64 {
    libm::round(secs * 1000.0) as i64
}

/// The median distance of neighbouring samples; whole seconds if it is near them, since scrapes come a little early or late.
fn step(samples: &Floats) -> f64 {
    let mut distances: Vec<i64> = samples.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    if distances.is_empty() {
        return DEFAULT_STEP_SECS;
    }
    distances.sort_unstable();
    let median_secs = millis(distances[distances.len() / 2]) / 1000.0;
    let whole = libm::round(median_secs);
    if whole >= 1.0 && (median_secs - whole).abs() < 0.02 * whole { whole } else { median_secs }
}

/// The number of steps for which each value is held, and the place of the first change; (1, 0) if they do not agree.
fn held_steps(values: &[f64]) -> (usize, usize) {
    /// Fewer changes say nothing.
    const CHANGES_MIN: usize = 8;
    let is_change =
        |pair: &[f64]| pair[0].is_finite() && pair[1].is_finite() && pair[0].to_bits() != pair[1].to_bits();
    let changes: Vec<usize> =
        values.windows(2).zip(1..).filter(|(pair, _)| is_change(pair)).map(|(_, place)| place).collect();
    if changes.len() < CHANGES_MIN {
        return (1, 0);
    }
    for held in (2..=HELD_MAX).rev() {
        let rest = changes[0] % held;
        let is_aligned = changes.iter().all(|place| place % held == rest);
        // A value that changes seldom is no proof.
        if is_aligned && changes.len() * held * 2 > values.len() {
            return (held, rest);
        }
    }
    (1, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_that_come_early_or_late_are_on_their_grid_and_missing_ones_are_gaps() {
        let samples = vec![(1_000, 1.0), (15_990, 2.0), (31_020, 3.0), (61_000, 5.0), (76_003, 6.0)];
        let grid = GridSeries::of(&samples);
        assert_eq!((grid.begin_ms, grid.step_secs.to_bits()), (1_000, 15.0f64.to_bits()));
        assert!(grid.values[3].is_nan());
        let present: Vec<f64> = grid.values.into_iter().filter(|value| value.is_finite()).collect();
        assert_eq!(present, [1.0, 2.0, 3.0, 5.0, 6.0]);
    }

    #[test]
    fn held_values_are_thinned_to_their_updates() {
        let samples: Floats = (0i32..60).map(|n| (i64::from(n) * 5_000, f64::from((n + 1) / 3))).collect();
        let grid = GridSeries::of(&samples).at_updates();
        assert_eq!((grid.begin_ms, grid.step_secs.to_bits()), (10_000, 15.0f64.to_bits()));
        assert_eq!(grid.values[..3], [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_long_pause_does_not_make_a_long_series() {
        let samples = vec![(0, 1.0), (10, 1.0), (20, 1.0), (86_400_000, 1.0)];
        assert!(GridSeries::of(&samples).values.len() < 100);
    }
}
