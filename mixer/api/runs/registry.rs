//! All runs of a daemon. Their ids are unique.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

use promemu_run::run::StopReason;

use super::entry::RunEntry;
use crate::error::ApiError;

/// The most runs that are kept, those that are over included.
const RUNS_MAX: usize = 16;
/// A client's id is repeated in an error up to this many characters.
const ID_SHOWN_CHARS_MAX: usize = 100;

/// All runs of a daemon.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<IndexMap<Arc<str>, Arc<RunEntry>>>);

impl Runs {
    /// All runs by id, in the order of their creation.
    pub(crate) fn all(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Arc<RunEntry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of this id.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<RunEntry>, ApiError> {
        let unknown = || ApiError::UnknownRun(id.chars().take(ID_SHOWN_CHARS_MAX).collect());
        self.all().get(id).cloned().ok_or_else(unknown)
    }

    /// Adds a run, if its id is free.
    pub(crate) fn add(&self, run: Arc<RunEntry>) -> Result<(), ApiError> {
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

    /// Stops all runs, and waits until they have ended.
    pub(crate) async fn end(&self, reason: StopReason) {
        let all: Vec<Arc<RunEntry>> = self.all().values().cloned().collect();
        for entry in &all {
            entry.drop_unstarted();
        }
        let runs: Vec<_> = all.iter().filter_map(|entry| entry.run()).collect();
        for run in &runs {
            run.stop(reason);
        }
        for run in runs {
            run.over().await;
        }
    }
}
