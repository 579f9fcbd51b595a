//! The pool of a server: connections that are used again, up to a number, an age and a time without use.

use std::sync::atomic::{AtomicU64, Ordering};
use std::{fmt, io};

use deadpool::Runtime;
use deadpool::managed::{
    Manager, Metrics, Object, Pool as Deadpool, PoolError, QueueMode, RecycleError, RecycleResult,
    TimeoutType,
};

use crate::connection::Connection;
use crate::settings::{PoolSettings, Timeouts};

/// A connection on loan.
pub(crate) type Lease = Object<Connector>;

/// The reason why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoConnection {
    /// All are in use.
    Full,
    /// A new one could not be made, for this reason.
    Refused(String),
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => write!(f, "all connections of the pool are in use; raise pool_size"),
            Self::Refused(why) => write!(f, "cannot connect: {why}"),
        }
    }
}

/// Connections by their use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PoolStatus {
    pub(crate) total: usize,
    pub(crate) active: usize,
    pub(crate) idle: usize,
    /// Made since the start.
    pub(crate) created: u64,
}

/// Makes connections.
#[derive(Debug)]
pub(crate) struct Connector {
    address: String,
    limits: PoolSettings,
    created: AtomicU64,
}

impl Connector {
    fn is_fresh(&self, metrics: &Metrics) -> bool {
        metrics.age() < self.limits.lifetime && metrics.last_used() < self.limits.idle
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = io::Error;

    async fn create(&self) -> Result<Connection, io::Error> {
        let connection = Connection::open(&self.address).await?;
        self.created.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<io::Error> {
        if self.is_fresh(metrics) && connection.is_idle() {
            Ok(())
        } else {
            Err(RecycleError::message("too old, or closed by the server"))
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pool(Deadpool<Connector>);

impl Pool {
    pub(crate) fn new(address: &str, limits: PoolSettings, timeouts: Timeouts) -> Result<Self, String> {
        let connector = Connector { address: address.to_owned(), limits, created: AtomicU64::new(0) };
        let pool = Deadpool::builder(connector)
            .max_size(limits.size)
            .wait_timeout(Some(timeouts.acquire))
            .create_timeout(Some(timeouts.connect))
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build();
        pool.map(Self).map_err(|error| format!("cannot make a pool of connections: {error}"))
    }

    pub(crate) async fn acquire(&self) -> Result<Lease, NoConnection> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => NoConnection::Full,
            PoolError::Timeout(_) => NoConnection::Refused("no connection within connect_timeout".to_owned()),
            PoolError::Backend(error) => NoConnection::Refused(error.to_string()),
            other => NoConnection::Refused(other.to_string()),
        })
    }

    /// Closes connections that are too old or were not used for too long.
    pub(crate) fn close_old(&self) {
        // The result has the connections, which end here.
        drop(self.0.retain(|_, metrics| self.0.manager().is_fresh(&metrics)));
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let status = self.0.status();
        PoolStatus {
            total: status.size,
            active: status.size - status.available.min(status.size),
            idle: status.available,
            created: self.0.manager().created.load(Ordering::Relaxed),
        }
    }
}
