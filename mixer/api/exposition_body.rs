//! A response with the metrics of a run, as fast as its client takes them: never more than a few chunks are in memory, and no
//! thread waits for a slow client. One that takes nothing for a while makes room for others, and its response ends in an error.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use futures_core::Stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use promemu_run::handle::Exposition;

use crate::state::{AppState, blocking};

/// Chunks that wait for a client, beside the one that is made.
const CHUNKS_WAITING: usize = 1;
/// A client that takes nothing for this long gets no more.
const STALL_MAX: Duration = Duration::from_secs(5);

type Chunk = io::Result<Vec<u8>>;

/// The body of the response. The permit is released when the body is made, or its client is gone or stalls.
pub(crate) fn of(state: Arc<AppState>, exposition: Exposition, permit: OwnedSemaphorePermit) -> Body {
    let (sender, chunks) = channel();
    tokio::spawn(async move {
        send(&state, exposition, sender).await;
        drop(permit);
    });
    Body::from_stream(chunks)
}

/// Sends all chunks, or an error in place of the rest, so that no client takes a part for all.
async fn send(state: &Arc<AppState>, mut exposition: Exposition, mut sender: ChunkSender) {
    loop {
        let next = blocking(state, move |_| {
            let chunk = exposition.next_chunk();
            (exposition, chunk)
        });
        let (rest, chunk) = match next.await {
            Ok(made) => made,
            Err(error) => return sender.fail(io::Error::other(error.to_string())),
        };
        match chunk {
            Ok(Some(chunk)) => match sender.put(chunk).await {
                Some(goes_on) => sender = goes_on,
                None => return,
            },
            Ok(None) => return sender.end(),
            Err(error) => return sender.fail(error),
        }
        exposition = rest;
    }
}

/// Both ends of a body.
fn channel() -> (ChunkSender, Chunks) {
    let (chunks, received) = mpsc::channel(CHUNKS_WAITING);
    let (end, ended) = oneshot::channel();
    (ChunkSender { chunks, end }, Chunks { received, ended })
}

/// The end of the body where chunks go in. Dropped without a word, the body ends in an error.
struct ChunkSender {
    chunks: mpsc::Sender<Vec<u8>>,
    end: oneshot::Sender<io::Result<()>>,
}

impl ChunkSender {
    /// Sends a chunk; `None` if the client is gone or takes nothing.
    async fn put(self, chunk: Vec<u8>) -> Option<Self> {
        match self.chunks.send_timeout(chunk, STALL_MAX).await {
            Ok(()) => Some(self),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => None,
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                let stalled = format!("the client took nothing for {} s", STALL_MAX.as_secs());
                self.fail(io::Error::new(ErrorKind::TimedOut, stalled));
                None
            }
        }
    }

    /// The body is whole.
    fn end(self) {
        let _is_heard = self.end.send(Ok(())).is_ok();
    }

    /// The body ends in an error, behind the chunks that wait.
    fn fail(self, error: io::Error) {
        let _is_heard = self.end.send(Err(error)).is_ok();
    }
}

/// The end of the body where chunks come out.
struct Chunks {
    received: mpsc::Receiver<Vec<u8>>,
    ended: oneshot::Receiver<io::Result<()>>,
}

impl Stream for Chunks {
    type Item = Chunk;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Chunk>> {
        if let Some(chunk) = std::task::ready!(self.received.poll_recv(context)) {
            return Poll::Ready(Some(Ok(chunk)));
        }
        Poll::Ready(match self.ended.try_recv() {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Err(error)),
            // A panic has been logged.
            Err(_) => Some(Err(io::Error::other("the rest could not be made"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn next(chunks: &mut Chunks) -> Option<Chunk> {
        poll_fn(|context| Pin::new(&mut *chunks).poll_next(context)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_gets_an_error_after_what_waits_for_it() {
        let (sender, mut chunks) = channel();
        let sender = sender.put(b"one".to_vec()).await.unwrap();
        assert!(sender.put(b"two".to_vec()).await.is_none(), "it loses its place");
        assert_eq!(next(&mut chunks).await.unwrap().unwrap(), b"one");
        let error = next(&mut chunks).await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "the client took nothing for 5 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_gets_all() {
        let (sender, mut chunks) = channel();
        let taken = tokio::spawn(async move {
            let mut taken = Vec::new();
            loop {
                tokio::time::sleep(STALL_MAX / 2).await;
                match next(&mut chunks).await {
                    Some(chunk) => taken.extend(chunk.unwrap()),
                    None => return taken,
                }
            }
        });
        let mut sender = sender;
        for _ in 0..20 {
            sender = sender.put(vec![1; 3]).await.expect("it takes something");
        }
        sender.end();
        assert_eq!(taken.await.unwrap(), vec![1; 60]);
    }

    #[tokio::test]
    async fn a_body_that_is_not_made_to_its_end_ends_in_an_error() {
        let (sender, mut chunks) = channel();
        drop(sender.put(b"one".to_vec()).await);
        assert!(next(&mut chunks).await.unwrap().is_ok());
        assert!(next(&mut chunks).await.unwrap().is_err());
        let (sender, gone) = channel();
        drop(gone);
        assert!(sender.put(b"one".to_vec()).await.is_none());
    }
}
