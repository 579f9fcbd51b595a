//! The runs of a daemon: the one that it was started with, and those that clients make.

mod request;
mod routes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use utoipa::ToSchema;

pub use request::{RunRequest, Source};
pub(super) use routes::*;

use super::error::ApiError;
use super::live::Live;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_run::clock::wall_now;
use promemu_run::handle::{Overview, RunHandle};

/// The run that the daemon was started with.
pub const MAIN: &str = "main";
/// More runs than this are not kept, those that are over included.
const RUNS_MAX: usize = 16;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Phase {
    Created,
    Starting,
    Running,
    Stopping,
    Ended,
    Failed,
}

impl Phase {
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Failed)
    }
}

/// Completes when the run that tells of its phases is over.
pub(super) async fn is_over(phases: &mut watch::Receiver<Phase>) {
    // Without its run there is nothing more to come, either.
    let _ended = phases.wait_for(|phase| phase.is_over()).await.is_ok();
}

/// All runs, by their names.
#[derive(Debug, Default)]
pub(super) struct Runs {
    all: Mutex<IndexMap<Arc<str>, Arc<Run>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// One run.
#[derive(Debug)]
pub(super) struct Run {
    wanted: RunRequest,
    created_at: Time,
    phase: watch::Sender<Phase>,
    now: Mutex<Now>,
    live: Live,
}

/// What changes in the course of a run.
#[derive(Debug, Default)]
struct Now {
    jobs: Vec<Arc<str>>,
    seed: Option<u64>,
    remote: Option<RunHandle>,
    started_at: Option<Time>,
    ended_at: Option<Time>,
    stop: Option<oneshot::Sender<()>>,
    error: Option<String>,
    result: Option<Overview>,
}

/// A run, as it is told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RunView {
    id: String,
    config: String,
    class: Option<String>,
    #[schema(value_type = Object)]
    args: serde_json::Value,
    seed: Option<u64>,
    state: Phase,
    created_at: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    /// After how many emulated seconds it ends; null when all hosts are over.
    duration_seconds: Option<f64>,
    ran_seconds: f64,
    /// Why it failed.
    error: Option<String>,
    /// What it did, when it is over.
    result: Option<Overview>,
}

impl Run {
    pub(super) fn new(wanted: RunRequest) -> Self {
        let (created_at, phase) = (wall_now(), watch::channel(Phase::Created).0);
        Self { wanted, created_at, phase, now: Mutex::default(), live: Live::default() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self) -> &str {
        &self.wanted.id
    }

    pub(super) const fn wanted(&self) -> &RunRequest {
        &self.wanted
    }

    pub(super) const fn live(&self) -> &Live {
        &self.live
    }

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Tells of each new phase.
    pub(super) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(super) fn remote(&self) -> Result<RunHandle, ApiError> {
        self.now().remote.clone().ok_or_else(|| match self.phase() {
            phase if phase.is_over() => promemu_run::handle::CommandError::RunOver.into(),
            _ => ApiError::conflict(format!("run {:?} has not started yet; try again", self.id())),
        })
    }

    /// The jobs that no other run may have now.
    fn jobs(&self) -> Vec<Arc<str>> {
        let now = self.now();
        match &now.remote {
            Some(remote) => remote.jobs(),
            None => now.jobs.clone(),
        }
    }

    /// Takes note that it is about to start; gives what completes when it is asked to stop.
    fn prepare(&self, jobs: Vec<Arc<str>>, seed: u64) -> oneshot::Receiver<()> {
        let (stop, asked_to_stop) = oneshot::channel();
        let mut now = self.now();
        (now.jobs, now.seed, now.stop) = (jobs, Some(seed), Some(stop));
        drop(now);
        self.phase.send_replace(Phase::Starting);
        asked_to_stop
    }

    fn begin(&self, remote: RunHandle) {
        remote.remember_events();
        let mut now = self.now();
        (now.remote, now.started_at) = (Some(remote), Some(wall_now()));
        drop(now);
        // It may have been asked to stop meanwhile.
        self.phase.send_if_modified(|phase| {
            let is_new = *phase == Phase::Starting;
            *phase = if is_new { Phase::Running } else { *phase };
            is_new
        });
    }

    fn end(&self, error: Option<&Error>) {
        let mut now = self.now();
        (now.ended_at, now.stop, now.jobs) = (Some(wall_now()), None, Vec::new());
        let remote = now.remote.take();
        now.error = error.map(with_causes);
        drop(now);
        // Looking takes locks of its own.
        let result = remote.map(|remote| remote.overview());
        let mut now = self.now();
        now.result = now.result.take().or(result);
        drop(now);
        self.phase.send_replace(if error.is_some() { Phase::Failed } else { Phase::Ended });
    }

    /// Asks it to stop.
    fn stop(&self) -> Result<(), ApiError> {
        let phase = self.phase();
        if phase.is_over() || phase == Phase::Created {
            return Err(ApiError::conflict(format!("run {:?} does not run", self.id())));
        }
        let remote = self.now().remote.clone();
        // Its hosts are over afterwards, so the result is what it was at last.
        let last = remote.map(|remote| remote.overview());
        let mut now = self.now();
        now.result = now.result.take().or(last);
        if let Some(stop) = now.stop.take() {
            // It may be over just now.
            let _is_asked = stop.send(()).is_ok();
        }
        drop(now);
        self.phase.send_if_modified(|phase| {
            let is_new = matches!(phase, Phase::Starting | Phase::Running);
            *phase = if is_new { Phase::Stopping } else { *phase };
            is_new
        });
        Ok(())
    }

    pub(super) fn view(&self) -> RunView {
        let (phase, now) = (self.phase(), self.now());
        let until = now.ended_at.unwrap_or_else(wall_now);
        let duration = self.wanted.duration.filter(|duration| *duration != Span::FOREVER);
        RunView {
            id: self.wanted.id.to_string(),
            config: self.wanted.source.name().to_owned(),
            class: self.wanted.class.clone(),
            args: self.wanted.args.clone(),
            seed: now.seed.or(self.wanted.seed),
            state: phase,
            created_at: self.created_at.rfc3339(),
            started_at: now.started_at.map(Time::rfc3339),
            ended_at: now.ended_at.map(Time::rfc3339),
            duration_seconds: duration.map(Span::as_secs_f64),
            ran_seconds: now.started_at.map_or(0.0, |at| until.since(at).as_secs_f64()),
            error: now.error.clone(),
            result: if phase.is_over() { now.result.clone() } else { None },
        }
    }
}

/// An error with all that led to it.
fn with_causes(error: &Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Runs {
    fn all(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Arc<Run>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run called so.
    pub(super) fn find(&self, id: &str) -> Result<Arc<Run>, ApiError> {
        let unknown = || {
            let shown: String = id.chars().take(100).collect();
            let told = format!("there is no run {shown:?}; /api/v1/runs lists them");
            ApiError::new(axum::http::StatusCode::NOT_FOUND, "unknown_run", told)
        };
        self.all().get(id).cloned().ok_or_else(unknown)
    }

    fn add(&self, run: Arc<Run>) -> Result<(), ApiError> {
        let mut all = self.all();
        if all.contains_key(run.id()) {
            return Err(ApiError::conflict(format!(
                "there is a run {:?} already; choose another id",
                run.id()
            )));
        }
        if all.len() >= RUNS_MAX {
            return Err(ApiError::too_many(format!("there are {RUNS_MAX} runs; delete one that is over")));
        }
        all.insert(run.id().into(), run);
        Ok(())
    }

    /// Reserves jobs for a run that is about to start: no two runs may push the same one.
    fn reserve(&self, run: &Run, jobs: Vec<Arc<str>>, seed: u64) -> Result<oneshot::Receiver<()>, ApiError> {
        let all = self.all();
        if run.phase() != Phase::Created {
            return Err(ApiError::conflict(format!("run {:?} has started already", run.id())));
        }
        for other in all.values().filter(|other| other.id() != run.id() && !other.phase().is_over()) {
            if let Some(job) = other.jobs().iter().find(|job| jobs.contains(job)) {
                let told =
                    format!("job {job:?} is run {:?}'s; give this run's hosts another job_name", other.id());
                return Err(ApiError::conflict(told));
            }
        }
        Ok(run.prepare(jobs, seed))
    }

    /// Asks all to stop, but the main one, and waits until they have.
    pub(super) async fn end(&self) {
        let others: Vec<Arc<Run>> = self.all().values().filter(|run| run.id() != MAIN).cloned().collect();
        for run in others {
            // One that does not run need not stop.
            let _was_running = run.stop().is_ok();
        }
        let mut tasks = std::mem::take(&mut *self.tasks());
        while tasks.join_next().await.is_some() {}
    }
}

/// The daemon's own run, which the program drives.
#[derive(Debug)]
pub struct MainRun {
    run: Arc<Run>,
    asked_to_stop: oneshot::Receiver<()>,
}

impl MainRun {
    pub(super) fn new(runs: &Runs, wanted: RunRequest) -> Result<Self, Error> {
        let run = Arc::new(Run::new(wanted));
        let taken = |_| Error::Run("the daemon has a run already, which is a bug".to_owned());
        runs.add(Arc::clone(&run)).map_err(taken)?;
        let (_, asked_to_stop) = oneshot::channel();
        Ok(Self { run, asked_to_stop })
    }

    /// Its jobs and its seed are known; it starts.
    pub fn prepare(&mut self, jobs: Vec<Arc<str>>, seed: u64) {
        self.asked_to_stop = self.run.prepare(jobs, seed);
    }

    /// It runs, and can be steered.
    pub fn begin(&self, remote: RunHandle) {
        self.run.begin(remote);
    }

    /// Completes when a client wants it to stop.
    pub async fn asked_to_stop(&mut self) {
        if (&mut self.asked_to_stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// It is over.
    pub fn end(&self, error: Option<&Error>) {
        self.run.end(error);
    }
}
