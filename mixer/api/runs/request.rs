//! The request for a run, as a client or the command line makes it.

use std::sync::Arc;

use promemu_core::time::{Span, Speed};

use crate::config_source::ConfigChoice;

/// The id of the run that the daemon was started with.
pub use promemu_core::config::MAIN_RUN as MAIN;

/// The request for a run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The run's id, unique among the daemon's runs.
    pub id: Arc<str>,
    /// Its config, class and arguments.
    pub config: ConfigChoice,
    /// The seed; a random one if `None`.
    pub seed: Option<u64>,
    /// The emulated time after which it ends; `None` for no limit.
    pub duration: Option<Span>,
    /// The speed of emulated time.
    pub speed: Speed,
    /// The length of the history that it begins with; `None` for none.
    pub history: Option<Span>,
    /// `true` if edits of its config are reloaded.
    pub watches: bool,
    /// The name that a client gave a simulation; `None` for other runs.
    pub simulation: Option<String>,
}
