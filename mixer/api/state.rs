//! The state that all handlers share: the runs, and the limits on work that takes long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio::time::{sleep, timeout};

use promemu_core::stop::{Stop, StopOnDrop};
use promemu_run::handle::RunHandle;

use crate::daemon::Daemon;
use crate::error::ApiError;
use crate::preview_cache::PreviewCache;
use crate::runs::entry::RunEntry;
use crate::runs::{MAIN, Runs};

/// The most streams that are open at the same time.
const STREAMS_MAX: usize = 256;
/// The most answers with the metrics of a run that are under way at the same time.
const EXPOSITIONS_MAX: usize = 32;
/// The most requests that run on blocking threads at the same time; others wait.
const BLOCKING_MAX: usize = 4;
/// The longest wait for a blocking thread.
const BLOCKING_WAIT_MAX: Duration = Duration::from_secs(20);
/// The longest time that the work of a request takes; then it is asked to stop.
const WORK_MAX: Duration = Duration::from_secs(20);

/// The state that all handlers share.
#[derive(Debug)]
pub(crate) struct AppState {
    runs: Runs,
    daemon: Arc<Daemon>,
    streams: Arc<Semaphore>,
    expositions: Arc<Semaphore>,
    blocking: Arc<Semaphore>,
    /// For promemu's own metrics, which no other request holds up.
    own_metrics: Arc<Semaphore>,
    previews: PreviewCache,
    /// For previews, one at a time, which hold up no other request.
    drawing: Arc<Semaphore>,
}

impl AppState {
    /// No runs.
    pub(crate) fn new(daemon: Daemon) -> Self {
        Self {
            runs: Runs::default(),
            daemon: Arc::new(daemon),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            expositions: Arc::new(Semaphore::new(EXPOSITIONS_MAX)),
            blocking: Arc::new(Semaphore::new(BLOCKING_MAX)),
            own_metrics: Arc::new(Semaphore::new(1)),
            previews: PreviewCache::default(),
            drawing: Arc::new(Semaphore::new(1)),
        }
    }

    pub(crate) const fn runs(&self) -> &Runs {
        &self.runs
    }

    pub(crate) const fn daemon(&self) -> &Arc<Daemon> {
        &self.daemon
    }

    pub(crate) const fn previews(&self) -> &PreviewCache {
        &self.previews
    }

    /// The run of this id; the main run if `None`.
    pub(crate) fn run(&self, id: Option<&str>) -> Result<Arc<RunEntry>, ApiError> {
        self.runs.find(id.unwrap_or(MAIN))
    }

    /// The run of this id and its handle; an error before it has started and when it is over.
    pub(crate) fn live_run(&self, id: Option<&str>) -> Result<(Arc<RunEntry>, RunHandle), ApiError> {
        let run = self.run(id)?;
        let handle = run.handle()?;
        Ok((run, handle))
    }

    /// The handle of the run of this id.
    pub(crate) fn handle(&self, id: Option<&str>) -> Result<RunHandle, ApiError> {
        self.run(id)?.handle()
    }

    /// A permit to keep a stream open.
    pub(crate) fn stream_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = Arc::clone(&self.streams).try_acquire_owned();
        permit.map_err(|_| ApiError::TooManyStreams { max: STREAMS_MAX })
    }

    /// A permit to answer with the metrics of a run.
    pub(crate) fn exposition_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let permit = Arc::clone(&self.expositions).try_acquire_owned();
        permit.map_err(|_| ApiError::TooManyExpositions { max: EXPOSITIONS_MAX })
    }
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    state: &Arc<AppState>,
    work: impl FnOnce(&Arc<AppState>) -> T + Send + 'static,
) -> Result<T, ApiError> {
    blocking_until(state, move |state, _| work(state)).await
}

/// Runs `work` on a thread that may block. The work is asked to stop when it takes too long, and when nobody waits for it
/// any more because the client has disconnected. It counts as one of those that run at the same time until it has ended.
pub(crate) async fn blocking_until<T: Send + 'static>(
    state: &Arc<AppState>,
    work: impl FnOnce(&Arc<AppState>, &Stop) -> T + Send + 'static,
) -> Result<T, ApiError> {
    blocking_with(&state.blocking, state, work).await
}

/// Draws a preview on a thread that may block, one at a time.
pub(crate) async fn drawing<T: Send + 'static>(
    state: &Arc<AppState>,
    work: impl FnOnce(&Arc<AppState>, &Stop) -> T + Send + 'static,
) -> Result<T, ApiError> {
    blocking_with(&state.drawing, state, work).await
}

/// Makes the page of promemu's own metrics on a thread that may block.
pub(crate) async fn own_metrics(state: &Arc<AppState>) -> Result<Vec<u8>, ApiError> {
    let page = |state: &Arc<AppState>, _: &Stop| state.daemon().outputs.self_metrics().page();
    Ok(blocking_with(&state.own_metrics, state, page).await??)
}

async fn blocking_with<T: Send + 'static>(
    permits: &Arc<Semaphore>,
    state: &Arc<AppState>,
    work: impl FnOnce(&Arc<AppState>, &Stop) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let permit = timeout(BLOCKING_WAIT_MAX, Arc::clone(permits).acquire_owned()).await;
    let Ok(Ok(permit)) = permit else { return Err(ApiError::TooBusy) };
    let state = Arc::clone(state);
    let outcome = run_with(permit, WORK_MAX, move |stop| work(&state, stop)).await;
    outcome.map_err(ApiError::Bug)
}

/// Runs `work`, which holds the permit until it has ended.
async fn run_with<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    longest: Duration,
    work: impl FnOnce(&Stop) -> T + Send + 'static,
) -> Result<T, JoinError> {
    let stop = Stop::new();
    let wanted = StopOnDrop(stop.clone());
    let mut work = tokio::task::spawn_blocking(move || {
        let outcome = work(&stop);
        drop(permit);
        outcome
    });
    tokio::select! {
        outcome = &mut work => outcome,
        () = sleep(longest) => {
            wanted.0.set();
            // It ends soon, and says itself that it was ended.
            work.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends only when it is asked to.
    fn endless(stop: &Stop) {
        while !stop.is_set() {
            std::thread::yield_now();
        }
    }

    #[tokio::test]
    async fn work_that_takes_too_long_ends() {
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
        run_with(permit, Duration::from_millis(10), endless).await.unwrap();
        assert_eq!(permits.available_permits(), 1);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_ends_and_holds_its_permit_until_then() {
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).acquire_owned().await.unwrap();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let request = tokio::spawn(run_with(permit, Duration::MAX, move |stop| {
            begun.send(()).unwrap();
            endless(stop);
        }));
        has_begun.await.unwrap();
        assert_eq!(permits.available_permits(), 0);
        request.abort();
        assert!(permits.acquire().await.is_ok(), "the work has ended");
    }
}
