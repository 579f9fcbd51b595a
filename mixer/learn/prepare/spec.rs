//! A pipeline as it is meant: lengths of time in steps of its grid.

use promemu_wire::samples::{ReadSeries, Selector};

/// A pipeline from a recording to rows for learning.
#[derive(Clone, Debug)]
pub struct PrepareSpec {
    /// Its name.
    pub name: String,
    /// Its version, as its author counts.
    pub version: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// The series that are taken; all without one.
    pub selectors: Vec<Selector>,
    /// The first millisecond since the Unix epoch, and the one after the last; `None` for those of the recording.
    pub range_ms: (Option<i64>, Option<i64>),
    /// Milliseconds of a step of the grid.
    pub step_ms: i64,
    /// The series that become rates.
    pub counters: Counters,
    /// The values of short gaps.
    pub impute: Option<Impute>,
    /// Values far from all others.
    pub outliers: Option<Outliers>,
    /// Transforms of the series that a selector takes; the first one counts.
    pub transforms: Vec<(Selector, Transform)>,
    /// The scale of values.
    pub scale: Option<Scale>,
    /// Columns that are made of the values before.
    pub features: Vec<Feature>,
    /// The parts of time.
    pub split: Split,
    /// Copies of rows of training.
    pub augment: Option<Augment>,
    /// Stretches of time for learning.
    pub windows: Option<Windows>,
    /// Milliseconds of the rows of a file.
    pub part_ms: i64,
}

/// The series that become rates.
#[derive(Clone, Debug)]
pub enum Counters {
    /// Those that the recording's types or their names tell.
    Known,
    /// Those that a selector takes.
    Of(Vec<Selector>),
}

/// The values of gaps that are not longer than some steps. Longer ones stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impute {
    /// The value.
    pub by: ImputeBy,
    /// Steps of the longest gap.
    pub steps: usize,
}

/// The value of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImputeBy {
    /// On the line between its neighbours.
    Linear,
    /// The value before.
    Forward,
    /// The value after.
    Backward,
    /// The median of the values around it, as many steps as a gap may have on each side.
    Median,
    /// The value so many steps before.
    Seasonal(usize),
}

/// Values far from the median of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outliers {
    /// The distance in robust standard deviations.
    pub z: f64,
    /// `true` if they become gaps where no action is on.
    pub is_removed: bool,
}

/// A function of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// ln(1 + x), for values above -1.
    Log1p,
    /// ln(x / (1 − x)), for values between 0 and 1.
    Logit,
}

/// The scale of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From 0 to 1.
    MinMax,
    /// In standard deviations from the mean.
    Z,
    /// In interquartile ranges from the median.
    Robust,
}

/// A column that is made of values up to its own time.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub column: String,
    /// Its content.
    pub kind: FeatureKind,
}

/// The content of a feature; lengths are in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// The mean of the last values.
    Mean(usize),
    /// The least of the last values.
    Min(usize),
    /// The greatest of the last values.
    Max(usize),
    /// The standard deviation of the last values.
    Deviation(usize),
    /// The change along the line of least squares through the last values.
    Trend(usize),
    /// The mean of the values at this time of so many periods before, less that of all their values.
    Seasonal {
        /// Steps of a period.
        period: usize,
        /// Number of periods.
        periods: usize,
    },
}

/// A part of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For training.
    Train,
    /// For validation.
    Validation,
    /// For a test.
    Test,
    /// For nothing: between two others.
    Unused,
}

/// The parts of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Parts in their order, with their weights.
    pub weights: Vec<(Part, u32)>,
    /// Milliseconds of a block: parts take turns, with as many blocks as their weights. `None` for one block of each part.
    pub block_ms: Option<i64>,
    /// Milliseconds at the begin of a block behind one of another part that are used for nothing.
    pub embargo_ms: i64,
    /// Scales and outliers are learned from rows of training before this time.
    pub learn_until_ms: Option<i64>,
    /// Number of folds of a cross-validation by time.
    pub folds: Option<u32>,
    /// The fold that takes the place of the split, from 1 on.
    pub fold: Option<u32>,
}

/// Copies of rows of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augment {
    /// Number of copies.
    pub copies: u32,
    /// The root of their randomness.
    pub seed: u64,
    /// Deviation of noise, in those of the series.
    pub jitter: f64,
    /// Deviation of the factor of a block.
    pub scaling: f64,
    /// The greatest change of speed, below 1.
    pub warp: f64,
    /// Steps within which time is warped.
    pub warp_steps: usize,
}

/// Stretches of time for learning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Windows {
    /// Milliseconds of a window.
    pub length_ms: i64,
    /// Milliseconds from one to the next.
    pub stride_ms: i64,
    /// Share of windows of training with an action; `None` for all windows.
    pub balance: Option<f64>,
    /// The root of the choice.
    pub seed: u64,
}

impl Part {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Unused => "unused",
        }
    }
}

impl Feature {
    /// Steps up to a cell that it knows.
    const fn steps(&self) -> usize {
        match self.kind {
            FeatureKind::Mean(steps)
            | FeatureKind::Min(steps)
            | FeatureKind::Max(steps)
            | FeatureKind::Deviation(steps)
            | FeatureKind::Trend(steps) => steps,
            FeatureKind::Seasonal { period, periods } => period * periods,
        }
    }
}

impl PrepareSpec {
    /// `true` if a selector takes the series.
    pub(super) fn takes(&self, series: &ReadSeries) -> bool {
        self.selectors.is_empty() || self.selectors.iter().any(|selector| selector.matches(series))
    }

    /// `true` if something is learned from rows of training.
    pub(super) fn learns(&self) -> bool {
        self.outliers.is_some() || self.scale.is_some() || self.augment.is_some()
    }

    /// Milliseconds of the time before a row that its features know.
    #[must_use]
    pub fn feature_reach_ms(&self) -> i64 {
        let steps = self.features.iter().map(Feature::steps).max().unwrap_or(0);
        self.step_ms.saturating_mul(i64::try_from(steps).unwrap_or(i64::MAX))
    }

    /// Steps before a cell that its row depends on, other than those of the rate.
    pub(super) fn steps_before(&self) -> usize {
        let features = self.features.iter().map(Feature::steps).max().unwrap_or(0);
        let imputed = self.impute.map_or(0, |impute| match impute.by {
            ImputeBy::Seasonal(period) => period.max(impute.steps) + 1,
            _ => impute.steps + 1,
        });
        let warped = self.augment.map_or(0, |augment| augment.warp_steps);
        // Copies are made of imputed values, and features of copies.
        features + warped + imputed
    }

    /// Steps after a cell that its row depends on.
    pub(super) fn steps_after(&self) -> usize {
        let imputed = self.impute.map_or(0, |impute| impute.steps + 1);
        imputed + self.augment.map_or(0, |augment| augment.warp_steps)
    }

    /// Milliseconds within which two samples of a counter make a rate.
    pub(super) fn rate_reach_ms(&self) -> i64 {
        let steps = self.impute.map_or(0, |impute| impute.steps) + 2;
        self.step_ms * i64::try_from(steps).unwrap_or(i64::MAX / self.step_ms)
    }
}
