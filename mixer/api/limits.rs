//! Connections: how many there are, how slow they may be, and how fast they may ask.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::error::ApiError;

/// More connections wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;
/// A client that takes longer for a request's head, or is idle for so long, is cut off.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// An answer begins after so long, or there is none.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);
/// So long connections may take to end with the program.
const END_PATIENCE: Duration = Duration::from_millis(500);
/// After an accept that failed, as for too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The time from one request to the next, on average: 5 000 a second.
const REQUEST_PACE: Duration = Duration::from_micros(200);
/// So much may come at once.
const BURST: Duration = Duration::from_millis(200);
/// Who comes too fast waits for so long, and is refused beyond.
const PACE_PATIENCE: Duration = Duration::from_secs(1);

/// When the next request may be worked on.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// How long a request that comes now has to wait; none if that is too long.
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

/// Lets requests pass at a pace that leaves the hosts their time.
pub(super) async fn pace(State(pace): State<Arc<Pace>>, request: Request, next: Next) -> Response {
    match pace.wait(Instant::now()) {
        None => return ApiError::too_many("too many requests; come again later").into_response(),
        Some(Duration::ZERO) => {}
        Some(wait) => sleep(wait).await,
    }
    let answered = timeout(ANSWER_PATIENCE, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let told = "the request, or its answer, has taken too long";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "too_slow", told).into_response()
    })
}

/// Says of each answer that it is what it says it is, and that what runs show is not to be kept.
pub(super) async fn mark(request: Request, next: Next) -> Response {
    let is_fresh = request.uri().path().starts_with("/api/") || request.uri().path() == "/metrics";
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_fresh {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Serves until it is stopped; then connections end what they are at, if that is quick.
pub(super) async fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = is_stopped(&mut stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (router, stopped) = (router.clone(), stopped.clone());
        connections.spawn(async move {
            connection(stream, router, stopped).await;
            drop(permit);
        });
    }
    let ended = timeout(END_PATIENCE, async { while connections.join_next().await.is_some() {} });
    let _are_cut_off = ended.await.is_err();
}

async fn is_stopped(stopped: &mut watch::Receiver<bool>) {
    let _was_told = stopped.wait_for(|is_stopped| *is_stopped).await.is_ok();
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(places).acquire_owned().await.ok()?;
    if let Ok((stream, _)) = listener.accept().await {
        return Some((stream, permit));
    }
    sleep(ACCEPT_PAUSE).await;
    None
}

async fn connection(stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    // Small answers are not to wait for more.
    let _is_prompt = stream.set_nodelay(true).is_ok();
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    // What goes wrong on a connection is its client's business.
    tokio::select! {
        served = serving.as_mut() => drop(served),
        () = is_stopped(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            drop(serving.await);
        }
    }
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
