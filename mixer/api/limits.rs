//! Limits of the API's requests: their rate, and the time to a response.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, sleep, timeout};

use crate::error::ApiError;

/// Time limit of a response's begin.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);
/// The time from one request to the next, on average: 5 000 a second.
const REQUEST_PACE: Duration = Duration::from_micros(200);
/// Requests of this time may come at once.
const BURST: Duration = Duration::from_millis(200);
/// Longest wait of a request that comes too fast; beyond it, it is refused.
const PACE_PATIENCE: Duration = Duration::from_secs(1);

/// The time when the next request may be handled.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// The wait of a request that comes now; `None` if it is too long.
    fn wait(&self, now: Instant) -> Option<Duration> {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let turn = next.map_or(earliest, |next| next.max(earliest));
        let wait = turn.saturating_duration_since(now);
        if wait > PACE_PATIENCE {
            return None;
        }
        *next = Some(turn + REQUEST_PACE);
        Some(wait)
    }
}

/// The paths of health checks, which cost nothing and have no limits.
const HEALTH_PATHS: [&str; 2] = ["/health", "/ready"];

/// Lets requests pass at a rate that leaves the hosts their time.
pub(crate) async fn pace(State(pace): State<Arc<Pace>>, request: Request, next: Next) -> Response {
    if HEALTH_PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match pace.wait(Instant::now()) {
        None => return ApiError::TooFast.into_response(),
        Some(Duration::ZERO) => {}
        Some(wait) => sleep(wait).await,
    }
    let answered = timeout(RESPONSE_TIMEOUT, next.run(request)).await;
    answered.unwrap_or_else(|_| ApiError::TooSlow.into_response())
}

/// The header of each response, by which clients know whom they talk to.
pub const VERSION_HEADER: &str = "promemu-version";

/// Adds headers to each response: promemu's version; its content type is not to be guessed, and the state of runs is not
/// to be cached.
pub(crate) async fn mark(request: Request, next: Next) -> Response {
    let is_fresh = request.uri().path().starts_with("/api/") || request.uri().path() == "/metrics";
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(VERSION_HEADER, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_fresh {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_passes_then_requests_wait_for_their_turn_then_they_are_refused() {
        let (pace, now) = (Pace::default(), Instant::now());
        let waits: Vec<Option<Duration>> = (0..8_000).map(|_| pace.wait(now)).collect();
        let at_once = waits.iter().filter(|wait| **wait == Some(Duration::ZERO)).count();
        assert_eq!(at_once, 1_001);
        assert!(waits.is_sorted_by_key(|wait| wait.unwrap_or(Duration::MAX)));
        assert_eq!(waits.iter().filter(|wait| wait.is_some()).count(), 6_001);
        assert_eq!(pace.wait(now + Duration::from_secs(2)), Some(Duration::ZERO));
    }
}
