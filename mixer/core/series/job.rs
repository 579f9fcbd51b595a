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
