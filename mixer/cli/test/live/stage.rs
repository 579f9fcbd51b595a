//! The outputs that all live runs of a playlist have, also between two of them.

use std::sync::Arc;

use promemu_core::config::Playlist;
use promemu_core::error::Error;
use promemu_core::plan::RunDefaults;
use promemu_run::clock::wall_now;
use promemu_run::outputs::SharedOutputs;
use promemu_run::threads;
use tokio::runtime::Runtime;

use crate::settings::Settings;
use crate::signals::Shutdown;

/// The outputs of the runs of a playlist, which are those of its first item.
#[derive(Debug)]
pub(in crate::test) struct Stage {
    runtime: Runtime,
    defaults: RunDefaults,
    outputs: Arc<SharedOutputs>,
    shutdown: Shutdown,
}

impl Stage {
    /// Opens the outputs, and listens to signals.
    pub(in crate::test) fn open(settings: &Settings, playlist: &Playlist) -> Result<Self, Error> {
        let first = playlist.items.first().map(|item| settings.load_item(item, wall_now())).transpose()?;
        let defaults = first.map(|loaded| loaded.plan.defaults).unwrap_or_default();
        threads::start();
        let failed =
            |source| Error::System { what: "threads for outputs cannot be started".to_owned(), source };
        let runtime = threads::runtime("outputs", None).map_err(failed)?;
        let outputs = settings.run_settings(&defaults)?.outputs;
        let outputs =
            runtime.block_on(SharedOutputs::open(&outputs, settings.self_metrics_address(), false))?;
        Ok(Self { runtime, defaults, outputs, shutdown: Shutdown::listen(None)? })
    }

    /// The outputs.
    pub(super) const fn outputs(&self) -> &Arc<SharedOutputs> {
        &self.outputs
    }

    /// The request of a signal to end.
    pub(in crate::test) const fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// The defaults of a run with the outputs of the stage.
    pub(super) fn defaults(&self, own: &RunDefaults) -> RunDefaults {
        let RunDefaults { pushgateway_url, serve, .. } = self.defaults.clone();
        RunDefaults { pushgateway_url, serve, ..own.clone() }
    }

    /// Closes the outputs. Runs have ended.
    pub(in crate::test) fn close(self) {
        self.runtime.block_on(self.outputs.end());
        self.runtime.shutdown_background();
    }
}
