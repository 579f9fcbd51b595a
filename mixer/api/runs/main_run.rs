//! The run that the daemon was started with.

use std::sync::Arc;

use tokio::sync::oneshot;

use promemu_core::error::Error;
use promemu_run::handle::RunHandle;

use super::registry::Runs;
use super::request::RunRequest;
use super::run::Run;

/// The main run of a daemon, which the program drives.
#[derive(Debug)]
pub struct MainRun {
    run: Arc<Run>,
    stop_requested: oneshot::Receiver<()>,
}

impl MainRun {
    pub(crate) fn new(runs: &Runs, request: RunRequest) -> Result<Self, Error> {
        let run = Arc::new(Run::new(request));
        let taken = |_| Error::Run("the daemon has a main run already, which is a bug".to_owned());
        runs.add(Arc::clone(&run)).map_err(taken)?;
        let (_, stop_requested) = oneshot::channel();
        Ok(Self { run, stop_requested })
    }

    /// Begins its start: its jobs and its seed are known.
    pub fn prepare(&mut self, jobs: Vec<Arc<str>>, seed: u64) {
        self.stop_requested = self.run.prepare(jobs, seed);
    }

    /// It runs: clients may read and steer it.
    pub fn begin(&self, handle: RunHandle) {
        self.run.begin(handle);
    }

    /// Completes when a client stops it.
    pub async fn stop_requested(&mut self) {
        if (&mut self.stop_requested).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// It is over.
    pub fn end(&self, error: Option<&Error>) {
        self.run.end(error);
    }
}
