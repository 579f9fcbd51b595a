//! A run from its start to its report: the one way in.
//!
//! [`Run::start`] admits the run beside the others and drives it in a task of its own, [`Run::prepare`] leaves that to the
//! caller. The returned [`Run`] is a handle to follow, steer and stop it, and outlives it. However the run ends, there is a
//! report.

mod driver;
mod last_metrics;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use serde_json::json;
use tokio::sync::watch;
use tracing::{Instrument, Span as LogSpan, info, info_span, warn};

use promemu_core::config::MAIN_RUN;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};

use crate::clock::wall_now;
use crate::event_tap::EventTap;
use crate::handle::{Overview, RunHandle};
use crate::outputs::{RunConflict, SharedOutputs};
use crate::report::{EndReason, RunCounts, RunReport};
use crate::simulation::{COMPLETED, FAILED, is_simulation};
use crate::spec::RunSpec;
use crate::stop_flag::StopFlag;

pub use last_metrics::LastMetrics;

/// A run that was started. Clones are handles to the same run.
#[derive(Clone, Debug)]
pub struct Run(Arc<State>);

/// The stage of a run's life. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It emulates its history and contacts servers.
    Starting,
    /// Its hosts live.
    Running,
    /// It was asked to stop, and ends its hosts and cleans up.
    Stopping,
    /// It is over, and has a report.
    Over,
}

/// A reason to stop a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A client of the API asks for it.
    Request,
    /// promemu was stopped by a signal.
    Signal,
    /// The time for which its starter wanted it is over.
    Duration,
}

impl From<StopReason> for EndReason {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Request => Self::Stopped,
            StopReason::Signal => Self::Signal,
            StopReason::Duration => Self::Duration,
        }
    }
}

/// The state of a run that its handles share with its task.
#[derive(Debug)]
struct State {
    id: Arc<str>,
    seed: u64,
    is_simulation: bool,
    events: Arc<EventTap>,
    stage: watch::Sender<Stage>,
    stop: watch::Sender<Option<StopReason>>,
    /// Set with the first reason.
    stop_flag: StopFlag,
    last_metrics: Mutex<Option<Arc<LastMetrics>>>,
    progress: Mutex<Progress>,
}

/// The part of a run that changes.
#[derive(Debug, Default)]
struct Progress {
    handle: Option<RunHandle>,
    /// Times of the wall clock.
    started_at: Option<Time>,
    ended_at: Option<Time>,
    /// The emulated time at which its hosts began to live.
    live_since: Option<Time>,
    last_overview: Option<Overview>,
    report: Option<Arc<RunReport>>,
    error: Option<Error>,
}

impl Run {
    /// Starts a run, which goes on by itself on the runtime of the outputs.
    ///
    /// # Errors
    ///
    /// The run cannot go on beside another one.
    pub fn start(spec: RunSpec, outputs: &Arc<SharedOutputs>) -> Result<Self, RunConflict> {
        let (run, driving) = Self::prepare(spec, outputs)?;
        outputs.runtime().spawn(driving);
        Ok(run)
    }

    /// Admits a run, and gives the future that drives it to its end. Whoever polls that on the thread that made the plan lets
    /// the hosts have the memory that the loader gave back: allocators keep it by thread.
    ///
    /// # Errors
    ///
    /// The run cannot go on beside another one.
    pub fn prepare(
        spec: RunSpec,
        outputs: &Arc<SharedOutputs>,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), RunConflict> {
        let admission = outputs.admit(&spec.id, &spec.plan)?;
        let run = Self(Arc::new(State {
            id: Arc::clone(&spec.id),
            seed: spec.settings.seed,
            is_simulation: is_simulation(&spec.plan),
            events: Arc::clone(&spec.events),
            stage: watch::channel(Stage::Starting).0,
            stop: watch::channel(None).0,
            stop_flag: StopFlag::default(),
            last_metrics: Mutex::default(),
            progress: Mutex::default(),
        }));
        // The lines of the main run look as if it were the only one.
        let log_span =
            if &*spec.id == MAIN_RUN { LogSpan::none() } else { info_span!("run", id = &*spec.id) };
        let driven = run.clone();
        let driving = async move {
            let outcome = without_panic(Box::pin(driver::drive(driven.clone(), spec, admission))).await;
            let bug = || Err(Error::Run("the run was ended by a bug; the log has its message".into()));
            driven.end(outcome.unwrap_or_else(bug));
        };
        Ok((run, driving.instrument(log_span)))
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The seed of all its randomness.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// `true` if a host has a model that says when its work is over.
    #[must_use]
    pub fn is_simulation(&self) -> bool {
        self.0.is_simulation
    }

    /// The tap of its events.
    #[must_use]
    pub fn events(&self) -> &Arc<EventTap> {
        &self.0.events
    }

    /// The present stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        *self.0.stage.borrow()
    }

    /// Views and commands of the run; `None` before it runs and when it is over.
    #[must_use]
    pub fn handle(&self) -> Option<RunHandle> {
        self.progress().handle.clone()
    }

    /// The real time at which its hosts began to live, if they have.
    #[must_use]
    pub fn started_at(&self) -> Option<Time> {
        self.progress().started_at
    }

    /// The real time of its end, if it is over.
    #[must_use]
    pub fn ended_at(&self) -> Option<Time> {
        self.progress().ended_at
    }

    /// Its state right before its end, if it is over and has run.
    #[must_use]
    pub fn last_overview(&self) -> Option<Overview> {
        self.progress().last_overview.clone()
    }

    /// Its metrics right before its end; of hosts that ended by themselves, at most a push interval before that. `None` if
    /// they are not kept, if there were none or too many, and when [`LastMetrics::KEPT_FOR`] is over.
    #[must_use]
    pub fn last_metrics(&self) -> Option<Arc<LastMetrics>> {
        self.0.last_metrics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the run to stop. Only the first reason counts.
    pub fn stop(&self, reason: StopReason) {
        self.0.stop.send_if_modified(|asked| asked.is_none() && asked.replace(reason).is_none());
        self.0.stop_flag.set();
        self.advance_to(Stage::Stopping);
    }

    /// The report, if it is over.
    #[must_use]
    pub fn report(&self) -> Option<Arc<RunReport>> {
        self.progress().report.clone()
    }

    /// Waits until its hosts live, or until it is over.
    pub async fn begun(&self) {
        let mut stages = self.0.stage.subscribe();
        let _is_known = stages.wait_for(|stage| *stage >= Stage::Running).await.is_ok();
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        let mut stages = self.0.stage.subscribe();
        let _is_known = stages.wait_for(|stage| *stage == Stage::Over).await.is_ok();
    }

    /// Waits for its end, and takes the error it failed with. Only the first call gets it.
    pub async fn outcome(&self) -> Result<(), Error> {
        self.over().await;
        self.progress().error.take().map_or(Ok(()), Err)
    }

    fn advance_to(&self, next: Stage) {
        self.0.stage.send_if_modified(|stage| {
            let is_later = *stage < next;
            *stage = (*stage).max(next);
            is_later
        });
    }

    /// The reason to stop, once there is one.
    async fn stop_requested(&self) -> EndReason {
        let mut stop = self.0.stop.subscribe();
        let reason = stop.wait_for(Option::is_some).await.ok().and_then(|reason| *reason);
        reason.unwrap_or(StopReason::Request).into()
    }

    /// Its hosts begin to live.
    fn begin(&self, handle: &RunHandle) {
        let mut progress = self.progress();
        progress.live_since = Some(handle.clock().now());
        (progress.handle, progress.started_at) = (Some(handle.clone()), Some(wall_now()));
        drop(progress);
        self.advance_to(Stage::Running);
    }

    /// Tells listeners the end of a simulation, unless its models have told it already.
    fn tell_end(&self, handle: Option<&RunHandle>, outcome: &Result<EndReason, Error>, ended_at: Time) {
        let (name, data) = match outcome {
            Err(error) => (FAILED, json!({ "why": error.with_causes() })),
            Ok(EndReason::WorkloadOver) => return,
            Ok(_) if handle.is_some_and(RunHandle::has_simulation_failed) => return,
            Ok(reason) => (COMPLETED, json!({ "reason": reason })),
        };
        match handle {
            Some(handle) => handle.publish_own(name, data),
            None => self.0.events.tell(name, data, ended_at),
        }
    }

    /// It is over.
    fn end(&self, outcome: Result<EndReason, Error>) {
        let (handle, ended_at) = (self.handle(), wall_now());
        if self.0.is_simulation {
            self.tell_end(handle.as_ref(), &outcome, ended_at);
        }
        let counts = handle.as_ref().map_or_else(RunCounts::default, RunHandle::counts);
        let emulated_now = handle.map(|handle| handle.clock().now());
        let mut progress = self.progress();
        let emulated =
            emulated_now.zip(progress.live_since).map_or(Span::ZERO, |(now, since)| now.since(since));
        let ran = progress.started_at.map_or(Span::ZERO, |at| ended_at.since(at));
        let report = Arc::new(RunReport {
            reason: *outcome.as_ref().unwrap_or(&EndReason::Failed),
            error: outcome.as_ref().err().map(Error::for_clients),
            ran_seconds: ran.as_secs_f64(),
            emulated_seconds: emulated.as_secs_f64(),
            counts,
        });
        // The error of the main run is told when promemu ends.
        let is_main = &*self.0.id == MAIN_RUN;
        if !is_main || report.error.is_none() {
            log(&report, outcome.as_ref().err(), !is_main);
        }
        (progress.handle, progress.ended_at) = (None, Some(ended_at));
        (progress.report, progress.error) = (Some(report), outcome.err());
        drop(progress);
        self.advance_to(Stage::Over);
    }
}

/// The future's output; `None` if it panics.
async fn without_panic<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

/// Logs the report, and if wanted that nothing arrived. The log has the whole error.
fn log(report: &RunReport, error: Option<&Error>, tells_undelivered: bool) {
    let RunReport { reason, ran_seconds, counts, .. } = report;
    let RunCounts { updates, events, scenario_errors, pushes, hosts_begun, hosts_ended, .. } = counts;
    let (reason, ran_seconds) = (reason.as_str(), ran_seconds.round());
    if let Some(error) = error {
        warn!(ran_seconds, updates, events, pushes, error = error.with_causes(), "run has failed");
    } else {
        info!(
            reason,
            ran_seconds, updates, events, scenario_errors, pushes, hosts_begun, hosts_ended, "run is over"
        );
    }
    if let Some(undelivered) = counts.undelivered().filter(|_| tells_undelivered) {
        warn!("{undelivered}");
    }
}
