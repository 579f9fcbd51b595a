//! All runs of a daemon. Their ids are unique.

use std::sync::atomic::{AtomicBool, Ordering};
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
pub(crate) struct Runs {
    all: Mutex<IndexMap<Arc<str>, Arc<RunEntry>>>,
    /// `true` once they are asked to end; changes while `all` is locked.
    is_ending: AtomicBool,
}

impl Runs {
    /// All runs by id, in the order of their creation.
    pub(crate) fn all(&self) -> MutexGuard<'_, IndexMap<Arc<str>, Arc<RunEntry>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of this id.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<RunEntry>, ApiError> {
        let unknown = || ApiError::UnknownRun(id.chars().take(ID_SHOWN_CHARS_MAX).collect());
        self.all().get(id).cloned().ok_or_else(unknown)
    }

    /// Adds a run, if its id is free, the daemon does not end, and `begin` succeeds. No client sees it before that.
    pub(crate) fn add(
        &self,
        run: Arc<RunEntry>,
        begin: impl FnOnce() -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let mut all = self.all();
        if self.is_ending.load(Ordering::Relaxed) {
            return Err(ApiError::Ending);
        }
        if all.contains_key(run.id()) {
            return Err(ApiError::RunExists(run.id().to_owned()));
        }
        if all.len() >= RUNS_MAX {
            return Err(ApiError::TooManyRuns { max: RUNS_MAX });
        }
        begin()?;
        all.insert(run.id().into(), run);
        Ok(())
    }

    /// Removes this very run: another one may have its id by now.
    pub(crate) fn remove(all: &mut IndexMap<Arc<str>, Arc<RunEntry>>, run: &Arc<RunEntry>) -> bool {
        let is_there = all.get(run.id()).is_some_and(|found| Arc::ptr_eq(found, run));
        if is_there {
            all.shift_remove(run.id());
        }
        is_there
    }

    /// Stops all runs, waits until they have ended, and takes no more.
    pub(crate) async fn end(&self, reason: StopReason) {
        let all: Vec<Arc<RunEntry>> = {
            let all = self.all();
            self.is_ending.store(true, Ordering::Relaxed);
            all.values().cloned().collect()
        };
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

#[cfg(test)]
mod tests {
    use promemu_core::time::Speed;
    use promemu_run::event_tap::EventTap;

    use super::*;
    use crate::config_source::{ConfigChoice, ConfigSource};
    use crate::runs::RunRequest;

    fn run(id: &str) -> Arc<RunEntry> {
        let source = ConfigSource::Named("c".to_owned());
        let config = ConfigChoice { source, class: None, args: serde_json::Value::Null, is_operators: false };
        let request = RunRequest {
            id: id.into(),
            config,
            seed: None,
            duration: None,
            speed: Speed::NORMAL,
            history: None,
            watches: false,
            simulation: None,
        };
        Arc::new(RunEntry::created(request, false, Arc::new(EventTap::remembering())))
    }

    #[test]
    fn a_run_is_removed_and_a_later_one_with_its_id_is_not() {
        let (runs, first, second) = (Runs::default(), run("x"), run("x"));
        runs.add(Arc::clone(&first), || Ok(())).unwrap();
        assert!(Runs::remove(&mut runs.all(), &first));
        runs.add(second, || Ok(())).unwrap();
        assert!(!Runs::remove(&mut runs.all(), &first));
        assert!(runs.find("x").is_ok());
    }

    #[test]
    fn no_client_meets_a_run_before_it_has_begun_or_one_that_could_not() {
        let runs = Runs::default();
        let begin = || {
            assert!(runs.all.try_lock().is_err(), "whoever asks for it now waits until it has begun");
            Ok(())
        };
        runs.add(run("x"), begin).unwrap();
        assert!(runs.find("x").is_ok());
        let refused = runs.add(run("y"), || Err(ApiError::invalid("its job is taken")));
        assert!(refused.is_err() && runs.find("y").is_err());
        let twice = runs.add(run("x"), || unreachable!("its id is taken"));
        assert!(matches!(twice, Err(ApiError::RunExists(_))));
    }

    #[tokio::test]
    async fn no_run_is_added_to_runs_that_end() {
        let runs = Runs::default();
        runs.end(StopReason::Signal).await;
        assert!(matches!(runs.add(run("x"), || Ok(())), Err(ApiError::Ending)));
    }
}
