//! Sinks: where jobs' families go.
//!
//! A sink reads [`Job`]s; it never sees a host. A slow, dead or lying server costs freshness and nothing
//! else: what is sent is always the newest state, and nothing queues up.

pub mod pushgateway;
pub mod scrape;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::series::SeriesStore;

/// One job of a run: its name, and its hosts' series.
#[derive(Debug)]
pub struct Job {
    name: Arc<str>,
    store: Mutex<SeriesStore>,
}

impl Job {
    /// A job with this store.
    #[must_use]
    pub const fn new(name: Arc<str>, store: SeriesStore) -> Self {
        Self { name, store: Mutex::new(store) }
    }

    /// The job's name.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The job's series. A panic of another holder leaves them usable: cells are copied whole.
    pub fn store(&self) -> MutexGuard<'_, SeriesStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
