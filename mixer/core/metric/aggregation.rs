//! The effect of a metric's values on its cells.

use crate::time::Span;

/// The effect of a value on the cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    /// The value replaces the cell.
    Gauge,
    /// The value adds to a total that never falls.
    Counter {
        /// The meaning of the value.
        accumulate: Accumulate,
        /// The index among the host's counters.
        index: usize,
    },
    /// The value is observed, as in a histogram or a summary.
    Observations {
        /// The finite range to which observations are clamped.
        range: (f64, f64),
        /// For summaries: the index among the host's summaries, and the length of the window.
        recent: Option<(usize, Span)>,
    },
    /// The value is ignored; the cell is 1.
    Info,
    /// The value, rounded, is the number of a state.
    State,
}

/// The meaning of a scenario's value for a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulate {
    /// A level, added at each update.
    PerUpdate,
    /// A level per second, multiplied by the time since the last update and added.
    PerSecond,
    /// The new total, taken if it is larger than the last one.
    Total,
}
