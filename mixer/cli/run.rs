//! `promemu run NAME`, `promemu --config NAME`: a live run, from its config to its report; or the control API, with `--listen` alone without one,
//! with `AUTO_START` beside one that may wait and end. A playlist has several runs.

mod daemon;
mod history;
mod playlist;

use std::pin::pin;
use std::sync::Arc;

use promemu_core::config::{ConfigDirs, ConfigFile, LoadedConfig, MAIN_RUN};
use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_run::clock::Clock;
use promemu_run::event_tap::EventTap;
use promemu_run::outputs::SharedOutputs;
use promemu_run::run::{Run, StopReason};
use promemu_run::settings::RunSettings;
use promemu_run::simulation::{is_simulation, tell_created};
use promemu_run::spec::RunSpec;
use promemu_run::watch::{ConfigLoader, Watch};

use crate::config;
use crate::settings::Settings;
use crate::signals::shutdown_signal;

/// Runs until all hosts have ended, the duration is over, or a signal or a client of the API stops it. Fails if it pushed and
/// nothing arrived.
pub(crate) async fn run(settings: Arc<Settings>) -> Result<(), Error> {
    if settings.waits_for_runs() {
        return daemon::wait_for_runs(&settings, shutdown_signal(None)?).await;
    }
    let file = config::open_main(&settings)?;
    if file.is_playlist() {
        return playlist::run(&settings, &file).await;
    }
    if let Some(starts) = settings.auto_start() {
        return daemon::keep_main(&settings, &file, starts, shutdown_signal(None)?).await;
    }
    let spec = spec(&settings, &file)?;
    let shutdown = shutdown_signal(spec.watch.as_ref().map(Watch::requests))?;
    let RunSettings { outputs, .. } = &spec.settings;
    let outputs = SharedOutputs::open(outputs, settings.self_metrics_address(), true).await?;
    let api = daemon::start_api(&settings, &outputs, spec.plan.defaults.clone()).await?;
    let request = daemon::request(&settings, &file, &spec)?;
    if is_simulation(&spec.plan) {
        tell_created(&spec.events, MAIN_RUN, spec.clock.started_at());
    }
    // A client may have created a run already.
    let (run, driving) = Run::prepare(spec, &outputs).map_err(|conflict| Error::Run(conflict.to_string()))?;
    if let Some(api) = &api {
        api.add_main(request, run.clone())?;
    }
    let mut driving = pin!(driving);
    let reason = tokio::select! {
        () = &mut driving => StopReason::Request,
        () = shutdown => {
            run.stop(StopReason::Signal);
            driving.await;
            StopReason::Signal
        }
    };
    let outcome = run.outcome().await;
    if let Some(api) = api {
        api.end(reason).await;
    }
    outputs.end().await;
    let undelivered = run.report().and_then(|report| report.counts.undelivered());
    outcome.and_then(|()| undelivered.map_or(Ok(()), |undelivered| Err(Error::Run(undelivered))))
}

/// Loads the config of the command line.
#[derive(Debug)]
struct Loader(Arc<Settings>);

impl ConfigLoader for Loader {
    fn dirs(&self) -> ConfigDirs {
        self.0.config_dirs()
    }

    fn load(&self, file: &ConfigFile, started_at: Time) -> Result<(LoadedConfig, RunSettings), Error> {
        let loaded = self.0.load(file, started_at)?;
        let settings = self.0.run_settings(&loaded.plan.defaults)?;
        Ok((loaded, settings))
    }
}

/// The specification of the main run.
fn spec(settings: &Arc<Settings>, file: &ConfigFile) -> Result<RunSpec, Error> {
    let clock = Clock::start().at_speed(settings.speed());
    let loader = Arc::new(Loader(Arc::clone(settings)));
    // Without --watch the files are read at SIGHUP.
    let watch = if settings.cli().watch {
        Some(Watch::start(file, loader)?)
    } else {
        Watch::on_request(file, loader)
    };
    let history = settings.history_length().map(|length| history::history(settings, MAIN_RUN, length));
    let started_at = history.as_ref().map_or(clock.started_at(), |history| history.start(&clock));
    let LoadedConfig { plan, files, .. } = config::load(settings, file, started_at)?;
    let watch = watch.map(|mut watch| {
        watch.follow(&files);
        watch
    });
    Ok(RunSpec {
        id: MAIN_RUN.into(),
        settings: RunSettings {
            truth: settings.cli().truth.clone(),
            ..settings.run_settings(&plan.defaults)?
        },
        plan,
        clock,
        history,
        watch,
        events: Arc::new(if settings.listen().is_some() {
            EventTap::remembering()
        } else {
            EventTap::default()
        }),
        keeps_last_metrics: false,
    })
}
