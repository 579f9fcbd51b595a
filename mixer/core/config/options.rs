//! Options of loading a config.

use std::sync::Arc;

use indexmap::IndexMap;

use super::source::Author;
use crate::expression::Value;
use crate::replay::ReplayOpener;
use crate::stop::Stop;
use crate::time::Time;

/// Default limit of series, so that a typing error in a count does not fill the memory.
pub const DEFAULT_SERIES_MAX: usize = 5_000_000;

/// The id of the run that a command starts.
pub const MAIN_RUN: &str = "main";

/// The options of loading a config.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The class; if `None`, the first whose name ends in `Config`, else the first.
    pub class: Option<String>,
    /// Given arguments. Text is read as the argument's type.
    pub arguments: IndexMap<String, Value>,
    /// The author of the arguments.
    pub author: Author,
    /// The run's start.
    pub started_at: Time,
    /// The run's id, unique among the runs of one process.
    pub run_id: String,
    /// Maximum number of series; a config with more is refused.
    pub series_max: usize,
    /// Maximum memory of a run, as [`Plan::memory_bytes`](crate::plan::Plan::memory_bytes) estimates it.
    pub memory_max: usize,
    /// `true` to leave out all faults, of the run and of hosts: the twin of the config in which nothing is wrong.
    pub no_faults: bool,
    /// Opens the recordings that the config plays; `None` if it may not play any.
    pub replays: Option<Arc<dyn ReplayOpener>>,
    /// Ends the loading early, with [`ConfigError::GivenUp`](crate::error::ConfigError::GivenUp).
    pub stop: Stop,
}

impl LoadOptions {
    /// Options of the main run, without class and arguments, with the default limit.
    #[must_use]
    pub fn starting_at(started_at: Time) -> Self {
        Self {
            class: None,
            arguments: IndexMap::new(),
            author: Author::Operator,
            started_at,
            run_id: MAIN_RUN.to_owned(),
            series_max: DEFAULT_SERIES_MAX,
            memory_max: usize::MAX,
            no_faults: false,
            replays: None,
            stop: Stop::default(),
        }
    }
}
