//! The control API beside a live run, or without one.

use std::sync::Arc;

use promemu_api::{Api, ConfigChoice, ConfigSource, Daemon, MAIN, RunRequest};
use promemu_core::config::ConfigFile;
use promemu_core::error::Error;
use promemu_core::plan::RunDefaults;
use promemu_core::time::Span;
use promemu_core::user_file::STDIN;
use promemu_run::outputs::SharedOutputs;
use promemu_run::run::StopReason;
use promemu_run::spec::RunSpec;
use promemu_run::transport::ShardCalls;
use tracing::{error, info};

use super::history::history;
use crate::settings::Settings;
use crate::systemd::Service;

/// Serves the API without a run of its own, for runs that clients create.
pub(super) async fn wait_for_runs(
    settings: &Arc<Settings>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let Some((api, outputs)) = idle_daemon(settings).await? else { return settings.config().map(drop) };
    info!(
        "no --config, so promemu waits for runs; create one with promemu ctl create CONFIG or POST /api/v1/runs"
    );
    let service = Service::accompany(None, None);
    shutdown.await;
    drop(service);
    api.end(StopReason::Signal).await;
    outputs.end().await;
    Ok(())
}

/// Serves the API with a main run that may end, and may wait for its start.
pub(super) async fn keep_main(
    settings: &Arc<Settings>,
    file: &ConfigFile,
    starts: bool,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let Some((api, outputs)) = idle_daemon(settings).await? else { return settings.config().map(drop) };
    let request = RunRequest {
        id: MAIN.into(),
        config: choice(settings, file)?,
        seed: settings.cli().seed,
        duration: settings.duration(),
        speed: settings.speed(),
        history: settings.history_length(),
        watches: settings.cli().watch,
        simulation: None,
    };
    let main = tokio::task::block_in_place(|| api.create_main(request, starts))?;
    if !starts {
        info!("the run waits for POST /api/v1/simulations/main/start");
    }
    let tell_failure = async {
        if let Err(error) = main.await {
            error!(error = error.with_causes(), "run has failed; promemu waits for others");
        }
        std::future::pending::<()>().await;
    };
    let service = Service::accompany(None, None);
    tokio::select! {
        () = shutdown => {}
        () = tell_failure => {}
    }
    drop(service);
    api.end(StopReason::Signal).await;
    outputs.end().await;
    Ok(())
}

/// The API and the outputs, without a run; `None` if the API is off.
async fn idle_daemon(settings: &Arc<Settings>) -> Result<Option<(Api, Arc<SharedOutputs>)>, Error> {
    let run_settings = settings.run_settings(&RunDefaults::default())?;
    let outputs = SharedOutputs::open(&run_settings.outputs, settings.self_metrics_address(), false).await?;
    Ok(start_api(settings, &outputs, (RunDefaults::default(), None)).await?.map(|api| (api, outputs)))
}

/// Starts the API; `None` if it is off, and no other shards ask for this one. Runs of clients push to where the config of the main run does, if it names a
/// Pushgateway and theirs do not, and are served where the main run is.
pub(super) async fn start_api(
    settings: &Arc<Settings>,
    outputs: &Arc<SharedOutputs>,
    (main, shards): (RunDefaults, Option<ShardCalls>),
) -> Result<Option<Api>, Error> {
    let listen = settings.listen().cloned();
    if listen.is_none() && shards.is_none() {
        return Ok(None);
    }
    let [for_runs, for_histories] = [Arc::clone(settings), Arc::clone(settings)];
    let daemon = Daemon {
        dirs: settings.config_dirs(),
        main_config: settings.cli().config.clone(),
        recordings: settings.cli().recordings_dir.clone(),
        links: settings.links(),
        series_max: settings.cli().max_series,
        memory_max: settings.memory_max(),
        shards,
        outputs: Arc::clone(outputs),
        run_settings: Box::new(move |defaults| {
            let pushgateway_url = defaults.pushgateway_url.clone().or_else(|| main.pushgateway_url.clone());
            let serve = main.serve.clone();
            for_runs.run_settings(&RunDefaults { pushgateway_url, serve, ..defaults.clone() })
        }),
        history: Box::new(move |run, length| history(&for_histories, run, length)),
    };
    Api::start(listen, daemon).await.map(Some)
}

/// The main run as a client would have asked for it.
pub(super) fn request(settings: &Settings, file: &ConfigFile, spec: &RunSpec) -> Result<RunRequest, Error> {
    Ok(RunRequest {
        id: Arc::clone(&spec.id),
        config: choice(settings, file)?,
        seed: Some(spec.settings.seed),
        duration: Some(spec.settings.duration).filter(|duration| *duration != Span::FOREVER),
        speed: settings.speed(),
        history: spec.history.as_ref().map(|history| history.length),
        watches: settings.cli().watch,
        simulation: None,
    })
}

/// The config of the command line, with its arguments.
fn choice(settings: &Settings, file: &ConfigFile) -> Result<ConfigChoice, Error> {
    Ok(ConfigChoice {
        source: match (settings.config()?, file.text()) {
            (STDIN, Some(text)) => ConfigSource::Posted(text.to_owned()),
            (name, _) => ConfigSource::Named(name.to_owned()),
        },
        class: settings.cli().class.clone(),
        args: settings.arguments_as_json(file),
        is_operators: true,
    })
}
