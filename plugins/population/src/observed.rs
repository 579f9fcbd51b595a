//! Observations of histograms, which are collected until they are shown.
//!
//! Their values are whole numbers of steps, so that sums are exact: they do not depend on how observations are collected.

use crate::settings::Settings;

/// Steps of a second in the length of a session.
const SESSION_STEPS: f64 = 64.0;
/// Steps of a second in the time of a request.
const REQUEST_STEPS: f64 = 1_048_576.0;

/// Observations of some rows of a histogram.
#[derive(Clone, Debug)]
pub(crate) struct Observations {
    /// Counts and sums in steps, by row and bucket.
    cells: Vec<(u64, u64)>,
    bounds: Vec<f64>,
    steps: f64,
}

/// Values of a row that were observed so many times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Observed {
    pub(crate) row: usize,
    pub(crate) value: f64,
    pub(crate) count: u64,
}

impl Observations {
    /// For the lengths of sessions, by row of users.
    pub(crate) fn of_sessions(rows: usize, settings: &Settings) -> Self {
        Self::new(rows, &settings.session_bounds, SESSION_STEPS)
    }

    /// For the times of requests.
    pub(crate) fn of_requests(rows: usize, settings: &Settings) -> Self {
        Self::new(rows, &settings.request_bounds, REQUEST_STEPS)
    }

    fn new(rows: usize, bounds: &[f64], steps: f64) -> Self {
        Self { cells: vec![(0, 0); rows * (bounds.len() + 1)], bounds: bounds.to_owned(), steps }
    }

    /// A value in steps, and the bucket of these: it may lie on the bound that the value is just above.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "some hours at most"
    )]
    pub(crate) fn steps_and_bucket(&self, secs: f64) -> (u64, usize) {
        let steps = (secs * self.steps) as u64;
        (steps, self.bounds.partition_point(|bound| *bound < steps as f64 / self.steps))
    }

    /// A value is observed so many times.
    pub(crate) fn add(&mut self, row: usize, secs: f64, count: u64) {
        let (steps, bucket) = self.steps_and_bucket(secs);
        self.add_sum(row, bucket, count, steps * count);
    }

    /// Values of one bucket with this sum in steps are observed.
    pub(crate) fn add_sum(&mut self, row: usize, bucket: usize, count: u64, steps: u64) {
        let cell = &mut self.cells[row * (self.bounds.len() + 1) + bucket];
        *cell = (cell.0 + count, cell.1 + steps);
    }

    /// Takes all observations out: for each row and bucket two values at most, whose sum is exact.
    #[expect(clippy::cast_precision_loss, reason = "steps need less than 53 bits")]
    pub(crate) fn take(&mut self, mut take: impl FnMut(Observed)) {
        for (index, cell) in self.cells.iter_mut().enumerate().filter(|(_, cell)| cell.0 > 0) {
            let (count, sum) = std::mem::take(cell);
            let (each, more) = (sum / count, sum % count);
            let row = index / (self.bounds.len() + 1);
            for (steps, count) in
                [(each, count - more), (each + 1, more)].into_iter().filter(|(_, count)| *count > 0)
            {
                take(Observed { row, value: steps as f64 / self.steps, count });
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
mod tests {
    use super::*;
    use crate::settings::examples::three_kinds;

    #[test]
    fn counts_and_sums_are_exact_and_values_stay_in_their_buckets() {
        let mut observations = Observations::of_sessions(3, &three_kinds(100));
        observations.add(1, 12.5, 3);
        observations.add(1, 29.0, 1);
        observations.add(1, 30.5, 1);
        observations.add_sum(2, 8, 2, 64 * 15_001);
        let mut taken = Vec::new();
        observations.take(|observed| taken.push(observed));
        let sum: f64 = taken.iter().filter(|of| of.row == 1).map(|of| of.value * of.count as f64).sum();
        assert_eq!(sum.to_bits(), 97.0f64.to_bits());
        let (low, high): (Vec<f64>, Vec<f64>) =
            taken.iter().filter(|of| of.row == 1).map(|of| of.value).partition(|value| *value <= 30.0);
        assert!(low.iter().all(|value| *value > 10.0) && high == [30.5]);
        assert_eq!(taken.last().unwrap(), &Observed { row: 2, value: 7500.5, count: 2 });
        observations.take(|_| panic!("they are taken once"));
    }

    #[test]
    fn a_value_just_above_a_bound_is_in_one_bucket_alone_and_among_others() {
        let counts = |values: &[f64]| {
            let mut observations = Observations::of_sessions(1, &three_kinds(100));
            for value in values {
                observations.add(0, *value, 1);
            }
            let mut low = 0;
            observations.take(|observed| low += if observed.value <= 300.0 { observed.count } else { 0 });
            low
        };
        assert_eq!([counts(&[300.005]), counts(&[300.005, 450.0]), counts(&[300.02, 450.0])], [1, 1, 0]);
    }
}
