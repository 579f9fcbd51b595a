//! How a run comes from what a client wants.

use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::super::AppState;
use super::super::configs::{open, read_args};
use super::super::error::ApiError;
use super::{Phase, Run};
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::error::Error;
use promemu_core::expression::Value;
use promemu_core::plan::Plan;
use promemu_core::time::{Span, Speed};
use promemu_run::clock::Clock;
use promemu_run::mixer::MetricsMixer;
use promemu_run::outputs::OutputSettings;
use promemu_run::settings::RunSettings;

/// What a run is to be.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// Its name among the runs.
    pub id: Arc<str>,
    /// Where its config is.
    pub source: Source,
    /// The class of the config.
    pub class: Option<String>,
    /// The config's arguments, as they were given.
    pub args: serde_json::Value,
    /// The seed; a random one without it.
    pub seed: Option<u64>,
    /// When it ends, at the latest.
    pub duration: Option<Span>,
    /// How fast emulated time runs.
    pub speed: Speed,
}

/// Where a run's config is.
#[derive(Clone, Debug)]
pub enum Source {
    /// Where configs are looked for.
    Named(String),
    /// The text itself was posted.
    Posted(String),
}

impl Source {
    /// What the config is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Posted(_) => "posted",
        }
    }
}

impl AppState {
    pub(in super::super) fn file_of(&self, source: &Source) -> Result<ConfigFile, ApiError> {
        match source {
            Source::Named(name) => open(&self.daemon, name),
            Source::Posted(text) => Ok(ConfigFile::from_text("posted", text).within(&self.daemon.dirs)),
        }
    }

    /// The plan of a run that starts now, and how it runs.
    fn plan_of(&self, wanted: &RunRequest) -> Result<(Plan, RunSettings, Clock), ApiError> {
        let clock = Clock::start().at_speed(wanted.speed);
        let arguments: IndexMap<String, Value> = read_args(&wanted.args)?;
        let options = LoadOptions {
            class: wanted.class.clone(),
            arguments,
            started_at: clock.started_at(),
            series_max: self.daemon.series_max,
        };
        let loaded =
            self.file_of(&wanted.source)?.plan(&options).map_err(|error| ApiError::config(&error))?;
        for warning in &loaded.warnings {
            warn!("run {:?}: {warning}", wanted.id);
        }
        let mut settings = (self.daemon.run_settings)(&loaded.plan.defaults)?;
        settings
            .outputs
            .retain(|output| !matches!(output, OutputSettings::Scrape(_) | OutputSettings::File(_)));
        for output in &mut settings.outputs {
            // They are the daemon's, and are pushed by its own run.
            if let OutputSettings::Pushgateway(gateway) = output {
                gateway.push.self_metrics = false;
            }
        }
        (settings.status_interval, settings.self_metrics_address) = (None, None);
        settings.seed = wanted.seed.unwrap_or_else(promemu_core::rng::random_seed);
        settings.duration = wanted.duration.unwrap_or(Span::FOREVER);
        Ok((loaded.plan, settings, clock))
    }
}

/// Adds a run, and starts it if that is wanted. Loading a config takes its time: this blocks.
pub(super) fn create(desk: &Arc<AppState>, wanted: RunRequest, starts: bool) -> Result<Arc<Run>, ApiError> {
    let made = desk.plan_of(&wanted)?;
    let run = Arc::new(Run::new(wanted));
    desk.runs.add(Arc::clone(&run))?;
    if starts && let Err(refusal) = spawn(desk, &run, made) {
        desk.runs.all().shift_remove(run.id());
        return Err(refusal);
    }
    Ok(run)
}

/// Starts a run that was created. This blocks.
pub(super) fn start(desk: &Arc<AppState>, run: &Arc<Run>) -> Result<(), ApiError> {
    if run.phase() != Phase::Created || run.id() == super::MAIN {
        return Err(ApiError::conflict(format!("run {:?} has started already", run.id())));
    }
    spawn(desk, run, desk.plan_of(run.wanted())?)
}

fn spawn(
    desk: &Arc<AppState>,
    run: &Arc<Run>,
    (plan, settings, clock): (Plan, RunSettings, Clock),
) -> Result<(), ApiError> {
    let jobs = plan.jobs.iter().map(|job| Arc::clone(&job.name)).collect();
    let asked_to_stop = desk.runs.reserve(run, jobs, settings.seed)?;
    let mut tasks = desk.runs.tasks();
    while tasks.try_join_next().is_some() {}
    tasks.spawn_on(drive(Arc::clone(run), plan, settings, clock, asked_to_stop), &desk.runtime);
    Ok(())
}

async fn drive(
    run: Arc<Run>,
    plan: Plan,
    settings: RunSettings,
    clock: Clock,
    mut asked_to_stop: oneshot::Receiver<()>,
) {
    info!("run {:?} starts: {} with seed {}", run.id(), plan.config, settings.seed);
    let started = tokio::select! {
        started = MetricsMixer::start(plan, settings, clock) => Some(started),
        _ = &mut asked_to_stop => None,
    };
    let outcome: Result<(), Error> = match started {
        Some(Ok(mixer)) => {
            run.begin(mixer.remote());
            let asked_to_stop = async {
                drop(asked_to_stop.await);
                info!("run {:?} is asked to stop", run.id());
            };
            mixer.run(asked_to_stop).await
        }
        Some(Err(error)) => Err(error),
        None => Ok(()),
    };
    match &outcome {
        Ok(()) => info!("run {:?} is over", run.id()),
        Err(error) => warn!("run {:?} has failed: {error}", run.id()),
    }
    run.end(outcome.as_ref().err());
}
