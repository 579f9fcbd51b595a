//! Metric types, and how a scenario's value becomes a series' cells.
//!
//! Every series is a run of cells (`f64`) in its host's row; its [`Layout`] says what they are: one for a gauge or
//! a counter, one per bucket and the sum for a histogram. [`ABSENT`] in a series' first cell means that it has
//! no sample.

mod cells;
mod distribution;
mod layout;
mod native;
mod observations;
pub mod promql;
mod recent;

pub use cells::{Accumulate, Aggregation, Cells, Counter, StateIndexes, States, Update};
pub use distribution::Distribution;
pub use layout::{Buckets, Exemplar, Kind, Layout, Quantiles, buckets, native_histogram, quantiles, whole};
pub use native::{BucketSpan, NativeBuckets, NativeHistogram, NativeLayout, SCHEMAS, bucket_of, upper_bound};

/// No update makes more observations.
pub const OBSERVATIONS_MAX: f64 = 1e6;

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

/// What a metric is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// Goes up and down.
    Gauge,
    /// Only goes up.
    Counter,
    /// Counts observations in buckets.
    Histogram,
    /// Counts observations in exponential buckets.
    NativeHistogram,
    /// Shows quantiles of what was observed lately.
    Summary,
    /// Always 1; its labels say something.
    Info,
    /// Shows in which of some states something is.
    StateSet,
}

impl MetricType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Gauge,
        Self::Counter,
        Self::Histogram,
        Self::NativeHistogram,
        Self::Summary,
        Self::Info,
        Self::StateSet,
    ];

    /// The type that configs call so.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The name in configs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::NativeHistogram => "native_histogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// The name in the text format, which has fewer of them.
    #[must_use]
    pub const fn text_name(self) -> &'static str {
        match self {
            Self::Gauge | Self::Info | Self::StateSet => "gauge",
            Self::Counter => "counter",
            Self::Histogram | Self::NativeHistogram => "histogram",
            Self::Summary => "summary",
        }
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
    use crate::rng::Seed;
    use crate::time::Time;

    /// Shows these values, ten seconds apart.
    fn take_all(cells: &Cells, values: &[f64]) -> Vec<f64> {
        let mut row = vec![ABSENT; cells.width()];
        let (mut states, mut rng) = (States::of([(cells, 0.0)].into_iter()), Seed::new(1).rng());
        for (n, value) in (0..).zip(values) {
            let now = Time::from_unix_secs(1000 + 10 * n);
            let rounding = Rounding::to_decimals(2);
            let update =
                Update { value: Some(*value), level: 0.0, now, rounding, observations: 2, spread: None };
            cells.apply(&update, &mut rng, &mut states, &mut row);
        }
        row
    }

    fn counter(accumulate: Accumulate) -> Cells {
        Cells::new(Layout::value(), Aggregation::Counter { accumulate, index: 0 })
    }

    #[test]
    fn a_gauge_shows_the_last_value_rounded() {
        assert_eq!(take_all(&Cells::new(Layout::value(), Aggregation::Gauge), &[1.0, 2.345_678]), [2.35]);
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
        let cells = Cells::new(
            Layout::histogram([1.0, 2.0].into()),
            Aggregation::Observations { range: (f64::NEG_INFINITY, f64::INFINITY), recent: None },
        );
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
