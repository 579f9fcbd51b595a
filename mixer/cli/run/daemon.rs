//! The control API beside a live run, or without one.

use std::sync::Arc;

use promemu_api::{Api, ConfigChoice, ConfigSource, Daemon, RunRequest};
use promemu_core::config::ConfigFile;
use promemu_core::error::Error;
use promemu_core::plan::RunDefaults;
use promemu_core::time::Span;
use promemu_core::user_file::STDIN;
use promemu_run::outputs::SharedOutputs;
use promemu_run::run::StopReason;
use promemu_run::spec::RunSpec;
use tracing::info;

use super::history::history;
use crate::settings::Settings;

/// Serves the API without a run of its own, for runs that clients create.
pub(super) async fn wait_for_runs(
    settings: &Arc<Settings>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let run_settings = settings.run_settings(&RunDefaults::default())?;
    let outputs = SharedOutputs::open(&run_settings.outputs, settings.self_metrics_address(), false).await?;
    let Some(api) = start_api(settings, &outputs).await? else { return settings.config().map(drop) };
    info!(
        "no --config, so promemu waits for runs; create one with promemu ctl create CONFIG or POST /api/v1/runs"
    );
    shutdown.await;
    api.end(StopReason::Signal).await;
    outputs.end().await;
    Ok(())
}

/// Starts the API; `None` if it is off.
pub(super) async fn start_api(
    settings: &Arc<Settings>,
    outputs: &Arc<SharedOutputs>,
) -> Result<Option<Api>, Error> {
    let Some(listen) = settings.listen().cloned() else { return Ok(None) };
    let [for_runs, for_histories] = [Arc::clone(settings), Arc::clone(settings)];
    let daemon = Daemon {
        dirs: settings.config_dirs(),
        main_config: settings.cli().config.clone(),
        series_max: settings.cli().max_series,
        outputs: Arc::clone(outputs),
        run_settings: Box::new(move |defaults| for_runs.run_settings(defaults)),
        history: Box::new(move |run, length| history(&for_histories, run, length)),
    };
    Api::start(listen, daemon).await.map(Some)
}

/// The main run as a client would have asked for it.
pub(super) fn request(settings: &Settings, file: &ConfigFile, spec: &RunSpec) -> Result<RunRequest, Error> {
    let config = ConfigChoice {
        source: match (settings.config()?, file.text()) {
            (STDIN, Some(text)) => ConfigSource::Posted(text.to_owned()),
            (name, _) => ConfigSource::Named(name.to_owned()),
        },
        class: settings.cli().class.clone(),
        args: settings.arguments_as_json(file),
    };
    Ok(RunRequest {
        id: Arc::clone(&spec.id),
        config,
        seed: Some(spec.settings.seed),
        duration: Some(spec.settings.duration).filter(|duration| *duration != Span::FOREVER),
        speed: settings.speed(),
        history: spec.history.as_ref().map(|history| history.length),
        watches: spec.watch.is_some(),
        simulation: None,
    })
}
