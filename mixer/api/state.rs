//! The state that all handlers share: the runs, and the limits on work that takes long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use promemu_run::handle::RunHandle;

use crate::daemon::Daemon;
use crate::error::ApiError;
use crate::runs::entry::RunEntry;
use crate::runs::{MAIN, Runs};

/// The most streams that are open at the same time.
const STREAMS_MAX: usize = 256;
/// The most requests that run on blocking threads at the same time; others wait.
const BLOCKING_MAX: usize = 4;
/// The longest wait for a blocking thread.
const BLOCKING_WAIT_MAX: Duration = Duration::from_secs(20);

/// The state that all handlers share.
#[derive(Debug)]
pub(crate) struct AppState {
    runs: Runs,
    daemon: Arc<Daemon>,
    streams: Arc<Semaphore>,
    blocking: Semaphore,
    /// For promemu's own metrics, which no other request holds up.
    own_metrics: Semaphore,
}

impl AppState {
    /// No runs.
    pub(crate) fn new(daemon: Daemon) -> Self {
        Self {
            runs: Runs::default(),
            daemon: Arc::new(daemon),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            blocking: Semaphore::new(BLOCKING_MAX),
            own_metrics: Semaphore::new(1),
        }
    }

    pub(crate) const fn runs(&self) -> &Runs {
        &self.runs
    }

    pub(crate) const fn daemon(&self) -> &Arc<Daemon> {
        &self.daemon
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
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    state: &Arc<AppState>,
    work: impl FnOnce(&Arc<AppState>) -> T + Send + 'static,
) -> Result<T, ApiError> {
    blocking_with(&state.blocking, state, work).await
}

/// Makes the page of promemu's own metrics on a thread that may block.
pub(crate) async fn own_metrics(state: &Arc<AppState>) -> Result<Vec<u8>, ApiError> {
    let page = |state: &Arc<AppState>| state.daemon().outputs.self_metrics().page();
    Ok(blocking_with(&state.own_metrics, state, page).await??)
}

async fn blocking_with<T: Send + 'static>(
    permits: &Semaphore,
    state: &Arc<AppState>,
    work: impl FnOnce(&Arc<AppState>) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let permit = tokio::time::timeout(BLOCKING_WAIT_MAX, permits.acquire()).await;
    let Ok(Ok(_permit)) = permit else { return Err(ApiError::TooBusy) };
    let state = Arc::clone(state);
    tokio::task::spawn_blocking(move || work(&state)).await.map_err(ApiError::Bug)
}
