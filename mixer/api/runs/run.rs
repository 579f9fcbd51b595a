//! One run: its request, its phase, and its handle while it lives.
//!
//! A run goes from `created` through `starting`, `running` and `stopping` to `ended` or `failed`, and never back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::{oneshot, watch};
use utoipa::ToSchema;

use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_run::clock::wall_now;
use promemu_run::handle::{CommandError, Overview, RunHandle};

use super::live_series::LiveSeries;
use super::request::RunRequest;
use crate::error::ApiError;

/// One run.
#[derive(Debug)]
pub(crate) struct Run {
    request: RunRequest,
    created_at: Time,
    phase: watch::Sender<Phase>,
    progress: Mutex<Progress>,
    live: LiveSeries,
}

/// The part of a run that changes.
#[derive(Debug, Default)]
struct Progress {
    jobs: Vec<Arc<str>>,
    seed: Option<u64>,
    handle: Option<RunHandle>,
    started_at: Option<Time>,
    ended_at: Option<Time>,
    stop: Option<oneshot::Sender<()>>,
    error: Option<String>,
    result: Option<Overview>,
}

/// A run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunView {
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
    /// The emulated seconds after which it ends; null if it ends with its hosts.
    duration_seconds: Option<f64>,
    ran_seconds: f64,
    /// The error it failed with.
    error: Option<String>,
    /// Its last state, when it is over.
    result: Option<Overview>,
}

/// The phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    Created,
    Starting,
    Running,
    Stopping,
    Ended,
    Failed,
}

impl Phase {
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Failed)
    }
}

/// Completes when the run of these phases is over.
pub(crate) async fn is_over(phases: &mut watch::Receiver<Phase>) {
    // A run that was dropped is over, too.
    let _ended = phases.wait_for(|phase| phase.is_over()).await.is_ok();
}

impl Run {
    pub(crate) fn new(request: RunRequest) -> Self {
        let (created_at, phase) = (wall_now(), watch::channel(Phase::Created).0);
        Self { request, created_at, phase, progress: Mutex::default(), live: LiveSeries::default() }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> &str {
        &self.request.id
    }

    pub(crate) const fn request(&self) -> &RunRequest {
        &self.request
    }

    pub(crate) const fn live(&self) -> &LiveSeries {
        &self.live
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Receives each new phase.
    pub(crate) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(crate) fn handle(&self) -> Result<RunHandle, ApiError> {
        self.progress().handle.clone().ok_or_else(|| match self.phase() {
            phase if phase.is_over() => ApiError::Command(CommandError::RunOver),
            _ => ApiError::RunNotStarted(self.id().to_owned()),
        })
    }

    /// The jobs that no other run may push now.
    pub(super) fn jobs(&self) -> Vec<Arc<str>> {
        let progress = self.progress();
        match &progress.handle {
            Some(handle) => handle.jobs(),
            None => progress.jobs.clone(),
        }
    }

    /// Begins the phase `starting`. The receiver completes when a client stops the run.
    pub(super) fn prepare(&self, jobs: Vec<Arc<str>>, seed: u64) -> oneshot::Receiver<()> {
        let (stop, stop_requested) = oneshot::channel();
        let mut progress = self.progress();
        (progress.jobs, progress.seed, progress.stop) = (jobs, Some(seed), Some(stop));
        drop(progress);
        self.phase.send_replace(Phase::Starting);
        stop_requested
    }

    pub(super) fn begin(&self, handle: RunHandle) {
        handle.keep_events();
        let mut progress = self.progress();
        (progress.handle, progress.started_at) = (Some(handle), Some(wall_now()));
        drop(progress);
        // A client may have stopped it meanwhile.
        self.phase.send_if_modified(|phase| {
            let is_new = *phase == Phase::Starting;
            *phase = if is_new { Phase::Running } else { *phase };
            is_new
        });
    }

    pub(super) fn end(&self, error: Option<&Error>) {
        let mut progress = self.progress();
        (progress.ended_at, progress.stop, progress.jobs) = (Some(wall_now()), None, Vec::new());
        let handle = progress.handle.take();
        progress.error = error.map(Error::with_causes);
        drop(progress);
        // The overview takes locks of its own.
        let result = handle.map(|handle| handle.overview());
        let mut progress = self.progress();
        progress.result = progress.result.take().or(result);
        drop(progress);
        self.phase.send_replace(if error.is_some() { Phase::Failed } else { Phase::Ended });
    }

    /// Asks the run to stop.
    pub(crate) fn stop(&self) -> Result<(), ApiError> {
        let phase = self.phase();
        if phase.is_over() || phase == Phase::Created {
            return Err(ApiError::RunNotRunning(self.id().to_owned()));
        }
        let handle = self.progress().handle.clone();
        // Its hosts end next, so the result is its state before that.
        let last = handle.map(|handle| handle.overview());
        let mut progress = self.progress();
        progress.result = progress.result.take().or(last);
        if let Some(stop) = progress.stop.take() {
            // The run may have ended just now.
            let _is_asked = stop.send(()).is_ok();
        }
        drop(progress);
        self.phase.send_if_modified(|phase| {
            let is_new = matches!(phase, Phase::Starting | Phase::Running);
            *phase = if is_new { Phase::Stopping } else { *phase };
            is_new
        });
        Ok(())
    }

    pub(crate) fn view(&self) -> RunView {
        let (phase, progress) = (self.phase(), self.progress());
        let until = progress.ended_at.unwrap_or_else(wall_now);
        let duration = self.request.duration.filter(|duration| *duration != Span::FOREVER);
        RunView {
            id: self.request.id.to_string(),
            config: self.request.config.source.name().to_owned(),
            class: self.request.config.class.clone(),
            args: self.request.config.args.clone(),
            seed: progress.seed.or(self.request.seed),
            state: phase,
            created_at: self.created_at.rfc3339(),
            started_at: progress.started_at.map(Time::rfc3339),
            ended_at: progress.ended_at.map(Time::rfc3339),
            duration_seconds: duration.map(Span::as_secs_f64),
            ran_seconds: progress.started_at.map_or(0.0, |at| until.since(at).as_secs_f64()),
            error: progress.error.clone(),
            result: if phase.is_over() { progress.result.clone() } else { None },
        }
    }
}
