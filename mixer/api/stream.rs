//! Server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): a body that goes on.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_core::Stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// So many frames wait for a client.
const FRAMES_WAITING: usize = 16;
/// So often something is sent, so that nobody on the way takes the connection for dead.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A client that takes nothing for so long has gone.
const STALL: Duration = Duration::from_mins(1);

/// The client has gone.
#[derive(Debug)]
pub(super) struct Gone;

/// Where frames go in.
#[derive(Debug)]
pub(super) struct Frames(mpsc::Sender<Bytes>);

/// Where they come out.
struct Received(mpsc::Receiver<Bytes>);

impl Stream for Received {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|frame| frame.map(Ok))
    }
}

impl Frames {
    /// Sends an event. Waits while the client is slow.
    pub(super) async fn send(&self, name: &str, data: &impl Serialize) -> Result<(), Gone> {
        let data = serde_json::to_string(data).map_err(|_| Gone)?;
        self.put(format!("event: {name}\ndata: {data}\n\n")).await
    }

    /// Sends what every client ignores.
    pub(super) async fn keep_alive(&self) -> Result<(), Gone> {
        self.put(": keep-alive\n\n".to_owned()).await
    }

    /// Completes when the client has gone.
    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }

    async fn put(&self, frame: String) -> Result<(), Gone> {
        match tokio::time::timeout(STALL, self.0.send(frame.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

/// An answer that `work` makes as it goes, until it ends or the client has gone. The permit is given back then.
pub(super) fn stream<W>(permit: OwnedSemaphorePermit, work: impl FnOnce(Frames) -> W) -> Response
where
    W: Future<Output = Result<(), Gone>> + Send + 'static,
{
    let (frames, received) = mpsc::channel(FRAMES_WAITING);
    let work = work(Frames(frames));
    tokio::spawn(async move {
        // A client that goes away is no error.
        let _is_whole = work.await.is_ok();
        drop(permit);
    });
    let mut response = Response::new(Body::from_stream(Received(received)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
