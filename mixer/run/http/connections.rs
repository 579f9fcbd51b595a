//! Open connections of a server: how many there may be, and the idle one that goes first where there is no room.
//!
//! A connection is idle without a request under way: from the first byte of a request's head that is whole to the last byte
//! of its response it is not.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use indexmap::IndexMap;
use procfs_core::FromRead;
use procfs_core::process::{LimitValue, Limits};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// Open connections, at most.
const CONNECTIONS_MAX: usize = 1_024;
/// Of the files that the process may open, each server may have this part.
const PART_OF_FILES: usize = 4;
/// Time from one look for an idle connection to the next, where there is no room.
const ROOM_INTERVAL: Duration = Duration::from_millis(50);

/// A client that takes nothing of a response for this long is cut off.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// Connections of one server.
#[derive(Debug)]
pub(super) struct Connections {
    room: Arc<Semaphore>,
    open: Mutex<IndexMap<usize, Arc<Connection>>>,
    next: AtomicUsize,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    requests: AtomicUsize,
    idle_since: Mutex<Instant>,
    /// Time of the last part of a response, until its client has taken it.
    stalled_since: Mutex<Option<Instant>>,
    /// Notified when it is to make room.
    goes: Notify,
}

/// A connection's place among the open ones; dropped with it.
#[derive(Debug)]
pub(super) struct Place {
    all: Arc<Connections>,
    number: usize,
    pub(super) connection: Arc<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    /// Room for as many as the process may have.
    pub(super) fn within_limits() -> Arc<Self> {
        let limits = Limits::from_file("/proc/self/limits").map(|limits| limits.max_open_files.soft_limit);
        let files = match limits {
            Ok(LimitValue::Value(files)) => usize::try_from(files).unwrap_or(usize::MAX),
            Ok(LimitValue::Unlimited) | Err(_) => usize::MAX,
        };
        Arc::new(Self::new((files / PART_OF_FILES).clamp(1, CONNECTIONS_MAX)))
    }

    fn new(connections_max: usize) -> Self {
        let room = Arc::new(Semaphore::new(connections_max));
        Self { room, open: Mutex::default(), next: AtomicUsize::new(0) }
    }

    fn open(&self) -> MutexGuard<'_, IndexMap<usize, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more connection. Where there is none, the longest idle one goes; `None` if the server is gone.
    pub(super) async fn place(self: &Arc<Self>) -> Option<Place> {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
                break permit;
            }
            self.make_room();
            if let Ok(permit) = timeout(ROOM_INTERVAL, Arc::clone(&self.room).acquire_owned()).await {
                break permit.ok()?;
            }
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection {
            requests: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
            stalled_since: Mutex::default(),
            goes: Notify::new(),
        });
        self.open().insert(number, Arc::clone(&connection));
        Some(Place { all: Arc::clone(self), number, connection, _permit: permit })
    }

    /// Ends the connection that has been idle for longest.
    pub(super) fn make_room(&self) {
        let mut open = self.open();
        let idle = open.iter().filter(|(_, connection)| connection.requests.load(Ordering::Relaxed) == 0);
        let oldest = idle.min_by_key(|(_, connection)| connection.idle_since()).map(|(number, _)| *number);
        if let Some(connection) = oldest.and_then(|number| open.swap_remove(&number)) {
            connection.goes.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.open().swap_remove(&self.number);
    }
}

impl Connection {
    fn idle_since(&self) -> Instant {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stalled_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.stalled_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_stalled(&self, is_stalled: bool) {
        *self.stalled_since() = is_stalled.then(Instant::now);
    }

    /// Returns when the connection is to make room for another one, or when its client takes nothing of a response for too
    /// long.
    pub(super) async fn goes(&self) {
        while timeout(STALL_TIMEOUT / 4, self.goes.notified()).await.is_err() {
            if self.stalled_since().is_some_and(|since| since.elapsed() >= STALL_TIMEOUT) {
                return;
            }
        }
    }

    /// A request is under way until the returned value is dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }
}

/// A request of a connection that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Connection>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set_stalled(false);
        *self.0.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response's body, until whose end its request is under way.
#[derive(Debug)]
pub(super) struct ResponseBody {
    pub(super) body: Body,
    pub(super) request: UnderWay,
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.request.0.set_stalled(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_of_a_response_is_cut_off_and_one_that_waits_is_not() {
        let connections = Arc::new(Connections::new(1));
        let place = connections.place().await.unwrap();
        let request = place.connection.begin_request();
        assert!(
            timeout(10 * STALL_TIMEOUT, place.connection.goes()).await.is_err(),
            "it waits for the server"
        );
        request.0.set_stalled(true);
        assert!(timeout(2 * STALL_TIMEOUT, place.connection.goes()).await.is_ok());
        request.0.set_stalled(false);
        assert!(timeout(10 * STALL_TIMEOUT, place.connection.goes()).await.is_err(), "it has taken it");
    }

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room_and_none_with_a_request_does() {
        let connections = Arc::new(Connections::new(3));
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(connections.place().await.unwrap());
        }
        let request = places[0].connection.begin_request();
        let (all, waits) = (
            Arc::clone(&connections),
            tokio::spawn({
                let connections = Arc::clone(&connections);
                async move { connections.place().await.unwrap().number }
            }),
        );
        places[1].connection.goes().await;
        drop(places.remove(1));
        assert_eq!(waits.await.unwrap(), 3);
        drop(request);
        all.make_room();
        places[1].connection.goes().await;
        all.make_room();
        places[0].connection.goes().await;
    }
}
