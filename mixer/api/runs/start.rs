//! The start of a run that a client has created: from its request to a run that goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use promemu_core::config::{ConfigDirs, ConfigFile, LoadOptions, LoadedConfig};
use promemu_core::error::Error;
use promemu_core::plan::Plan;
use promemu_core::rng::random_seed;
use promemu_core::stop::Stop;
use promemu_core::time::{Span, Time};
use promemu_run::clock::Clock;
use promemu_run::event_tap::EventTap;
use promemu_run::history::History;
use promemu_run::run::Run;
use promemu_run::settings::RunSettings;
use promemu_run::simulation::{is_simulation, tell_created};
use promemu_run::spec::RunSpec;
use promemu_run::watch::{ConfigLoader, Watch};

use super::entry::{Phase, RunEntry};
use super::request::RunRequest;
use super::sampling::keep_first_charts;
use crate::config_source::{ConfigChoice, ConfigSource};
use crate::daemon::Daemon;
use crate::error::ApiError;
use crate::state::AppState;

/// The most samples of the history of a client's run: 2 GB of text.
const HISTORY_SAMPLES_MAX: usize = 20_000_000;
/// The longest real time for such a history.
const HISTORY_WORK_MAX: Duration = Duration::from_mins(10);

/// Adds a run, and starts it if `starts`. Blocks: loading a config takes time.
pub(crate) fn create(
    state: &Arc<AppState>,
    request: RunRequest,
    starts: bool,
    stop: &Stop,
) -> Result<Arc<RunEntry>, ApiError> {
    let events = Arc::new(EventTap::remembering());
    let spec = spec(state.daemon(), &request, &events, stop)?;
    let entry = Arc::new(RunEntry::created(request, is_simulation(&spec.plan), events));
    state.runs().add(Arc::clone(&entry), || {
        if entry.is_simulation() {
            tell_created(entry.events(), entry.id(), entry.created_at());
        }
        if starts { start_with(state, &entry, spec) } else { Ok(()) }
    })?;
    keep_first_charts(Arc::clone(&entry));
    Ok(entry)
}

/// Starts a run that was created. Blocks: loading a config takes time.
pub(crate) fn start(state: &Arc<AppState>, entry: &RunEntry, stop: &Stop) -> Result<(), ApiError> {
    if entry.phase() != Phase::Created {
        return Err(ApiError::RunStarted(entry.id().to_owned()));
    }
    start_with(state, entry, spec(state.daemon(), entry.request(), entry.events(), stop)?)
}

fn start_with(state: &Arc<AppState>, entry: &RunEntry, spec: RunSpec) -> Result<(), ApiError> {
    entry.start(|| Ok(Run::start(spec, &state.daemon().outputs)?))
}

/// Loads the config of a request, with the daemon's settings.
#[derive(Debug)]
struct Loader {
    daemon: Arc<Daemon>,
    choice: ConfigChoice,
    options: LoadOptions,
}

impl ConfigLoader for Loader {
    fn dirs(&self) -> ConfigDirs {
        self.daemon.dirs.clone()
    }

    fn load(&self, file: &ConfigFile, started_at: Time) -> Result<(LoadedConfig, RunSettings), Error> {
        self.load_until(file, started_at, &Stop::default())
    }
}

impl Loader {
    /// The same, until it is asked to stop.
    fn load_until(
        &self,
        file: &ConfigFile,
        started_at: Time,
        stop: &Stop,
    ) -> Result<(LoadedConfig, RunSettings), Error> {
        let options = LoadOptions { started_at, stop: stop.clone(), ..self.options.clone() };
        let mut loaded = file.plan(&options)?;
        self.choice.leave_out_servers(&mut loaded);
        let settings = (self.daemon.run_settings)(&loaded.plan.defaults)?;
        Ok((loaded, settings))
    }
}

/// Refuses a history that has more samples than a client may ask for.
fn check_size(history: &History, plan: &Plan) -> Result<(), ApiError> {
    let samples = history.samples_max(plan);
    if samples <= HISTORY_SAMPLES_MAX {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "history has {samples} samples, a value of each series every {}, and a client's has {HISTORY_SAMPLES_MAX} at most; \
         ask for a shorter one, or for fewer series",
        history.step
    )))
}

/// The specification of a run that starts now. Its outputs are the daemon's.
fn spec(
    daemon: &Arc<Daemon>,
    request: &RunRequest,
    events: &Arc<EventTap>,
    stop: &Stop,
) -> Result<RunSpec, ApiError> {
    let clock = Clock::start().at_speed(request.speed);
    let history = request
        .history
        .map(|length| History { work_max: Some(HISTORY_WORK_MAX), ..(daemon.history)(&request.id, length) });
    let start = history.as_ref().map_or(clock.started_at(), |history| history.start(&clock));
    let file = request.config.source.open(daemon)?;
    let options = request.config.load_options(daemon, &request.id, start, &Stop::default())?;
    let loader = Arc::new(Loader { daemon: Arc::clone(daemon), choice: request.config.clone(), options });
    let watched = match request.config.source {
        _ if !request.watches => None,
        ConfigSource::Named(_) => Some(Watch::start(&file, Arc::clone(&loader) as Arc<dyn ConfigLoader>)?),
        ConfigSource::Posted(_) => {
            return Err(ApiError::invalid("watch needs a config with a file; give it by its name"));
        }
    };
    let (LoadedConfig { plan, files, warnings }, mut settings) = loader.load_until(&file, start, stop)?;
    if let Some(history) = &history {
        check_size(history, &plan)?;
    }
    for warning in warnings {
        warn!(run = &*request.id, "{warning}");
    }
    let watch = watched.map(|mut watch| {
        watch.follow(&files);
        watch
    });
    settings.status_interval = None;
    settings.seed = request.seed.unwrap_or_else(random_seed);
    settings.duration = request.duration.unwrap_or(Span::FOREVER);
    Ok(RunSpec {
        id: Arc::clone(&request.id),
        plan,
        settings,
        clock,
        history,
        watch,
        events: Arc::clone(events),
        shard: None,
        keeps_last_metrics: true,
    })
}
