//! Aggregates of the samples of a step.

use crate::recording::store::StepRow;

/// The value of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// The newest value.
    Last,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The mean of all samples.
    Mean,
    /// The newest value of each series, added.
    Sum,
    /// Number of samples.
    Count,
    /// The growth of counters, from sample to sample; a fall is a reset.
    Increase,
    /// The same in a second.
    Rate,
}

impl Aggregate {
    /// All of them, by the names that people write.
    pub const NAMES: [(&str, Self); 8] = [
        ("last", Self::Last),
        ("min", Self::Min),
        ("max", Self::Max),
        ("mean", Self::Mean),
        ("sum", Self::Sum),
        ("count", Self::Count),
        ("increase", Self::Increase),
        ("rate", Self::Rate),
    ];

    /// The one of this name.
    ///
    /// # Errors
    ///
    /// In words: there is none.
    pub fn parse(name: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(own, _)| *own == name);
        found.map(|(_, aggregate)| *aggregate).ok_or_else(|| {
            let names = Self::NAMES.map(|(own, _)| own);
            format!("{name:?} is none of {}", names.join(", "))
        })
    }
}

/// The samples of a step so far.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct Accumulator {
    min: f64,
    max: f64,
    total: f64,
    count: f64,
    /// Time and value of the newest sample.
    last: (i64, f64),
    /// The newest value of each series, added.
    sum: f64,
    increase: f64,
}

impl Default for Accumulator {
    fn default() -> Self {
        Self {
            min: f64::NAN,
            max: f64::NAN,
            total: 0.0,
            count: 0.0,
            last: (i64::MIN, f64::NAN),
            sum: 0.0,
            increase: 0.0,
        }
    }
}

impl Accumulator {
    /// Adds the sample of a series that is newer than all before; `before` is the one before it, in this or another step.
    pub(super) fn add(&mut self, at: i64, value: f64, before: Option<f64>) {
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
        self.total += value;
        self.count += 1.0;
        (self.last, self.sum) = ((at, value), value);
        self.increase += before.map_or(0.0, |before| growth(before, value));
    }

    /// Adds later samples of the same series that are gone.
    pub(super) fn follow(&mut self, row: &StepRow) {
        (self.min, self.max) = (self.min.min(row.min), self.max.max(row.max));
        self.total += row.mean * row.count;
        self.count += row.count;
        (self.last, self.sum) = ((row.last_at_ms, row.last), row.last);
        self.increase += row.increase;
    }

    /// The row that takes the place of these samples.
    pub(in crate::recording) fn row(&self, at_ms: i64) -> StepRow {
        StepRow {
            at_ms,
            min: self.min,
            max: self.max,
            mean: self.total / self.count,
            count: self.count,
            last: self.last.1,
            last_at_ms: self.last.0,
            increase: self.increase,
        }
    }

    /// Adds the step of another series.
    pub(super) fn join(&mut self, other: &Self) {
        (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
        self.total += other.total;
        self.count += other.count;
        if other.last.0 > self.last.0 {
            self.last = other.last;
        }
        self.sum += other.sum;
        self.increase += other.increase;
    }

    pub(super) fn value(&self, aggregate: Aggregate, step_secs: f64) -> f64 {
        match aggregate {
            Aggregate::Last => self.last.1,
            Aggregate::Min => self.min,
            Aggregate::Max => self.max,
            Aggregate::Mean => self.total / self.count,
            Aggregate::Sum => self.sum,
            Aggregate::Count => self.count,
            Aggregate::Increase => self.increase,
            Aggregate::Rate => self.increase / step_secs,
        }
    }
}

/// The growth of a counter from one sample to the next: after a reset, all that it shows.
fn growth(before: f64, now: f64) -> f64 {
    if now < before { now } else { now - before }
}
