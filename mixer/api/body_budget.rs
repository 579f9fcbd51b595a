//! Memory of requests' bodies: large ones are held by a few requests at the same time, others wait for their turn.
//!
//! A body is held from its first byte to its answer, as is all that is read from it. Small ones never wait.

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::ApiError;

/// A body has at most this many bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of large bodies that are held at the same time. What is read from them takes up to 60 times as much memory.
const BYTES_HELD_MAX: usize = 8 << 20;
/// A body of at most this many bytes is a small one.
const SMALL_BYTES_MAX: u64 = 4 << 10;
/// Longest wait of a large body for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes that large bodies may still take.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    bytes: Arc<Semaphore>,
    patience: Duration,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self { bytes: Arc::new(Semaphore::new(BYTES_HELD_MAX)), patience: PATIENCE }
    }
}

/// The part of the budget that a body takes; `None` if it takes none. A body of unknown size may have all bytes.
fn part_of(size_max: Option<u64>) -> Option<u32> {
    let bytes = size_max.unwrap_or(BODY_BYTES_MAX as u64).min(BODY_BYTES_MAX as u64);
    u32::try_from(bytes).ok().filter(|_| bytes > SMALL_BYTES_MAX)
}

impl BodyBudget {
    /// Waits for the turn of a body of at most this many bytes; it lasts until the returned value is dropped.
    async fn turn(&self, size_max: Option<u64>) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        let Some(bytes) = part_of(size_max) else { return Ok(None) };
        let turn = timeout(self.patience, Arc::clone(&self.bytes).acquire_many_owned(bytes)).await;
        turn.ok().and_then(Result::ok).map(Some).ok_or(ApiError::TooBusy)
    }
}

/// Lets requests with large bodies pass one after the other.
pub(crate) async fn hold(State(budget): State<Arc<BodyBudget>>, request: Request, next: Next) -> Response {
    match budget.turn(request.body().size_hint().upper()).await {
        Ok(_held) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_body_takes_nothing_and_one_of_unknown_size_takes_the_most() {
        let most = u32::try_from(BODY_BYTES_MAX).unwrap();
        for (size, part) in [
            (Some(0), None),
            (Some(4_096), None),
            (Some(4_097), Some(4_097)),
            (None, Some(most)),
            (Some(u64::MAX), Some(most)),
        ] {
            assert_eq!(part_of(size), part, "{size:?}");
        }
    }

    #[tokio::test]
    async fn large_bodies_wait_for_their_turn_and_small_ones_do_not() {
        let budget = BodyBudget { patience: Duration::from_millis(10), ..BodyBudget::default() };
        let mut held = Vec::new();
        for _ in 0..BYTES_HELD_MAX / BODY_BYTES_MAX {
            held.push(budget.turn(None).await.unwrap());
        }
        assert!(budget.turn(Some(5_000)).await.is_err());
        assert!(budget.turn(Some(100)).await.is_ok());
        held.pop();
        assert!(budget.turn(Some(5_000)).await.is_ok());
    }
}
