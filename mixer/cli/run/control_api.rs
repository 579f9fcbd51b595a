//! The control API of a live run, or without one.

use std::sync::Arc;

use promemu_api::{Api, ConfigChoice, ConfigSource, Daemon, MAIN, MainRun, RunRequest};
use promemu_core::config::ConfigFile;
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::time::Span;
use promemu_run::handle::RunHandle;
use promemu_run::settings::RunSettings;
use tracing::info;

use crate::settings::Settings;

/// The API, unless it is off, and the live run in it.
#[derive(Debug, Default)]
pub(super) struct ControlApi {
    api: Option<(Api, MainRun)>,
}

impl ControlApi {
    /// Starts the API, and adds the run that is about to begin.
    pub(super) async fn start(
        settings: &Arc<Settings>,
        file: &ConfigFile,
        plan: &Plan,
        run: &RunSettings,
    ) -> Result<Self, Error> {
        let Some(api) = start_api(settings).await? else { return Ok(Self::default()) };
        let config = ConfigChoice {
            source: ConfigSource::Named(settings.config()?.to_owned()),
            class: settings.cli().class.clone(),
            args: settings.arguments_as_json(file),
        };
        let request = RunRequest {
            id: MAIN.into(),
            config,
            seed: Some(run.seed),
            duration: Some(run.duration).filter(|duration| *duration != Span::FOREVER),
            speed: settings.speed(),
        };
        let mut main = api.main_run(request)?;
        main.prepare(plan.jobs.iter().map(|job| Arc::clone(&job.name)).collect(), run.seed);
        Ok(Self { api: Some((api, main)) })
    }

    /// Lets clients show and steer the run from now on.
    pub(super) fn begin(&self, handle: RunHandle) {
        if let Some((_, main)) = &self.api {
            main.begin(handle);
        }
    }

    /// Completes when a client stops the run.
    pub(super) async fn stop_request(&mut self) {
        match &mut self.api {
            Some((_, main)) => main.stop_requested().await,
            None => std::future::pending().await,
        }
    }

    /// Ends the API, as the run has ended.
    pub(super) async fn end(self, error: Option<&Error>) {
        if let Some((api, main)) = self.api {
            main.end(error);
            api.end().await;
        }
    }
}

/// Serves the API without a run of its own, for runs that clients create.
pub(super) async fn wait_for_runs(
    settings: &Arc<Settings>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let Some(api) = start_api(settings).await? else { return settings.config().map(drop) };
    info!(
        "no --config, so promemu waits for runs; create one with promemu ctl create CONFIG or POST /api/v1/runs"
    );
    shutdown.await;
    api.end().await;
    Ok(())
}

async fn start_api(settings: &Arc<Settings>) -> Result<Option<Api>, Error> {
    let Some(listen) = settings.listen().cloned() else { return Ok(None) };
    let for_runs = Arc::clone(settings);
    let daemon = Daemon {
        dirs: settings.config_dirs(),
        main_config: settings.cli().config.clone(),
        series_max: settings.cli().max_series,
        run_settings: Box::new(move |defaults| for_runs.run_settings(defaults)),
    };
    Api::start(listen, daemon).await.map(Some)
}
