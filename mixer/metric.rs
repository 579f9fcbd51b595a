//! Metric types, and how a scenario's value becomes a series' cells.
//!
//! Every series is a run of cells (`f64`) in its host's row: one for a gauge or a counter; for a histogram
//! one per bucket, the last being `+Inf`, and the sum. [`ABSENT`] in a series' first cell means that it has
//! no sample. Bucket cells are not cumulative; the encoders add them up.

use std::sync::Arc;

use crate::clock::Time;

/// In a series' first cell: there is no sample. The bits are those of Prometheus' staleness marker
/// (`model/value` in prometheus/prometheus), so no calculation makes them by accident.
pub const ABSENT: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether a cell says [`ABSENT`].
#[must_use]
pub const fn is_absent(cell: f64) -> bool {
    cell.to_bits() == ABSENT.to_bits()
}

/// The upper bounds of a histogram's buckets when a config names none: `client_golang`'s `DefBuckets`.
pub const DEFAULT_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How many cells a series with these bucket bounds takes: the buckets up to `+Inf` and the sum. One without
/// bounds is no histogram and takes one.
#[must_use]
pub const fn cells_of(bounds: &[f64]) -> usize {
    if bounds.is_empty() { 1 } else { bounds.len() + 2 }
}

/// How many series Prometheus makes of it: the count comes on top.
#[must_use]
pub const fn series_of(bounds: &[f64]) -> usize {
    if bounds.is_empty() { 1 } else { bounds.len() + 3 }
}

/// What a metric is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// Goes up and down.
    Gauge,
    /// Only goes up.
    Counter,
    /// Counts observations in buckets.
    Histogram,
}

impl MetricType {
    /// The types' names in configs and in the text format.
    pub const NAMES: [&str; 3] = ["gauge", "counter", "histogram"];

    /// The type called so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Gauge, Self::Counter, Self::Histogram].into_iter().find(|t| t.name() == name)
    }

    /// The name in configs and in the text format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// How a counter reads a scenario's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// It is a level, added on each update.
    PerUpdate,
    /// It is a level per second, added for the time since the last update.
    PerSecond,
    /// It is the new total, taken if it is larger.
    Total,
}

/// How a metric's values become cells.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// The value itself.
    Gauge,
    /// A total that never falls.
    Counter {
        /// How it reads the scenario's values.
        accumulate: Accumulate,
        /// Its place among the host's counters.
        index: usize,
    },
    /// Observations by bucket.
    Histogram {
        /// The upper bounds, rising, without `+Inf`.
        bounds: Arc<[f64]>,
    },
}

impl Cells {
    /// How many series Prometheus makes of it.
    #[must_use]
    pub fn series(&self) -> usize {
        match self {
            Self::Gauge | Self::Counter { .. } => 1,
            Self::Histogram { bounds } => series_of(bounds),
        }
    }

    /// The upper bounds of a histogram's buckets, without `+Inf`; none for others.
    #[must_use]
    pub fn bounds(&self) -> &[f64] {
        match self {
            Self::Gauge | Self::Counter { .. } => &[],
            Self::Histogram { bounds } => bounds,
        }
    }

    /// How many cells a series takes.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Gauge | Self::Counter { .. } => 1,
            Self::Histogram { bounds } => cells_of(bounds),
        }
    }

    /// Shows what a scenario gave at an update. Values that are not numbers are ignored by counters and
    /// histograms. `counters` are those of the host.
    #[inline]
    pub fn take(&self, update: &Update, counters: &mut [Counter], cells: &mut [f64]) {
        let Update { value, level, now, rounding, .. } = *update;
        match self {
            Self::Gauge => cells[0] = rounding.round(value.unwrap_or(level)),
            Self::Counter { accumulate, index } => {
                cells[0] = rounding.round(counters[*index].take(*accumulate, value, now));
            }
            Self::Histogram { bounds } => {
                if is_absent(cells[0]) {
                    cells.fill(0.0);
                }
                if let Some(value) = value.filter(|value| value.is_finite()) {
                    let count = f64::from(update.observations);
                    cells[bounds.partition_point(|bound| *bound < value)] += count;
                    cells[bounds.len() + 1] += value * count;
                }
            }
        }
    }
}

/// What a metric takes at an update.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// The scenario's new value; none to keep the last one.
    pub value: Option<f64>,
    /// The last value.
    pub level: f64,
    /// The emulated time.
    pub now: Time,
    /// How the value is rounded.
    pub rounding: Rounding,
    /// How many observations a histogram makes.
    pub observations: u32,
}

/// A counter's state.
#[derive(Clone, Debug)]
pub struct Counter {
    /// The total, unrounded.
    total: f64,
    last_update: Time,
}

impl Counter {
    /// A counter that begins at `total`.
    #[must_use]
    pub const fn new(total: f64) -> Self {
        Self { total, last_update: Time::NEVER }
    }

    /// Takes a value, if there is one; gives the total, which never falls.
    fn take(&mut self, accumulate: Accumulate, value: Option<f64>, now: Time) -> f64 {
        let dt_secs = now.since(self.last_update).as_secs_f64();
        self.last_update = now;
        if let Some(value) = value {
            let grown = match accumulate {
                Accumulate::PerUpdate => self.total + value.max(0.0),
                Accumulate::PerSecond => self.total + value.max(0.0) * dt_secs,
                Accumulate::Total => value,
            };
            self.total = self.total.max(grown);
        }
        self.total
    }
}

/// Rounds to a number of decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    scale: f64,
}

impl Rounding {
    /// The most decimals that a value may be rounded to.
    pub const MAX_DECIMALS: u8 = 15;

    /// Rounding to so many decimals.
    #[must_use]
    pub fn to_decimals(decimals: u8) -> Self {
        Self { scale: (0..decimals.min(Self::MAX_DECIMALS)).fold(1.0, |scale, _| scale * 10.0) }
    }

    /// Whether all of a range is rounded to one value.
    #[must_use]
    pub fn hides(self, (low, high): (f64, f64)) -> bool {
        low < high && self.round(low).to_bits() == self.round(high).to_bits()
    }

    /// The value with that many decimals. What is too large to have decimals stays as it is.
    #[must_use]
    #[inline]
    pub fn round(self, value: f64) -> f64 {
        // Adding and taking away 1.5 · 2^52 leaves the nearest whole number, the even one of two.
        const WHOLES: f64 = 6_755_399_441_055_744.0;
        let scaled = value * self.scale;
        if scaled.abs() < 2_251_799_813_685_248.0 { (scaled + WHOLES - WHOLES) / self.scale } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows these values, ten seconds apart.
    fn take_all(cells: &Cells, values: &[f64]) -> Vec<f64> {
        let mut row = vec![ABSENT; cells.width()];
        let mut counters = [Counter::new(0.0)];
        for (n, value) in (0..).zip(values) {
            let now = Time::from_unix_secs(1000 + 10 * n);
            let rounding = Rounding::to_decimals(2);
            let update = Update { value: Some(*value), level: 0.0, now, rounding, observations: 2 };
            cells.take(&update, &mut counters, &mut row);
        }
        row
    }

    const fn counter(accumulate: Accumulate) -> Cells {
        Cells::Counter { accumulate, index: 0 }
    }

    #[test]
    fn a_gauge_shows_the_last_value_rounded() {
        assert_eq!(take_all(&Cells::Gauge, &[1.0, 2.345_678]), [2.35]);
    }

    #[test]
    fn counters_add_levels_and_keep_what_rounding_hides() {
        assert_eq!(take_all(&counter(Accumulate::PerUpdate), &[0.001; 10]), [0.01]);
        assert_eq!(take_all(&counter(Accumulate::PerSecond), &[2.0, 3.0, 4.0]), [70.0]);
        assert_eq!(take_all(&counter(Accumulate::PerUpdate), &[5.0, -3.0, f64::NAN]), [5.0]);
    }

    #[test]
    fn a_total_may_only_grow() {
        assert_eq!(take_all(&counter(Accumulate::Total), &[5.0, 3.0, 4.0]), [5.0]);
    }

    #[test]
    fn a_histogram_counts_a_value_on_its_bound_below_it() {
        let cells = Cells::Histogram { bounds: [1.0, 2.0].into() };
        assert_eq!(take_all(&cells, &[1.0, 1.5, 9.0, f64::NAN]), [2.0, 2.0, 2.0, 23.0]);
    }

    #[test]
    fn rounding_leaves_huge_and_odd_values_alone() {
        let rounding = Rounding::to_decimals(2);
        assert_eq!(rounding.round(1e300).to_bits(), 1e300f64.to_bits());
        assert_eq!(rounding.round(f64::INFINITY).to_bits(), f64::INFINITY.to_bits());
        assert!(rounding.round(f64::NAN).is_nan());
    }
}
