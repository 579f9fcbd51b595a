//! The start of a run that a client has created: from its request to a task that drives it.

use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::{info, warn};

use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::rng::random_seed;
use promemu_core::time::Span;
use promemu_run::clock::Clock;
use promemu_run::mixer::MetricsMixer;
use promemu_run::outputs::OutputSettings;
use promemu_run::settings::RunSettings;

use super::request::{MAIN, RunRequest};
use super::run::{Phase, Run};
use crate::daemon::Daemon;
use crate::error::ApiError;
use crate::state::AppState;

/// Adds a run, and starts it if `starts`. Blocks: loading a config takes time.
pub(crate) fn create(state: &Arc<AppState>, request: RunRequest, starts: bool) -> Result<Arc<Run>, ApiError> {
    let planned = plan(state.daemon(), &request)?;
    let run = Arc::new(Run::new(request));
    state.runs().add(Arc::clone(&run))?;
    if starts && let Err(error) = spawn(state, &run, planned) {
        state.runs().all().shift_remove(run.id());
        return Err(error);
    }
    Ok(run)
}

/// Starts a run that was created. Blocks: loading a config takes time.
pub(crate) fn start(state: &Arc<AppState>, run: &Arc<Run>) -> Result<(), ApiError> {
    if run.phase() != Phase::Created || run.id() == MAIN {
        return Err(ApiError::RunStarted(run.id().to_owned()));
    }
    spawn(state, run, plan(state.daemon(), run.request())?)
}

/// The plan of a run that starts now, and its settings: the daemon's, without the outputs that only one run can have.
fn plan(daemon: &Daemon, request: &RunRequest) -> Result<(Plan, RunSettings, Clock), ApiError> {
    let clock = Clock::start().at_speed(request.speed);
    let options = request.config.load_options(daemon, &request.id, clock.started_at())?;
    let loaded = request.config.source.open(daemon)?.plan(&options)?;
    for warning in &loaded.warnings {
        warn!(run = &*request.id, "{warning}");
    }
    let mut settings = (daemon.run_settings)(&loaded.plan.defaults)?;
    settings.outputs.retain(|output| !matches!(output, OutputSettings::Scrape(_) | OutputSettings::File(_)));
    for output in &mut settings.outputs {
        // promemu's own metrics are the daemon's; the main run pushes them.
        if let OutputSettings::Pushgateway(gateway) = output {
            gateway.push.self_metrics = false;
        }
    }
    (settings.status_interval, settings.self_metrics_address) = (None, None);
    settings.seed = request.seed.unwrap_or_else(random_seed);
    settings.duration = request.duration.unwrap_or(Span::FOREVER);
    Ok((loaded.plan, settings, clock))
}

fn spawn(
    state: &Arc<AppState>,
    run: &Arc<Run>,
    (plan, settings, clock): (Plan, RunSettings, Clock),
) -> Result<(), ApiError> {
    let jobs = plan.jobs.iter().map(|job| Arc::clone(&job.name)).collect();
    let stop_requested = state.runs().reserve(run, jobs, settings.seed)?;
    let mut tasks = state.runs().tasks();
    while tasks.try_join_next().is_some() {}
    tasks.spawn_on(drive(Arc::clone(run), plan, settings, clock, stop_requested), state.runtime());
    Ok(())
}

async fn drive(
    run: Arc<Run>,
    plan: Plan,
    settings: RunSettings,
    clock: Clock,
    mut stop_requested: oneshot::Receiver<()>,
) {
    info!(run = run.id(), config = %plan.config, seed = settings.seed, "run starts");
    let started = tokio::select! {
        started = MetricsMixer::start(plan, settings, clock) => Some(started),
        _ = &mut stop_requested => None,
    };
    let outcome: Result<(), Error> = match started {
        Some(Ok(mixer)) => {
            run.begin(mixer.handle());
            let stop_requested = async {
                drop(stop_requested.await);
                info!(run = run.id(), "run is asked to stop");
            };
            mixer.run(stop_requested).await
        }
        Some(Err(error)) => Err(error),
        None => Ok(()),
    };
    match &outcome {
        Ok(()) => info!(run = run.id(), "run is over"),
        Err(error) => warn!(run = run.id(), %error, "run has failed"),
    }
    run.end(outcome.as_ref().err());
}
