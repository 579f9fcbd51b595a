//! The control API around a run, or instead of one.

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

/// The API, if there is one, and the run that it shows as the daemon's own.
#[derive(Debug, Default)]
pub(crate) struct Steering {
    api: Option<(Api, MainRun)>,
}

impl Steering {
    /// Takes the API's address, and tells it of the run that is about to start.
    pub(crate) async fn start(
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

    /// The run can be looked at and steered from now on.
    pub(crate) fn begin(&self, remote: RunHandle) {
        if let Some((_, main)) = &self.api {
            main.begin(remote);
        }
    }

    /// Completes when a client wants the run to stop.
    pub(crate) async fn asked_to_stop(&mut self) {
        match &mut self.api {
            Some((_, main)) => main.stop_requested().await,
            None => std::future::pending().await,
        }
    }

    /// The run is over, and with it the API.
    pub(crate) async fn end(self, error: Option<&Error>) {
        if let Some((api, main)) = self.api {
            main.end(error);
            api.end().await;
        }
    }
}

/// Serves the API alone, for runs that clients make.
pub(crate) async fn wait_for_runs(
    settings: &Arc<Settings>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let Some(api) = start_api(settings).await? else { return settings.config().map(drop) };
    info!("there is no --config, so promemu waits for runs: POST /api/v1/runs, or promemu ctl create CONFIG");
    shutdown.await;
    api.end().await;
    Ok(())
}

async fn start_api(settings: &Arc<Settings>) -> Result<Option<Api>, Error> {
    let Some(listen) = settings.listen().cloned() else { return Ok(None) };
    let at_work = Arc::clone(settings);
    let daemon = Daemon {
        dirs: settings.config_dirs(),
        main_config: settings.cli().config.clone(),
        series_max: settings.cli().max_series,
        run_settings: Box::new(move |defaults| at_work.run_settings(defaults)),
    };
    Api::start(listen, daemon).await.map(Some)
}
