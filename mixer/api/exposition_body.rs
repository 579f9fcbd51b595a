//! A response with the metrics of a run, as fast as its client takes them: never more than a few chunks are in memory, and no
//! thread waits for a slow client.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use futures_core::Stream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use promemu_run::handle::Exposition;

use crate::state::{AppState, blocking};

/// Chunks that wait for a client, beside the one that is made.
const CHUNKS_WAITING: usize = 1;

type Chunk = io::Result<Vec<u8>>;

/// The body of the response. The permit is released when the body is made, or its client is gone.
pub(crate) fn of(state: Arc<AppState>, exposition: Exposition, permit: OwnedSemaphorePermit) -> Body {
    let (chunks, received) = mpsc::channel(CHUNKS_WAITING);
    tokio::spawn(async move {
        send(&state, exposition, &chunks).await;
        drop(permit);
    });
    Body::from_stream(Chunks(received))
}

/// Sends all chunks, or an error in place of the rest, so that no client takes a part for all.
async fn send(state: &Arc<AppState>, mut exposition: Exposition, chunks: &mpsc::Sender<Chunk>) {
    loop {
        let next = blocking(state, move |_| {
            let chunk = exposition.next_chunk();
            (exposition, chunk)
        });
        let (rest, chunk) = match next.await {
            Ok(made) => made,
            Err(error) => {
                let _is_told = chunks.send(Err(io::Error::other(error.to_string()))).await.is_ok();
                return;
            }
        };
        let Some(chunk) = chunk.transpose() else { return };
        let is_last = chunk.is_err();
        if chunks.send(chunk).await.is_err() || is_last {
            return;
        }
        exposition = rest;
    }
}

/// The end of the body where chunks come out.
struct Chunks(mpsc::Receiver<Chunk>);

impl Stream for Chunks {
    type Item = Chunk;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Chunk>> {
        self.0.poll_recv(context)
    }
}
