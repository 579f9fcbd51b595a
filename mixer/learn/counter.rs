//! Counters as rates.

use crate::grid::{GridSeries, whole_millis};

/// The increases of a counter.
#[derive(Clone, Debug)]
pub(crate) struct Increases {
    /// The increase of each step at its end; NaN at gaps.
    pub(crate) grid: GridSeries,
    /// The number of times it began again at 0.
    pub(crate) resets: usize,
    /// Its first value.
    pub(crate) first: f64,
    /// `true` if all values are whole.
    pub(crate) is_whole: bool,
}

/// The increase from one value of a counter to the next. One that falls has been reset, and has counted from 0 since.
pub(crate) fn increase(from: f64, to: f64) -> f64 {
    if to < from { to } else { to - from }
}

/// The increases between neighbouring values.
pub(crate) fn increases(counter: GridSeries) -> Increases {
    let counter = counter.at_updates();
    let mut resets = 0;
    let increases = counter.values.windows(2).map(|pair| {
        resets += usize::from(pair[1] < pair[0]);
        increase(pair[0], pair[1])
    });
    let values = increases.collect();
    let present = || counter.values.iter().copied().filter(|value| value.is_finite());
    Increases {
        resets,
        first: present().next().unwrap_or_default(),
        is_whole: present().all(|value| libm::rint(value).to_bits() == value.to_bits()),
        grid: GridSeries { begin_ms: counter.begin_ms + whole_millis(counter.step_secs), values, ..counter },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_falls_has_counted_from_0() {
        let values = vec![5.0, 7.0, 1.0, f64::NAN, 4.0, 6.0];
        let found = increases(GridSeries { begin_ms: 0, step_secs: 15.0, sample_secs: 15.0, values });
        assert_eq!((found.resets, found.first.to_bits()), (1, 5.0f64.to_bits()));
        assert_eq!(found.grid.values[..2], [2.0, 1.0]);
        assert!(found.grid.values[2].is_nan() && found.grid.values[3].is_nan());
        assert_eq!(found.grid.values[4..], [2.0]);
    }
}
