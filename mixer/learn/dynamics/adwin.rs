//! Drift of a mean: ADWIN (A. Bifet and R. Gavaldà, 2007), a window that forgets its older part when the mean of the newer part
//! differs from its mean by more than chance allows.
//!
//! The window is kept as sums of 1, 2, 4 … numbers, so n numbers take some 5 log n sums.

use std::collections::VecDeque;

/// Sums of one size before two of them become one of the next size.
const SUMS_MAX: usize = 5;
/// Numbers that each part of the window has at least.
const PART_MIN: f64 = 5.0;
/// Numbers that the window has at least.
const WINDOW_MIN: f64 = 10.0;

/// The window of one stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Adwin {
    /// The chance of an alarm without drift, at each number.
    confidence: f64,
    /// By size, the smallest first; within it the oldest first.
    rows: Vec<VecDeque<Summed>>,
    all: Summed,
}

/// Numbers by count, mean and sum of squared distances from it.
#[derive(Clone, Copy, Debug, Default)]
struct Summed {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Summed {
    const fn one(value: f64) -> Self {
        Self { count: 1.0, mean: value, squares: 0.0 }
    }

    fn with(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count <= 0.0 {
            return Self::default();
        }
        let apart = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + apart * other.count / count,
            squares: self.squares + other.squares + apart * apart * self.count * other.count / count,
        }
    }

    /// These without some of them.
    fn without(self, part: Self) -> Self {
        let count = self.count - part.count;
        if count <= 0.0 {
            return Self::default();
        }
        let mean = (self.mean * self.count - part.mean * part.count) / count;
        let apart = part.mean - mean;
        let squares = self.squares - part.squares - apart * apart * part.count * count / self.count;
        Self { count, mean, squares: squares.max(0.0) }
    }
}

impl Adwin {
    pub(super) const fn new(confidence: f64) -> Self {
        Self { confidence, rows: Vec::new(), all: Summed { count: 0.0, mean: 0.0, squares: 0.0 } }
    }

    /// Takes a number; `true` if the mean has drifted, and the part before that is forgotten.
    pub(super) fn take(&mut self, value: f64) -> bool {
        self.put(Summed::one(value));
        let mut has_drifted = false;
        while self.all.count >= WINDOW_MIN && self.differs() {
            self.forget_oldest();
            has_drifted = true;
        }
        has_drifted
    }

    fn put(&mut self, mut new: Summed) {
        self.all = self.all.with(new);
        for size in 0.. {
            if size == self.rows.len() {
                self.rows.push(VecDeque::new());
            }
            let row = &mut self.rows[size];
            row.push_back(new);
            if row.len() <= SUMS_MAX {
                return;
            }
            let (Some(first), Some(second)) = (row.pop_front(), row.pop_front()) else { return };
            new = first.with(second);
        }
    }

    fn forget_oldest(&mut self) {
        while self.rows.last().is_some_and(VecDeque::is_empty) {
            self.rows.pop();
        }
        if let Some(oldest) = self.rows.last_mut().and_then(VecDeque::pop_front) {
            self.all = self.all.without(oldest);
        }
    }

    /// `true` if the window can be cut into an older and a newer part whose means differ by more than chance allows.
    fn differs(&self) -> bool {
        let all = self.all;
        let log = libm::log(2.0 * libm::log(all.count).max(1.0) / self.confidence);
        let variance = all.squares / all.count;
        let mut old = Summed::default();
        for sum in self.rows.iter().rev().flatten() {
            old = old.with(*sum);
            let new = all.count - old.count;
            if new < PART_MIN {
                return false;
            }
            if old.count < PART_MIN {
                continue;
            }
            let mean = (all.mean * all.count - old.mean * old.count) / new;
            let parts = 1.0 / old.count + 1.0 / new;
            let bound = libm::sqrt(2.0 * parts * variance * log) + 2.0 / 3.0 * parts * log;
            if (old.mean - mean).abs() > bound {
                return true;
            }
        }
        false
    }

    /// Number of numbers in the window.
    #[cfg(test)]
    fn len(&self) -> f64 {
        self.all.count
    }
}

#[cfg(test)]
mod tests {
    use promemu_core::rng::Seed;

    use super::*;

    #[test]
    fn a_steady_mean_is_no_drift_and_a_shift_by_a_deviation_is_one_soon() {
        let mut false_alarms = 0;
        let mut latest = 0;
        for seed in 0..10 {
            let mut rng = Seed::new(seed).rng();
            let mut window = Adwin::new(1e-5);
            for _ in 0..10_000 {
                false_alarms += u32::from(window.take(rng.normal()));
            }
            assert!(window.len() > 5_000.0, "{}", window.len());
            let found = (1..1_000).find(|_| window.take(1.0 + rng.normal())).unwrap();
            latest = latest.max(found);
        }
        assert_eq!(false_alarms, 0, "in 100 000 numbers");
        assert!(latest <= 250, "found after {latest} numbers at the latest");
    }

    #[test]
    fn a_window_takes_memory_by_the_logarithm_of_its_length_and_forgets_what_was_before_a_drift() {
        let mut window = Adwin::new(1e-5);
        for n in 0..100_000u32 {
            window.take(f64::from(n % 2));
        }
        assert!(window.rows.iter().map(VecDeque::len).sum::<usize>() <= SUMS_MAX * 18);
        for n in 0..1_000u32 {
            window.take(5.0 + f64::from(n % 2));
        }
        assert!(window.len() <= 1_000.0 && (window.all.mean - 5.5).abs() < 0.01, "{:?}", window.all);
    }

    #[test]
    fn what_is_left_without_a_part_is_what_the_others_sum_to() {
        let summed = |values: &[f64]| {
            values.iter().fold(Summed::default(), |sum, value| sum.with(Summed::one(*value)))
        };
        let (part, rest) = (summed(&[1.0, 4.0, 9.0]), summed(&[2.0, -3.0]));
        let left = part.with(rest).without(part);
        assert!((left.mean - rest.mean).abs() < 1e-12 && (left.squares - rest.squares).abs() < 1e-9);
    }
}
