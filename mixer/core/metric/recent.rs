//! The recent observations of a summary.
//!
//! As in client libraries, the window moves on by a fifth of its length. Observations are kept in buckets that are
//! narrow enough for quantiles within 2 %.

use super::native::{NativeHistogram, NativeLayout};
use crate::time::{Span, Time};

/// Number of slices of the window.
const SLICES: usize = 5;

const SCHEMA: i8 = 5;
const BUCKETS_MAX: usize = 256;
const ZERO_THRESHOLD: f64 = 1e-12;

/// The recent observations of one series.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    slices: [WindowSlice; SLICES],
    /// Scratch cells for the merged slices.
    merged: Box<[f64]>,
}

/// The observations of one fifth of a window.
#[derive(Clone, Debug, Default)]
struct WindowSlice {
    /// Its number, counted from the Unix epoch.
    number: u64,
    /// A native histogram; empty before the first observation.
    cells: Box<[f64]>,
}

/// The layout of a slice for observations of this range.
pub(super) fn layout(range: (f64, f64)) -> NativeLayout {
    NativeLayout::for_range(SCHEMA, ZERO_THRESHOLD, BUCKETS_MAX, range)
}

/// Memory of the observations of one series, if there were some in each slice.
pub(super) fn bytes(range: (f64, f64)) -> usize {
    size_of::<Recent>() + (SLICES + 1) * size_of::<f64>() * layout(range).width()
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { slices: Default::default(), merged: Box::default() }
    }

    /// Removes all observations.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// The cells of the present slice.
    pub(super) fn current(&mut self, layout: &NativeLayout, window: Span, now: Time) -> &mut [f64] {
        let number = slice_at(window, now);
        let slice = &mut self.slices[usize::try_from(number % SLICES as u64).unwrap_or(0)];
        if slice.cells.is_empty() {
            slice.cells = vec![0.0; layout.width()].into();
        }
        if slice.number != number || slice.cells[0] == 0.0 {
            slice.number = number;
            layout.clear(&mut slice.cells);
            // The count marks the slice as used.
            slice.cells[0] = 1.0;
        }
        &mut slice.cells
    }

    /// Writes the values at these quantiles.
    pub(super) fn quantiles(
        &mut self,
        layout: &NativeLayout,
        window: Span,
        now: Time,
        quantiles: &[f64],
        values: &mut [f64],
    ) {
        if self.merged.is_empty() {
            self.merged = vec![0.0; layout.width()].into();
        }
        layout.clear(&mut self.merged);
        let newest = slice_at(window, now);
        for slice in &self.slices {
            if !slice.cells.is_empty() && slice.number + SLICES as u64 > newest {
                layout.add(&mut self.merged, &slice.cells, 1.0);
            }
        }
        let merged = NativeHistogram::of(layout, &self.merged);
        for (value, quantile) in values.iter_mut().zip(quantiles) {
            *value = merged.quantile(*quantile);
        }
    }
}

fn slice_at(window: Span, now: Time) -> u64 {
    now.unix_millis() / (window.as_nanos() / 1_000_000 / SLICES as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Span = Span::from_secs(50);

    fn quantiles(recent: &mut Recent, layout: &NativeLayout, secs: u64) -> [f64; 2] {
        let mut values = [0.0; 2];
        recent.quantiles(layout, WINDOW, Time::from_unix_secs(secs), &[0.5, 0.99], &mut values);
        values
    }

    #[test]
    fn quantiles_are_of_what_was_observed_lately() {
        let layout = layout((0.0, f64::INFINITY));
        let mut recent = Recent::new();
        assert!(quantiles(&mut recent, &layout, 1000).iter().all(|value| value.is_nan()));
        for secs in 1000..1100 {
            let cells = recent.current(&layout, WINDOW, Time::from_unix_secs(secs));
            layout.count(cells, if secs < 1050 { 10.0 } else { 1000.0 }, 1.0);
        }
        let is_near =
            |value: f64, wanted: f64| assert!((value / wanted - 1.0).abs() < 0.02, "{value} {wanted}");
        let [median, p99] = quantiles(&mut recent, &layout, 1099);
        is_near(median, 1000.0);
        is_near(p99, 1000.0);
        assert!(quantiles(&mut recent, &layout, 1200).iter().all(|value| value.is_nan()));
        recent.clear();
        assert!(quantiles(&mut recent, &layout, 1099).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn slices_of_different_resolutions_are_merged() {
        let layout = NativeLayout { positive: 100, ..layout((0.0, f64::INFINITY)) };
        let mut recent = Recent::new();
        for (secs, values) in [(1000, [1.0, 1.01]), (1010, [1e-9, 1e9]), (1020, [1.0, 1.1])] {
            for value in values {
                layout.count(recent.current(&layout, WINDOW, Time::from_unix_secs(secs)), value, 10.0);
            }
        }
        let [median, p99] = quantiles(&mut recent, &layout, 1020);
        assert!(median > 0.5 && median < 2.0 && p99 > 3e8 && p99 < 3e9, "{median} {p99}");
    }
}
