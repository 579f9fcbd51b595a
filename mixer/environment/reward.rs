//! The terms of a reward.

use promemu_core::metric::is_absent;

/// Names of the terms, in the order of [`Terms`].
pub const TERMS: [&str; 5] = ["objectives", "replicas", "action", "false_page", "missed_fault"];

/// The terms of a reward, each 0 or below.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms(pub [f64; TERMS.len()]);

impl Terms {
    /// The reward.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.0.iter().sum()
    }
}

/// An objective: a threshold for columns of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The numbers of its columns.
    pub columns: Vec<usize>,
    /// It is violated above this.
    pub above: f64,
    /// The cost of a second in which all of its columns violate it.
    pub weight: f64,
}

impl Objective {
    /// The share of its columns that violate it; an absent one does.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a few hundred columns")]
    pub fn violated(&self, numbers: &[f64]) -> f64 {
        let is_violated = |column: &&usize| is_absent(numbers[**column]) || numbers[**column] > self.above;
        self.columns.iter().filter(is_violated).count() as f64 / self.columns.len().max(1) as f64
    }
}
