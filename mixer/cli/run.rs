//! `promemu --config NAME`: a live run, from its config to its end; or, with `--listen` alone, the control API without one.

mod control_api;
mod history;
mod signals;
mod watch;

use std::sync::Arc;

use promemu_core::config::LoadedConfig;
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_run::clock::Clock;
use promemu_run::mixer::MetricsMixer;
use promemu_run::settings::RunSettings;
use tokio::sync::mpsc;
use tracing::info;

use crate::config;
use crate::settings::Settings;
use control_api::ControlApi;
use signals::shutdown_signal;
use watch::Watch;

/// Runs until all hosts have ended, the duration is over, or a signal or a client of the API stops it.
pub(crate) async fn run(settings: Arc<Settings>) -> Result<(), Error> {
    if settings.waits_for_runs() {
        return control_api::wait_for_runs(&settings, shutdown_signal()?).await;
    }
    let clock = Clock::start().at_speed(settings.speed());
    let file = config::open_main(&settings)?;
    let mut watch = settings.cli().watch.then(|| Watch::start(&file)).transpose()?;
    let started_at = settings.history().map_or(clock.started_at(), |history| history::start(history, &clock));
    let LoadedConfig { plan, files, .. } = config::load(&settings, &file, started_at)?;
    if let Some(watch) = &mut watch {
        watch.follow(&files);
    }
    let run = settings.run_settings(&plan.defaults)?;
    let running = run.clone();
    let (name, hosts, series) = (plan.config.clone(), plan.hosts.len(), plan.series_count());
    let (seed, pace) = (run.seed, clock.speed());
    let shutdown = shutdown_signal()?;
    tokio::pin!(shutdown);
    let mut api = ControlApi::start(&settings, &file, &plan, &run).await?;
    let outcome = async {
        let mixer = tokio::select! {
            started = start(Arc::clone(&settings), plan, run, clock) => started?,
            () = &mut shutdown => return Ok(()),
            () = api.stop_request() => return Ok(()),
        };
        info!(config = %name, hosts, series, seed, speed = %pace, "running");
        for destination in mixer.destinations() {
            info!("{destination}");
        }
        if let Some(address) = mixer.self_metrics_address() {
            info!("promemu's own metrics are at http://{address}/metrics");
        }
        api.begin(mixer.handle());
        let shutdown = async {
            tokio::select! {
                () = shutdown => {}
                () = api.stop_request() => info!("stopping at the request of an API client"),
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
    api.end(outcome.as_ref().err()).await;
    outcome
}

/// A run that is ready to begin, after its history if it has one.
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
    let emulated = tokio::task::spawn_blocking(move || history::emulate(&history, plan, seed, &clock));
    let bug = |bug| Error::Run(format!("history was not made because of a bug: {bug}"));
    let (plan, hosts, until) = emulated.await.map_err(bug)??;
    let mixer = MetricsMixer::start(plan, run, clock).await?.with_history(hosts);
    tokio::time::sleep_until(clock.instant_of(until).into()).await;
    Ok(mixer)
}
