//! All runs of a daemon. Their ids are unique, and no two of them push the same job.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::request::MAIN;
use super::run::{Phase, Run};
use crate::error::ApiError;

/// The most runs that are kept, those that are over included.
const RUNS_MAX: usize = 16;
/// A client's id is repeated in an error up to this many characters.
const ID_SHOWN_CHARS_MAX: usize = 100;

/// All runs of a daemon.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    by_id: Mutex<IndexMap<Arc<str>, Arc<Run>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Runs {
    /// All runs by id, in the order of their creation.
    pub(crate) fn all(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Arc<Run>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of this id.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<Run>, ApiError> {
        let unknown = || ApiError::UnknownRun(id.chars().take(ID_SHOWN_CHARS_MAX).collect());
        self.all().get(id).cloned().ok_or_else(unknown)
    }

    /// Adds a run, if its id is free.
    pub(super) fn add(&self, run: Arc<Run>) -> Result<(), ApiError> {
        let mut all = self.all();
        if all.contains_key(run.id()) {
            return Err(ApiError::RunExists(run.id().to_owned()));
        }
        if all.len() >= RUNS_MAX {
            return Err(ApiError::TooManyRuns { max: RUNS_MAX });
        }
        all.insert(run.id().into(), run);
        Ok(())
    }

    /// Reserves jobs for a run that is about to start: no two runs may push the same job.
    pub(super) fn reserve(
        &self,
        run: &Run,
        jobs: Vec<Arc<str>>,
        seed: u64,
    ) -> Result<oneshot::Receiver<()>, ApiError> {
        let all = self.all();
        if run.phase() != Phase::Created {
            return Err(ApiError::RunStarted(run.id().to_owned()));
        }
        for other in all.values().filter(|other| other.id() != run.id() && !other.phase().is_over()) {
            if let Some(job) = other.jobs().iter().find(|job| jobs.contains(job)) {
                return Err(ApiError::JobTaken { job: job.to_string(), run: other.id().to_owned() });
            }
        }
        Ok(run.prepare(jobs, seed))
    }

    /// Stops all runs but the main one, and waits until they have ended.
    pub(crate) async fn end(&self) {
        let others: Vec<Arc<Run>> = self.all().values().filter(|run| run.id() != MAIN).cloned().collect();
        for run in others {
            // A run that has not started or is over need not stop.
            let _was_running = run.stop().is_ok();
        }
        let mut tasks = std::mem::take(&mut *self.tasks());
        while tasks.join_next().await.is_some() {}
    }
}
