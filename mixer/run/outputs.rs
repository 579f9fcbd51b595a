//! Sinks: where jobs' families go.
//!
//! A sink reads [`Job`]s; it never sees a host. A slow, dead or lying server costs freshness and nothing
//! else. Where a server keeps the newest state only, that is what is sent, and nothing queues up; where it keeps
//! samples by their time ([`StreamSink`]), what is to be sent waits in a bounded queue.

mod delivery;
pub mod file;
pub mod otlp;
pub(crate) mod output_set;
pub mod pushgateway;
pub mod remote_write;
pub mod scrape;
pub mod self_page;
mod series_tracker;
mod settings;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

pub use delivery::DeliverySettings;
pub use settings::{GatewaySettings, OutputSettings};
pub use stream::StreamSink;

use crate::status::OutputHealth;
use promemu_core::time::Time;

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
