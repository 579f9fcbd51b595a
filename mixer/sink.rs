//! Sinks: where jobs' families go.
//!
//! A sink reads [`Job`]s; it never sees a host. A slow, dead or lying server costs freshness and nothing
//! else. Where a server keeps the newest state only, that is what is sent, and nothing queues up; where it keeps
//! samples by their time ([`StreamSink`]), what is to be sent waits in a bounded queue.

mod delivery;
pub mod file;
pub mod http;
mod ledger;
pub mod otlp;
pub mod pushgateway;
pub mod remote_write;
pub mod scrape;
pub mod self_page;
mod settings;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

pub use delivery::DeliverySettings;
pub use settings::{GatewaySettings, OutputSettings};
pub use stream::StreamSink;

use crate::clock::Time;
use crate::series::SeriesStore;
use crate::status::OutputHealth;

/// How a sink fares, for the status. Shared between the sink's task and who asks.
#[derive(Debug, Default)]
pub struct Health(Mutex<HealthNow>);

#[derive(Debug, Default)]
struct HealthNow {
    pushes: u64,
    last_push: Option<Time>,
    away_since: Option<Time>,
    /// Why it is away.
    last_error: Option<String>,
    refused: IndexMap<Arc<str>, String>,
}

impl Health {
    fn now(&self) -> MutexGuard<'_, HealthNow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something arrived.
    fn pushed(&self, at: Time) {
        let mut health = self.now();
        health.pushes += 1;
        health.last_push = Some(at);
    }

    /// The server is away, and why.
    fn set_away(&self, since: Time, why: String) {
        let mut health = self.now();
        (health.away_since, health.last_error) = (Some(since), Some(why));
    }

    /// The server is back.
    fn set_back(&self) {
        let mut health = self.now();
        (health.away_since, health.last_error) = (None, None);
    }

    /// Whether the server is away.
    fn is_away(&self) -> bool {
        self.now().away_since.is_some()
    }

    /// A job is not taken, and why; or it is again.
    fn set_refused(&self, job: &Arc<str>, complaint: Option<&str>) {
        let mut health = self.now();
        match complaint {
            Some(complaint) => drop(health.refused.insert(Arc::clone(job), complaint.to_owned())),
            None => drop(health.refused.shift_remove(job)),
        }
    }

    /// How it fares at this time.
    #[must_use]
    pub fn status(&self, at: Time) -> OutputHealth {
        let health = self.now();
        OutputHealth {
            pushes: health.pushes,
            last_push: health.last_push.map(Time::rfc3339),
            away_for: health.away_since.map(|since| at.since(since).as_secs_f64()),
            last_error: health.last_error.clone(),
            refused: health.refused.iter().map(|(job, why)| (job.to_string(), why.clone())).collect(),
        }
    }
}

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
