//! Samples on a grid. A cell has the time at its end, and the samples after the end of the one before. Scrapes on the grid itself come
//! a little late, so a sample belongs to the cell before it until a tenth of a step behind its end.

use crate::grid::millis;
use crate::load::Floats;

/// A sample may be late by this part of a step.
const LATE_PART: i64 = 10;

/// The cells of some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) step_ms: i64,
    /// Number of the first cell: its time is this many steps behind the Unix epoch.
    pub(super) first: i64,
    pub(super) len: usize,
}

/// The rates of a counter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rates {
    pub(super) values: Vec<f64>,
    /// Places of cells in which it began again at 0.
    pub(super) resets: Vec<usize>,
}

impl Grid {
    /// The cells whose times are in a range.
    pub(super) fn over(step_ms: i64, (from_ms, to_ms): (i64, i64)) -> Self {
        let first = -(-from_ms).div_euclid(step_ms);
        let end = -(-to_ms).div_euclid(step_ms);
        Self { step_ms, first, len: usize::try_from(end - first).unwrap_or(0) }
    }

    pub(super) fn at_ms(&self, place: usize) -> i64 {
        (self.first + i64::try_from(place).unwrap_or(i64::MAX)) * self.step_ms
    }

    /// The cell of a sample.
    pub(super) fn place(&self, at_ms: i64) -> Option<usize> {
        let number = -(self.step_ms / LATE_PART - at_ms).div_euclid(self.step_ms);
        usize::try_from(number - self.first).ok().filter(|place| *place < self.len)
    }

    /// The place of the first cell at this time or later, within the grid's length.
    pub(super) fn place_from(&self, at_ms: i64) -> usize {
        let number = -(-at_ms).div_euclid(self.step_ms);
        usize::try_from(number - self.first).unwrap_or(0).min(self.len)
    }
}

/// The newest value of each cell. A cell without one, and one that ends with a staleness marker or another value that is not
/// finite, is a gap: NaN.
pub(super) fn levels(samples: &Floats, grid: &Grid) -> Vec<f64> {
    let mut values = vec![f64::NAN; grid.len];
    for (at, value) in samples {
        if let Some(place) = grid.place(*at) {
            values[place] = if value.is_finite() { *value } else { f64::NAN };
        }
    }
    values
}

/// The growth of a counter in a second, from the last sample before a cell to the last one in it. A fall is a reset to 0. Samples
/// that are further apart than `reach_ms` make no rate.
pub(super) fn rates(samples: &Floats, grid: &Grid, reach_ms: i64) -> Rates {
    let mut rates = Rates { values: vec![f64::NAN; grid.len], resets: Vec::new() };
    let mut grown = vec![(0.0, 0i64); grid.len];
    let finite: Vec<&(i64, f64)> = samples.iter().filter(|(_, value)| value.is_finite()).collect();
    for pair in finite.windows(2) {
        let ((before_at, before), (at, value)) = (*pair[0], *pair[1]);
        let Some(place) = grid.place(at).filter(|_| at - before_at <= reach_ms) else { continue };
        let is_reset = value < before;
        if is_reset {
            rates.resets.push(place);
        }
        let (growth, time) = &mut grown[place];
        *growth += if is_reset { value } else { value - before };
        *time += at - before_at;
    }
    for (value, (growth, time)) in rates.values.iter_mut().zip(grown) {
        if time > 0 {
            *value = growth / (millis(time) / 1000.0);
        }
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_its_newest_sample_and_a_stale_one_is_a_gap() {
        let grid = Grid::over(10, (100, 150));
        assert_eq!((grid.first, grid.len, grid.at_ms(4)), (10, 5, 140));
        let samples = vec![
            (90, 9.0),
            (91, 1.0),
            (100, 2.0),
            (101, 2.5),
            (102, 3.0),
            (125, 4.0),
            (133, 5.0),
            (139, f64::NAN),
        ];
        let values = levels(&samples, &grid);
        assert_eq!((&values[..2], values[3].to_bits()), (&[2.5, 3.0][..], 4.0f64.to_bits()));
        assert!(values[2].is_nan());
        assert!(values[4].is_nan());
    }

    #[test]
    fn rates_know_resets_and_do_not_reach_over_long_gaps() {
        let grid = Grid::over(1_000, (1_000, 9_000));
        let samples = vec![
            (500, 5.0),
            (1_000, 7.0),
            (1_500, 8.0),
            (2_000, 9.0),
            (3_000, 4.0),
            (7_000, 44.0),
            (8_000, 45.0),
        ];
        let found = rates(&samples, &grid, 2_000);
        let expected = [4.0, 2.0, 4.0, f64::NAN, f64::NAN, f64::NAN, f64::NAN, 1.0];
        assert_eq!(found.resets, [2]);
        for (found, expected) in found.values.iter().zip(expected) {
            assert!(
                found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                "{found} {expected}"
            );
        }
    }
}
