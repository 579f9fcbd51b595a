//! A job: the unit that outputs encode and send.
//!
//! Its lock is held while a host reports or an encoder reads, never across I/O.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::store::SeriesStore;

/// One job of a run: its name and the series of its hosts.
#[derive(Debug)]
pub struct Job {
    name: Arc<str>,
    host_names: Box<[Arc<str>]>,
    store: Mutex<SeriesStore>,
}

impl Job {
    /// A job with this store.
    #[must_use]
    pub fn new(name: Arc<str>, store: SeriesStore) -> Self {
        Self { name, host_names: Box::default(), store: Mutex::new(store) }
    }

    /// The same job with the names of its planned hosts, one for each of their rows in the store.
    #[must_use]
    pub fn with_hosts(self, host_names: Box<[Arc<str>]>) -> Self {
        Self { host_names, ..self }
    }

    /// A job without hosts.
    #[must_use]
    pub fn empty(name: Arc<str>) -> Self {
        Self::new(name, SeriesStore::new(Vec::new(), Vec::new(), Vec::new()))
    }

    /// The job's name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The names of its planned hosts, by row. The store knows those that a run added.
    #[must_use]
    pub fn host_names(&self) -> &[Arc<str>] {
        &self.host_names
    }

    /// Locks the job's series. They stay usable after a panic of another holder: cells are copied whole.
    pub fn store(&self) -> MutexGuard<'_, SeriesStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lock of the job that was read last: what is read of a job without a pause is of one moment, in all of its families.
///
/// It holds one lock at a time, and is dropped before whatever may take long.
#[derive(Debug, Default)]
pub struct HeldStore<'j>(Option<(&'j Job, MutexGuard<'j, SeriesStore>)>);

impl<'j> HeldStore<'j> {
    /// The series of a job. The lock of another one ends before.
    pub fn of(&mut self, job: &'j Job) -> &SeriesStore {
        let held = match self.0.take() {
            Some((known, store)) if std::ptr::eq(known, job) => (known, store),
            other => {
                drop(other);
                (job, job.store())
            }
        };
        &self.0.insert(held).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_that_was_read_last_stays_locked_and_no_other() {
        let [a, b] = ["a", "b"].map(|name| Job::empty(name.into()));
        let is_locked = |job: &Job| job.store.try_lock().is_err();
        let mut held = HeldStore::default();
        for _ in 0..2 {
            assert_eq!(held.of(&a).rows_present(), 0);
            assert!(is_locked(&a) && !is_locked(&b));
        }
        assert_eq!(held.of(&b).rows_present(), 0);
        assert!(!is_locked(&a) && is_locked(&b));
        drop(held);
        assert!(!is_locked(&b));
    }
}
