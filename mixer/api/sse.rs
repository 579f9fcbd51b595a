//! Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): a response that goes on.
//!
//! A stream never holds more than a few events: a task that makes them waits for a slow client, and ends when the client
//! disconnects or stalls.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// The most events that wait for a client.
const EVENTS_WAITING_MAX: usize = 16;
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
pub(crate) struct EventSender(mpsc::Sender<Event>);

impl EventSender {
    /// Sends an event with JSON data; waits for a slow client.
    pub(crate) async fn send(&self, name: &str, data: &impl Serialize) -> Result<(), Disconnected> {
        self.put(Event::default().event(name).json_data(data).map_err(|_| Disconnected)?).await
    }

    /// Sends a comment, by which the client knows that the stream is open.
    pub(crate) async fn open(&self) -> Result<(), Disconnected> {
        self.put(Event::default().comment(KEEP_ALIVE_TEXT)).await
    }

    /// Completes when the client has disconnected.
    pub(crate) async fn disconnected(&self) {
        self.0.closed().await;
    }

    async fn put(&self, event: Event) -> Result<(), Disconnected> {
        match tokio::time::timeout(STALL_MAX, self.0.send(event)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Disconnected),
        }
    }
}

/// A response whose events `work` makes, until it ends or the client disconnects. The permit is released then.
pub(crate) fn stream<W>(permit: OwnedSemaphorePermit, work: impl FnOnce(EventSender) -> W) -> Response
where
    W: Future<Output = Result<(), Disconnected>> + Send + 'static,
{
    let (sender, events) = mpsc::channel(EVENTS_WAITING_MAX);
    let work = work(EventSender(sender));
    tokio::spawn(async move {
        // A client that disconnects is no error.
        let _is_complete = work.await.is_ok();
        drop(permit);
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text(KEEP_ALIVE_TEXT);
    let events = Sse::new(EventReceiver(events)).keep_alive(keep_alive);
    ([(header::CACHE_CONTROL, "no-store")], events).into_response()
}

/// The receiving end of a stream.
struct EventReceiver(mpsc::Receiver<Event>);

impl Stream for EventReceiver {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

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
}
