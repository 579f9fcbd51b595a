//! A job: the unit that outputs encode and send.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SeriesStore;

/// One job of a run: its name, and its hosts' series.
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

    /// The same with the names of its hosts, one for each row of the store.
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

    /// The names of its hosts, by their rows in the store.
    #[must_use]
    pub fn host_names(&self) -> &[Arc<str>] {
        &self.host_names
    }

    /// The job's series. A panic of another holder leaves them usable: cells are copied whole.
    pub fn store(&self) -> MutexGuard<'_, SeriesStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
