//! One run as clients know it: its request, and the run itself once it is started.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use promemu_core::time::{Span, Time};
use promemu_run::clock::wall_now;
use promemu_run::event_tap::EventTap;
use promemu_run::handle::{CommandError, Overview, RunHandle};
use promemu_run::report::{EndReason, RunReport};
use promemu_run::run::{Run, Stage, StopReason};

use super::live_series::LiveSeries;
use super::request::RunRequest;
use crate::error::ApiError;

/// One run of the daemon.
#[derive(Debug)]
pub(crate) struct RunEntry {
    request: RunRequest,
    created_at: Time,
    is_simulation: bool,
    /// The tap of its events, which clients may open before it is started.
    events: Arc<EventTap>,
    life: watch::Sender<Life>,
    live: LiveSeries,
}

/// The part of a run's life that the daemon decides.
#[derive(Debug)]
enum Life {
    Created,
    Started(Run),
    /// It is deleted, or the daemon ends, before it was started.
    Dropped,
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
    /// The emulated seconds of the history that it begins with; null without one.
    history_seconds: Option<f64>,
    /// `true` if edits of its config are reloaded.
    watches: bool,
    ran_seconds: f64,
    /// The error it failed with.
    error: Option<String>,
    /// Its last state, when it is over.
    result: Option<Overview>,
    /// Its report, when it is over.
    #[schema(inline)]
    report: Option<RunReport>,
    /// The time of its last metrics, which `/api/v1/runs/{id}/metrics` shows for an hour when it is over; null if there are
    /// none.
    last_metrics_at: Option<String>,
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

    fn of(run: &Run) -> Self {
        match run.stage() {
            Stage::Starting => Self::Starting,
            Stage::Running => Self::Running,
            Stage::Stopping => Self::Stopping,
            Stage::Over => match run.report() {
                Some(report) if report.reason != EndReason::Failed => Self::Ended,
                _ => Self::Failed,
            },
        }
    }
}

impl RunView {
    /// The real seconds that it ran.
    pub(crate) const fn ran_seconds(&self) -> f64 {
        self.ran_seconds
    }
}

impl RunEntry {
    /// A run that is not started.
    pub(crate) fn created(request: RunRequest, is_simulation: bool, events: Arc<EventTap>) -> Self {
        Self {
            request,
            created_at: wall_now(),
            is_simulation,
            events,
            life: watch::channel(Life::Created).0,
            live: LiveSeries::default(),
        }
    }

    /// A run that is started.
    pub(crate) fn started(request: RunRequest, run: Run) -> Self {
        let entry = Self::created(request, run.is_simulation(), Arc::clone(run.events()));
        entry.life.send_replace(Life::Started(run));
        entry
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

    /// `true` if it has a workload that says when it is over.
    pub(crate) const fn is_simulation(&self) -> bool {
        self.is_simulation
    }

    pub(crate) const fn events(&self) -> &Arc<EventTap> {
        &self.events
    }

    pub(crate) const fn created_at(&self) -> Time {
        self.created_at
    }

    /// The run, once it is started.
    pub(crate) fn run(&self) -> Option<Run> {
        match &*self.life.borrow() {
            Life::Started(run) => Some(run.clone()),
            Life::Created | Life::Dropped => None,
        }
    }

    /// Starts the run, once.
    pub(super) fn start(&self, start: impl FnOnce() -> Result<Run, ApiError>) -> Result<(), ApiError> {
        let mut outcome = Ok(());
        self.life.send_if_modified(|life| {
            outcome = match life {
                Life::Created => start().map(|run| *life = Life::Started(run)),
                Life::Started(_) => Err(ApiError::RunStarted(self.id().to_owned())),
                Life::Dropped => Err(ApiError::UnknownRun(self.id().to_owned())),
            };
            outcome.is_ok()
        });
        outcome
    }

    /// Ends it if it is not started: its listeners wait for nothing more.
    pub(crate) fn drop_unstarted(&self) {
        self.life.send_if_modified(|life| {
            let is_created = matches!(life, Life::Created);
            if is_created {
                *life = Life::Dropped;
            }
            is_created
        });
    }

    pub(crate) fn phase(&self) -> Phase {
        self.run().as_ref().map_or(Phase::Created, Phase::of)
    }

    /// Waits until the run is over, or is dropped before it was started.
    pub(crate) async fn over(&self) {
        let mut life = self.life.subscribe();
        // The entry has the sender, so the wait ends with a life that is not `Created`.
        let _is_known = life.wait_for(|life| !matches!(life, Life::Created)).await.is_ok();
        if let Some(run) = self.run() {
            run.over().await;
        }
    }

    pub(crate) fn handle(&self) -> Result<RunHandle, ApiError> {
        self.run().and_then(|run| run.handle()).ok_or_else(|| match self.phase() {
            phase if phase.is_over() => ApiError::Command(CommandError::RunOver),
            _ => ApiError::RunNotStarted(self.id().to_owned()),
        })
    }

    /// Asks the run to stop.
    pub(crate) fn stop(&self) -> Result<(), ApiError> {
        let run = self.run().filter(|run| run.stage() != Stage::Over);
        let run = run.ok_or_else(|| ApiError::RunNotRunning(self.id().to_owned()))?;
        run.stop(StopReason::Request);
        Ok(())
    }

    pub(crate) fn view(&self) -> RunView {
        let (run, request) = (self.run(), &self.request);
        let (started_at, ended_at) =
            run.as_ref().map_or((None, None), |run| (run.started_at(), run.ended_at()));
        let until = ended_at.unwrap_or_else(wall_now);
        let report = run.as_ref().and_then(Run::report);
        let is_over = report.is_some();
        RunView {
            id: request.id.to_string(),
            config: request.config.source.name().to_owned(),
            class: request.config.class.clone(),
            args: request.config.shown_args(),
            seed: run.as_ref().map(Run::seed).or(request.seed),
            state: run.as_ref().map_or(Phase::Created, Phase::of),
            created_at: self.created_at.rfc3339(),
            started_at: started_at.map(Time::rfc3339),
            ended_at: ended_at.map(Time::rfc3339),
            duration_seconds: request
                .duration
                .filter(|duration| *duration != Span::FOREVER)
                .map(Span::as_secs_f64),
            history_seconds: request.history.map(Span::as_secs_f64),
            watches: request.watches,
            ran_seconds: started_at.map_or(0.0, |at| until.since(at).as_secs_f64()),
            error: report.as_ref().and_then(|report| report.error.clone()),
            result: run.as_ref().filter(|_| is_over).and_then(Run::last_overview),
            report: report.map(|report| RunReport::clone(&report)),
            last_metrics_at: run
                .filter(|_| is_over)
                .and_then(|run| run.last_metrics())
                .map(|metrics| metrics.taken_at().rfc3339()),
        }
    }
}
