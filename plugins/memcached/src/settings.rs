//! The checked settings of a load.

use std::path::PathBuf;
use std::time::Duration;

use crate::Policy;
use crate::key_space::KeySettings;
use crate::operation::Mix;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerSettings {
    /// Value of the label `server`.
    pub(crate) name: String,
    /// `HOST:PORT`.
    pub(crate) address: String,
}

/// When requests are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// When they arrive, so many a second, whether answers come or not.
    Open {
        rate: f64,
        /// The most requests that wait for a server.
        queue: usize,
    },
    /// By so many workers, each when its last request has ended.
    Closed { workers: f64 },
}

/// Limits of the pool of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolSettings {
    pub(crate) size: usize,
    pub(crate) lifetime: Duration,
    pub(crate) idle: Duration,
}

/// Times after which a wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) request: Duration,
    /// For a connection of a full pool.
    pub(crate) acquire: Duration,
}

/// All of a load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) servers: Vec<ServerSettings>,
    pub(crate) mix: Mix,
    pub(crate) keys: KeySettings,
    /// Shortest and longest value.
    pub(crate) value_bytes: (u32, u32),
    /// Seconds that values live; 0: for ever.
    pub(crate) expiry_secs: u32,
    pub(crate) pace: Pace,
    /// Lever by which the rate or the workers are multiplied.
    pub(crate) lever: Option<String>,
    pub(crate) pool: PoolSettings,
    pub(crate) timeouts: Timeouts,
    /// `None`: no circuit breakers.
    pub(crate) breaker: Option<Policy>,
    /// Tries after the first one.
    pub(crate) retries: u32,
    /// File of the summary.
    pub(crate) summary: Option<PathBuf>,
}
