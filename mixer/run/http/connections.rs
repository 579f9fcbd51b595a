//! Open connections of a server: how many there may be, and the one that goes first where there is no room.
//!
//! Some more are kept for health checks, so a server whose connections are all busy still says that it lives.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use procfs_core::FromRead;
use procfs_core::process::{LimitValue, Limits};

use super::connection::Connection;

/// Open connections, at most.
const CONNECTIONS_MAX: usize = 1_024;
/// Connections kept for health checks.
const RESERVE: usize = 16;
/// Of the files that the process may open, each server may have this part.
const PART_OF_FILES: usize = 4;

/// Connections of one server.
#[derive(Debug)]
pub(super) struct Connections {
    usual: Room,
    reserve: Room,
    next: AtomicUsize,
}

/// Room for a number of connections.
#[derive(Debug)]
struct Room {
    max: usize,
    open: Mutex<IndexMap<usize, Arc<Connection>>>,
}

/// A connection's place among the open ones; dropped with it.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Connections>,
    number: usize,
    pub(super) connection: Arc<Connection>,
}

impl Connections {
    /// Room for as many as the process may have.
    pub(super) fn within_limits() -> Arc<Self> {
        let limits = Limits::from_file("/proc/self/limits").map(|limits| limits.max_open_files.soft_limit);
        let files = match limits {
            Ok(LimitValue::Value(files)) => usize::try_from(files).unwrap_or(usize::MAX),
            Ok(LimitValue::Unlimited) | Err(_) => usize::MAX,
        };
        Arc::new(Self::new((files / PART_OF_FILES).clamp(1, CONNECTIONS_MAX), RESERVE))
    }

    fn new(connections_max: usize, reserve: usize) -> Self {
        let room = |max| Room { max, open: Mutex::default() };
        Self { usual: room(connections_max), reserve: room(reserve), next: AtomicUsize::new(0) }
    }

    /// A place for one more connection. Where there is none, another one goes; if all are busy, it is one of those kept for
    /// health checks. Never waits: the one that goes may be there for a moment longer.
    pub(super) fn place(self: &Arc<Self>) -> Place {
        let is_reserved = !self.usual.has_room();
        if is_reserved && !self.reserve.has_room() {
            self.reserve.make_room();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new(is_reserved));
        self.room_of(&connection).open().insert(number, Arc::clone(&connection));
        Place { all: Arc::clone(self), number, connection }
    }

    const fn room_of(&self, connection: &Connection) -> &Room {
        if connection.is_reserved { &self.reserve } else { &self.usual }
    }

    /// Ends the connection whose turn it is, if there is one that does not wait for its server.
    pub(super) fn make_room(&self) -> bool {
        self.usual.make_room()
    }
}

impl Room {
    fn open(&self) -> MutexGuard<'_, IndexMap<usize, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `true` if there is room for one more, if need be for one that goes.
    fn has_room(&self) -> bool {
        let is_free = self.open().len() < self.max;
        is_free || self.make_room()
    }

    fn make_room(&self) -> bool {
        let mut open = self.open();
        let turns = open.iter().filter_map(|(number, connection)| Some((connection.turn()?, *number)));
        let gone = turns.min().and_then(|(_, number)| open.swap_remove(&number));
        gone.inspect(|connection| connection.make_room()).is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.room_of(&self.connection).open().swap_remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn places<const N: usize>(connections: &Arc<Connections>) -> [Place; N] {
        std::array::from_fn(|_| connections.place())
    }

    async fn has_gone(place: &Place) -> bool {
        timeout(Duration::ZERO, place.connection.goes()).await.is_ok()
    }

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room_and_none_with_a_request_does() {
        let connections = Arc::new(Connections::new(3, 1));
        let [busy, first, second] = places(&connections);
        let request = busy.connection.begin_request();
        let [third] = places(&connections);
        assert!(has_gone(&first).await && !has_gone(&second).await && !has_gone(&busy).await);
        drop(first);
        drop(request);
        assert!(connections.make_room() && has_gone(&second).await, "it has been idle for longest");
        assert!(connections.make_room() && has_gone(&third).await);
        assert!(connections.make_room() && has_gone(&busy).await);
        assert!(!connections.make_room(), "none is left");
    }

    #[tokio::test]
    async fn a_server_whose_connections_are_all_busy_has_some_for_health_checks() {
        let connections = Arc::new(Connections::new(2, 2));
        let busy: [Place; 2] = places(&connections);
        let requests = busy.each_ref().map(|place| place.connection.begin_request());
        let [first, second] = places(&connections);
        assert!(first.connection.is_reserved && second.connection.is_reserved);
        let _request = first.connection.begin_request();
        let third = connections.place();
        assert!(third.connection.is_reserved && has_gone(&first).await, "the oldest goes, whatever it is at");
        assert!(!has_gone(&second).await && !has_gone(&busy[0]).await);
        drop(requests);
        assert!(!connections.place().connection.is_reserved);
    }
}
