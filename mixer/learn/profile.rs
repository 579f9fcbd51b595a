//! A series of values with the figures that candidates ask for.

use crate::grid::{GridSeries, millis, whole_millis};
use crate::statistics::{autocorrelation, deviation, mean, number, sorted};

/// Values at equal distances, and what is measured of them.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// The values; a gap is NaN.
    pub(crate) values: Vec<f64>,
    /// Those that are there, in their order.
    pub(crate) present: Vec<f64>,
    /// Those that are there, in ascending order.
    pub(crate) sorted: Vec<f64>,
    /// Seconds from one value to the next.
    pub(crate) step_secs: f64,
    /// Seconds from one sample to the next.
    pub(crate) sample_secs: f64,
    /// Seconds from the recording's begin to the first value.
    pub(crate) begins_after_secs: f64,
    /// The recording's begin, in seconds since the Unix epoch.
    pub(crate) recording_unix_secs: f64,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    /// The correlation of neighbours.
    pub(crate) correlation: f64,
    /// `true` if all values are whole.
    pub(crate) is_whole: bool,
}

impl Profile {
    /// The profile of a series in a recording that begins then.
    pub(crate) fn of(grid: GridSeries, recording_begin_ms: i64) -> Self {
        let begins_after_secs = grid.secs_after(recording_begin_ms);
        let present: Vec<f64> = grid.values.iter().copied().filter(|value| value.is_finite()).collect();
        Self {
            sorted: sorted(&present),
            mean: mean(&present),
            deviation: deviation(&present),
            correlation: autocorrelation(&grid.values, 1),
            is_whole: present.iter().all(|value| libm::rint(*value).to_bits() == value.to_bits()),
            values: grid.values,
            present,
            step_secs: grid.step_secs,
            sample_secs: grid.sample_secs,
            begins_after_secs,
            recording_unix_secs: millis(recording_begin_ms) / 1000.0,
        }
    }

    /// The same times with other values, as those that a part of it leaves.
    pub(crate) fn with(&self, values: Vec<f64>) -> Self {
        let begin_ms = whole_millis(self.recording_unix_secs);
        let grid = GridSeries {
            begin_ms: begin_ms + whole_millis(self.begins_after_secs),
            step_secs: self.step_secs,
            sample_secs: self.sample_secs,
            values,
        };
        Self::of(grid, begin_ms)
    }

    pub(crate) fn low(&self) -> f64 {
        self.sorted.first().copied().unwrap_or_default()
    }

    pub(crate) fn high(&self) -> f64 {
        self.sorted.last().copied().unwrap_or_default()
    }

    pub(crate) fn range(&self) -> f64 {
        self.high() - self.low()
    }

    /// Number of values that are there.
    pub(crate) fn count(&self) -> usize {
        self.present.len()
    }

    /// Seconds from the first value to the last.
    pub(crate) fn span_secs(&self) -> f64 {
        self.step_secs * number(self.values.len().saturating_sub(1))
    }

    /// The time of a value as its metric's scenario counts it: from the start of a run that begins with the recording. A sample shows
    /// the update before it, which is one sample old.
    pub(crate) fn secs_at(&self, place: usize) -> f64 {
        self.begins_after_secs - self.sample_secs + self.step_secs * number(place)
    }

    /// Times as [`Self::secs_at`] and values, of those that are there.
    pub(crate) fn points(&self) -> impl Iterator<Item = (f64, f64)> + Clone {
        let times = (0..).map(|place| self.secs_at(place));
        times.zip(self.values.iter().copied()).filter(|(_, value)| value.is_finite())
    }

    /// The differences of neighbours.
    pub(crate) fn differences(&self) -> Vec<f64> {
        self.values.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// The share of the variance that this much of it leaves explained, from minus infinity to 1.
    pub(crate) fn explained(&self, left: &[f64]) -> f64 {
        let rest: f64 = left.iter().filter(|value| value.is_finite()).map(|value| value * value).sum();
        let all = self.deviation * self.deviation * number(self.count());
        if all > 0.0 { 1.0 - rest / all } else { 0.0 }
    }
}
