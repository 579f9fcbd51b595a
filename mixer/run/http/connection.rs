//! One connection of a server, and the side that it waits for: its server, or its client.
//!
//! A connection is idle without a request under way: from the first byte of a request's head that is whole to the last byte
//! of its response it is not.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// A client that takes nothing of a response for this long is cut off.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// A client that sends a request, or takes a response, has this much time before it makes room for others.
const CLIENT_TIME: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// `true` if it is one of those that are kept for health checks.
    pub(super) is_reserved: bool,
    requests: AtomicUsize,
    idle_since: Mutex<Instant>,
    /// Begin of a request's body, until it is whole.
    sends_since: Mutex<Option<Instant>>,
    /// Time of the last part of a response, until its client has taken it.
    stalled_since: Mutex<Option<Instant>>,
    /// Notified when it is to make room.
    goes: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    pub(super) fn new(is_reserved: bool) -> Self {
        Self {
            is_reserved,
            requests: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
            sends_since: Mutex::default(),
            stalled_since: Mutex::default(),
            goes: Notify::new(),
        }
    }

    /// The order in which connections make room: idle ones, then those that have waited for their client for a while, each the
    /// longest first. `None` for one that waits for its server.
    pub(super) fn turn(&self) -> Option<(bool, Instant)> {
        if self.is_reserved || self.requests.load(Ordering::Relaxed) == 0 {
            return Some((false, *locked(&self.idle_since)));
        }
        let waits = [*locked(&self.sends_since), *locked(&self.stalled_since)].into_iter().flatten().min();
        waits.filter(|since| since.elapsed() >= CLIENT_TIME).map(|since| (true, since))
    }

    fn set_stalled(&self, is_stalled: bool) {
        *locked(&self.stalled_since) = is_stalled.then(Instant::now);
    }

    /// Has the connection end, so that there is room for another one.
    pub(super) fn make_room(&self) {
        self.goes.notify_one();
    }

    /// Returns when the connection is to make room for another one, or when its client takes nothing of a response for too
    /// long.
    pub(super) async fn goes(&self) {
        while timeout(STALL_TIMEOUT / 4, self.goes.notified()).await.is_err() {
            if locked(&self.stalled_since).is_some_and(|since| since.elapsed() >= STALL_TIMEOUT) {
                return;
            }
        }
    }

    /// A request is under way until the returned value is dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> UnderWay {
        self.requests.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// The body of a request.
    pub(super) fn receive(self: &Arc<Self>, body: Incoming) -> RequestBody {
        RequestBody { body, connection: Arc::clone(self) }
    }
}

/// A request of a connection that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Connection>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set_stalled(false);
        *locked(&self.0.idle_since) = Instant::now();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request's body: while it is not whole, its handler waits for the client.
#[derive(Debug)]
pub(super) struct RequestBody {
    body: Incoming,
    connection: Arc<Connection>,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            // A client that sends a byte now and then sends since it began.
            Poll::Pending | Poll::Ready(Some(Ok(_))) => {
                locked(&self.connection.sends_since).get_or_insert_with(Instant::now);
            }
            Poll::Ready(_) => *locked(&self.connection.sends_since) = None,
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        *locked(&self.connection.sends_since) = None;
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
        let connection = Arc::new(Connection::new(false));
        let request = connection.begin_request();
        assert!(timeout(10 * STALL_TIMEOUT, connection.goes()).await.is_err(), "it waits for the server");
        request.0.set_stalled(true);
        assert!(timeout(2 * STALL_TIMEOUT, connection.goes()).await.is_ok());
        request.0.set_stalled(false);
        assert!(timeout(10 * STALL_TIMEOUT, connection.goes()).await.is_err(), "it has taken it");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_waits_for_its_client_makes_room_after_a_while_and_one_that_waits_for_its_server_does_not()
     {
        let connection = Arc::new(Connection::new(false));
        assert!(matches!(connection.turn(), Some((false, _))), "it is idle");
        let request = connection.begin_request();
        assert_eq!(connection.turn(), None, "its handler works");
        *locked(&connection.sends_since) = Some(Instant::now());
        assert_eq!(connection.turn(), None, "its body has just begun");
        tokio::time::sleep(CLIENT_TIME).await;
        assert!(matches!(connection.turn(), Some((true, _))));
        *locked(&connection.sends_since) = None;
        request.0.set_stalled(true);
        assert_eq!(connection.turn(), None, "it has just got a part of its response");
        tokio::time::sleep(CLIENT_TIME).await;
        assert!(matches!(connection.turn(), Some((true, _))));
        drop(request);
        assert!(matches!(connection.turn(), Some((false, _))));
    }
}
