//! Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): a response that goes on.
//!
//! A stream never holds more than a few events, bounded in number and bytes: a task that makes them waits for a slow
//! client, and ends when the client disconnects or stalls. A client that stalls finds `dropped` at the stream's end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

/// The most events that wait for a client.
const EVENTS_WAITING_MAX: usize = 16;
/// The most bytes of data that wait for a client; a single event may have more.
const BYTES_WAITING_MAX: usize = 256 << 10;
/// A comment is sent after this long without an event, so that no proxy takes the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The text of that comment.
const KEEP_ALIVE_TEXT: &str = "keep-alive";
/// A client that takes no event for this long counts as disconnected.
const STALL_MAX: Duration = Duration::from_mins(1);

/// The client has disconnected or stalled.
#[derive(Debug)]
pub(crate) struct Disconnected;

/// The sending end of a stream.
#[derive(Debug)]
pub(crate) struct EventSender {
    events: mpsc::Sender<Waiting>,
    /// Places for events, and for their bytes. The channel has one place more, for the end of a client that stalls.
    room: [Arc<Semaphore>; 2],
}

/// An event that waits for the client, with its part of the stream's room.
struct Waiting {
    event: Event,
    _room: Vec<OwnedSemaphorePermit>,
}

impl EventSender {
    /// Sends an event with JSON data; waits for a slow client.
    pub(crate) async fn send(&self, name: &str, data: &impl Serialize) -> Result<(), Disconnected> {
        let data = serde_json::to_string(data).map_err(|_| Disconnected)?;
        let bytes = u32::try_from(data.len().min(BYTES_WAITING_MAX)).unwrap_or(u32::MAX);
        self.put(Event::default().event(name).data(data), bytes).await
    }

    /// Sends a comment, by which the client knows that the stream is open.
    pub(crate) async fn open(&self) -> Result<(), Disconnected> {
        self.put(Event::default().comment(KEEP_ALIVE_TEXT), 0).await
    }

    /// Completes when the client has disconnected.
    pub(crate) async fn disconnected(&self) {
        self.events.closed().await;
    }

    async fn put(&self, event: Event, bytes: u32) -> Result<(), Disconnected> {
        self.put_within(STALL_MAX, event, bytes).await
    }

    async fn put_within(&self, patience: Duration, event: Event, bytes: u32) -> Result<(), Disconnected> {
        let send = async {
            let mut room = Vec::with_capacity(self.room.len());
            for (places, count) in self.room.iter().zip([1, bytes]) {
                room.extend(Arc::clone(places).acquire_many_owned(count).await.ok());
            }
            self.events.send(Waiting { event, _room: room }).await
        };
        match timeout(patience, send).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Disconnected),
            Err(_) => {
                let why = serde_json::json!({ "reason": "the client reads too slowly" });
                let event = Event::default().event("dropped").data(why.to_string());
                // Without its place the client learns nothing, as if it had gone.
                let _is_told = self.events.try_send(Waiting { event, _room: Vec::new() }).is_ok();
                Err(Disconnected)
            }
        }
    }
}

/// The two ends of a stream.
fn channel() -> (EventSender, mpsc::Receiver<Waiting>) {
    let (events, waiting) = mpsc::channel(EVENTS_WAITING_MAX + 1);
    let room = [EVENTS_WAITING_MAX, BYTES_WAITING_MAX].map(|places| Arc::new(Semaphore::new(places)));
    (EventSender { events, room }, waiting)
}

/// A response whose events `work` makes, until it ends or the client disconnects. The permit is released then.
pub(crate) fn stream<W>(permit: OwnedSemaphorePermit, work: impl FnOnce(EventSender) -> W) -> Response
where
    W: Future<Output = Result<(), Disconnected>> + Send + 'static,
{
    let (sender, waiting) = channel();
    let work = work(sender);
    tokio::spawn(async move {
        // A client that disconnects is no error.
        let _is_complete = work.await.is_ok();
        drop(permit);
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text(KEEP_ALIVE_TEXT);
    let events = Sse::new(EventReceiver(waiting)).keep_alive(keep_alive);
    ([(header::CACHE_CONTROL, "no-store")], events).into_response()
}

/// The receiving end of a stream.
struct EventReceiver(mpsc::Receiver<Waiting>);

impl Stream for EventReceiver {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|waiting| waiting.map(|waiting| Ok(waiting.event)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_has_a_comment_then_events_with_names_and_data_and_is_not_cached() {
        let streams = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&streams).try_acquire_owned().unwrap();
        let response = stream(permit, async |events| {
            events.open().await?;
            events.send("sample", &serde_json::json!({ "t": 1 })).await
        });
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(body, ": keep-alive\n\nevent: sample\ndata: {\"t\":1}\n\n");
        assert!(streams.acquire().await.is_ok(), "the permit is released");
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_held_to_the_bytes_of_a_stream_then_dropped_and_told() {
        let (sender, mut waiting) = channel();
        let large = "x".repeat(100 << 10);
        sender.send("event", &large).await.unwrap();
        sender.send("event", &large).await.unwrap();
        let event = Event::default().data("more");
        let dropped = sender.put_within(Duration::from_millis(10), event, 100 << 10).await;
        assert!(dropped.is_err());
        drop(sender);
        let mut received = Vec::new();
        while let Some(Waiting { event, .. }) = waiting.recv().await {
            received.push(format!("{event:?}"));
        }
        assert_eq!(received.len(), 3);
        assert!(received[2].contains("the client reads too slowly"), "{}", received[2]);
    }

    #[tokio::test]
    async fn small_events_are_held_to_their_number() {
        let (sender, _waiting) = channel();
        for _ in 0..EVENTS_WAITING_MAX {
            sender.send("event", &1).await.unwrap();
        }
        let event = || Event::default().data("1");
        assert!(sender.put_within(Duration::from_millis(10), event(), 1).await.is_err());
        assert_eq!(sender.events.capacity(), 0, "the last place has the end");
    }
}
