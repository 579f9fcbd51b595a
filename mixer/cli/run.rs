//! `promemu --config NAME`: a live run, from its config to its end.

use std::sync::Arc;

use promemu_core::config::{ConfigFile, LoadedConfig};
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::plural::plural;
use promemu_core::time::{Speed, Time};
use promemu_run::clock::Clock;
use promemu_run::mixer::MetricsMixer;
use promemu_run::settings::RunSettings;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::daemon::{self, Steering};
use crate::settings::Settings;
use crate::signals::signals;
use crate::watch::Watch;

pub(crate) async fn run(settings: Arc<Settings>) -> Result<(), Error> {
    if settings.waits_for_runs() {
        return daemon::wait_for_runs(&settings, signals()?).await;
    }
    let clock = Clock::start().at_speed(settings.speed());
    let file = open(&settings)?;
    let mut watch = settings.cli().watch.then(|| Watch::start(&file)).transpose()?;
    let started_at = settings.history().map_or(clock.started_at(), |history| history.start(&clock));
    let LoadedConfig { plan, files, .. } = load(&settings, &file, started_at)?;
    if let Some(watch) = &mut watch {
        watch.follow(&files);
    }
    let run = settings.run_settings(&plan.defaults)?;
    let running = run.clone();
    let told = told(&plan, run.seed, &clock);
    let shutdown = signals()?;
    tokio::pin!(shutdown);
    let mut steering = Steering::start(&settings, &file, &plan, &run).await?;
    let outcome = async {
        let mixer = tokio::select! {
            started = start(Arc::clone(&settings), plan, run, clock) => started?,
            () = &mut shutdown => return Ok(()),
            () = steering.asked_to_stop() => return Ok(()),
        };
        info!("{told}");
        for destination in mixer.destinations() {
            info!("{destination}");
        }
        if let Some(address) = mixer.self_metrics_address() {
            info!("promemu's own metrics are at http://{address}/metrics");
        }
        steering.begin(mixer.remote());
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                () = steering.asked_to_stop() => info!("a client of the API has asked the run to stop"),
            }
        };
        let Some(watch) = watch else { return mixer.run(shutdown).await };
        let (plans, reloads) = mpsc::channel(1);
        tokio::select! {
            outcome = mixer.run_with_reloads(shutdown, reloads) => outcome,
            never = watch.reload_edits(Arc::clone(&settings), running, started_at, plans) => match never {},
        }
    }
    .await;
    steering.end(outcome.as_ref().err()).await;
    outcome
}

/// What is said of a run when it starts.
fn told(plan: &Plan, seed: u64, clock: &Clock) -> String {
    let hosts = plural(plan.hosts.len(), "host", "hosts");
    let series = plan.series_text();
    format!("running {} with {hosts} and {series}, seed {seed}{}", plan.config, pace(clock.speed()))
}

/// A run that is ready to go, after its past, if it has one.
async fn start(
    settings: Arc<Settings>,
    plan: Plan,
    run: RunSettings,
    clock: Clock,
) -> Result<MetricsMixer, Error> {
    let Some(history) = settings.history().cloned() else {
        return MetricsMixer::start(plan, run, clock).await;
    };
    let seed = run.seed;
    let past = tokio::task::spawn_blocking(move || history.live_through(plan, seed, &clock));
    let past =
        past.await.map_err(|bug| Error::Run(format!("the past was not made because of a bug: {bug}")))?;
    let (plan, hosts, until) = past?;
    let mixer = MetricsMixer::start(plan, run, clock).await?.with_past(hosts);
    tokio::time::sleep_until(clock.instant_of(until).into()).await;
    Ok(mixer)
}

/// How fast a run is, if that is worth a word.
fn pace(speed: Speed) -> String {
    if speed == Speed::NORMAL { String::new() } else { format!(", at speed {speed}") }
}

/// The config that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<ConfigFile, Error> {
    Ok(settings.config_dirs().open(settings.config()?)?)
}

/// What to run of a config; logs what is odd about it.
pub(crate) fn load(settings: &Settings, file: &ConfigFile, started_at: Time) -> Result<LoadedConfig, Error> {
    let loaded = settings.load(file, started_at)?;
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    Ok(loaded)
}
