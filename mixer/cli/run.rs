//! `promemu run NAME`, `promemu --config NAME`: a live run, from its config to its report; or the control API, with `--listen` alone without one,
//! with `AUTO_START` beside one that may wait and end. A playlist has several runs.

mod daemon;
mod history;
mod playlist;
mod shards;

use std::pin::pin;
use std::sync::Arc;

use promemu_core::config::{ConfigDirs, ConfigFile, LoadedConfig, MAIN_RUN};
use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_core::timeline::RunLog;
use promemu_run::clock::Clock;
use promemu_run::event_tap::EventTap;
use promemu_run::history::History;
use promemu_run::outputs::SharedOutputs;
use promemu_run::run::{Run, StopReason};
use promemu_run::settings::RunSettings;
use promemu_run::simulation::{is_simulation, tell_created};
use promemu_run::spec::RunSpec;
use promemu_run::transport::{Bus, Joined, ShardPart};
use promemu_run::watch::{ConfigLoader, Watch};
use tracing::info;

use crate::config;
use crate::settings::Settings;
use crate::signals::shutdown_signal;
use crate::systemd::Service;

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
    let joined = join_bus(&settings, &file).await?;
    let calls = joined.as_ref().map(|joined| joined.bus.calls());
    let spec = spec(&settings, &file, joined)?;
    let reloads = spec.watch.as_ref().map(Watch::requests);
    let shutdown = shutdown_signal(reloads.clone())?;
    let RunSettings { outputs, .. } = &spec.settings;
    let outputs = SharedOutputs::open(outputs, settings.self_metrics_address(), true).await?;
    let api = daemon::start_api(&settings, &outputs, (spec.plan.defaults.clone(), calls)).await?;
    let request = daemon::request(&settings, &file, &spec)?;
    if is_simulation(&spec.plan) {
        tell_created(&spec.events, MAIN_RUN, spec.clock.started_at());
    }
    // A client may have created a run already.
    let (run, driving) = Run::prepare(spec, &outputs).map_err(|conflict| Error::Run(conflict.to_string()))?;
    if let Some(api) = &api {
        api.add_main(request, run.clone())?;
    }
    let service = Service::accompany(Some(run.clone()), reloads);
    let mut driving = pin!(driving);
    let reason = tokio::select! {
        () = &mut driving => StopReason::Request,
        () = shutdown => {
            run.stop(StopReason::Signal);
            drop(service);
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

/// Joins the other shards of the run on their bus, if there is one.
async fn join_bus(settings: &Settings, file: &ConfigFile) -> Result<Option<Joined>, Error> {
    let (Some(bus), Some(shard)) = (settings.bus(), settings.shard()) else { return Ok(None) };
    let joined = Bus::join(bus.clone(), shard, file.name(), settings.cli().seed).await?;
    info!(run = %bus.run, shard = %shard, bus = %bus.server, since = joined.start.started_at().rfc3339(), "joined the run");
    Ok(Some(joined))
}

/// The specification of the main run.
fn spec(settings: &Arc<Settings>, file: &ConfigFile, joined: Option<Joined>) -> Result<RunSpec, Error> {
    let clock = Clock::start().at_speed(settings.speed());
    let loader = Arc::new(Loader(Arc::clone(settings)));
    // Without --watch the files are read at SIGHUP.
    let watch = if settings.cli().watch {
        Some(Watch::start(file, loader)?)
    } else {
        Watch::on_request(file, loader)
    };
    let past = settings.history_length().map(|length| history::history(settings, MAIN_RUN, length));
    let begun_at = joined.as_ref().map(|joined| joined.start.started_at()).or(settings.run_started_at());
    let started_at = match (&past, begun_at) {
        (Some(history), _) => history.start(&clock),
        (None, Some(begun_at)) => begun_at,
        (None, None) => clock.started_at(),
    };
    let LoadedConfig { plan, files, .. } = config::load(settings, file, started_at)?;
    shards::refuse_effects(settings, &plan)?;
    if joined.is_none() {
        shards::refuse_crossing_events(settings, &plan)?;
    }
    let shard = settings.shard();
    let so_far = match (&joined, shard, begun_at) {
        (Some(joined), Some(shard), _) => Some(joined.history(&plan, &clock, shard)),
        (_, _, Some(begun_at)) => {
            Some(History::so_far(clock.started_at().since(begun_at), RunLog::default(), shard))
        }
        _ => None,
    };
    let watch = watch.map(|mut watch| {
        watch.follow(&files);
        watch
    });
    let mut run_settings =
        RunSettings { truth: settings.cli().truth.clone(), ..settings.run_settings(&plan.defaults)? };
    if let Some(joined) = &joined {
        run_settings.seed = joined.start.seed;
    }
    let bus = joined.map(|joined| joined.bus);
    let tap = if settings.listen().is_some() { EventTap::remembering() } else { EventTap::default() };
    Ok(RunSpec {
        id: MAIN_RUN.into(),
        settings: run_settings,
        plan,
        shard: shard.map(|shard| ShardPart { shard, bus }),
        clock,
        history: past.or(so_far),
        watch,
        events: Arc::new(tap),
        keeps_last_metrics: false,
    })
}
