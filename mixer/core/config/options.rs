//! Options of loading a config.

use indexmap::IndexMap;

use crate::expression::Value;
use crate::time::Time;

/// More series than this are refused by default: a slip of the keyboard should not fill the memory.
pub const DEFAULT_SERIES_MAX: usize = 5_000_000;

/// What a config is loaded with.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The class; without one the first whose name ends in `Config`, else the first.
    pub class: Option<String>,
    /// The arguments that are given. Text is read as the argument's type.
    pub arguments: IndexMap<String, Value>,
    /// The run's start.
    pub started_at: Time,
    /// More series than this are refused.
    pub series_max: usize,
}

impl LoadOptions {
    /// No class, no arguments, and the usual bound.
    #[must_use]
    pub fn starting_at(started_at: Time) -> Self {
        Self { class: None, arguments: IndexMap::new(), started_at, series_max: DEFAULT_SERIES_MAX }
    }
}
