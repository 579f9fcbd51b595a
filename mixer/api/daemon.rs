//! The API's interface to the program around it. It knows no flags.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use promemu_core::config::ConfigDirs;
use promemu_core::error::Error;
use promemu_core::plan::RunDefaults;
use promemu_core::time::Span;
use promemu_run::history::History;
use promemu_run::outputs::SharedOutputs;
use promemu_run::settings::RunSettings;
use promemu_run::transport::ShardCalls;

/// Makes the settings of a run from the defaults of its config.
type MakeSettings = dyn Fn(&RunDefaults) -> Result<RunSettings, Error> + Send + Sync;

/// Makes the history of a run from the run's id and the history's length.
type MakeHistory = dyn Fn(&str, Span) -> History + Send + Sync;

/// The addresses of servers that have the metrics of runs, for people who follow a link. promemu itself asks them nothing.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Links {
    /// A Prometheus; null for none.
    pub prometheus: Option<String>,
    /// A Grafana whose default data source has the metrics; null for none.
    pub grafana: Option<String>,
}

/// The program's part in runs that clients create.
pub struct Daemon {
    /// The directories of the configs.
    pub dirs: ConfigDirs,
    /// The config of the main run, as on the command line; `None` without one.
    pub main_config: Option<String>,
    /// The folder whose recordings clients may read; `None` for none.
    pub recordings: Option<PathBuf>,
    /// The servers in which clients may look at the metrics.
    pub links: Links,
    /// The most series of a run.
    pub series_max: usize,
    /// Maximum memory of a run, in bytes.
    pub memory_max: usize,
    /// The way to the other shards of the main run; `None` for a run in one process, or without a bus.
    pub shards: Option<ShardCalls>,
    /// The outputs that all runs share.
    pub outputs: Arc<SharedOutputs>,
    /// Makes the settings of a run from the defaults of its config.
    pub run_settings: Box<MakeSettings>,
    /// Makes the history of a run from the run's id and the history's length.
    pub history: Box<MakeHistory>,
}

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").field("dirs", &self.dirs).finish_non_exhaustive()
    }
}
