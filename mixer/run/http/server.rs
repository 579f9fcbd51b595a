//! The HTTP server of the scrape output, promemu's own metrics and the control API: bounded in connections and in
//! patience with slow clients.
//!
//! It knows no routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Open connections; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;
/// Time limit of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit of a request's head, and of an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit of requests under way when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);
/// Pause after an accept that failed, as for too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stopped` becomes `true`, over TLS if there is a configuration for it. Requests under way then have
/// half a second to finish.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let tls = tls.map(TlsAcceptor::from);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = is_stopped(&mut stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (tls, router, stopped) = (tls.clone(), router.clone(), stopped.clone());
        connections.spawn(async move {
            match tls {
                None => serve_connection(stream, router, stopped).await,
                Some(tls) => {
                    // A handshake that fails is its client's business.
                    if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                        serve_connection(stream, router, stopped).await;
                    }
                }
            }
            drop(permit);
        });
    }
    let ended = timeout(STOP_TIMEOUT, async { while connections.join_next().await.is_some() {} });
    let _are_cut_off = ended.await.is_err();
}

async fn is_stopped(stopped: &mut watch::Receiver<bool>) {
    let _is_known = stopped.wait_for(|is_stopped| *is_stopped).await.is_ok();
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    if let Ok((stream, _)) = listener.accept().await {
        // Without it, small responses would wait for more.
        let _is_prompt = stream.set_nodelay(true).is_ok();
        return Some((stream, permit));
    }
    sleep(ACCEPT_PAUSE).await;
    None
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut serving = std::pin::pin!(serving);
    // An error on a connection is its client's business.
    tokio::select! {
        served = serving.as_mut() => drop(served),
        () = is_stopped(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            drop(serving.await);
        }
    }
}
