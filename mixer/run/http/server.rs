//! The HTTP server of the scrape output, promemu's own metrics and the control API: bounded in connections and in
//! patience with slow clients.
//!
//! It knows no routes.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{error, warn};

use super::connection::{Connection, ResponseBody};
use super::connections::Connections;
use crate::threads;

/// Time limit of a TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit of a request's head, and of an idle connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The same of a connection that is kept for health checks.
const RESERVED_HEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// The paths that a connection kept for health checks answers, on any server.
const HEALTH_PATHS: [&str; 4] = ["/health", "/ready", "/-/healthy", "/-/ready"];
/// Bytes of a request's head: a path of 64 KiB, the longest there is, and headers. Each connection may hold as many.
const HEAD_BYTES_MAX: usize = 96 << 10;
/// Time limit of requests under way when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);
/// Time between two warnings of connections that cannot be accepted.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);
/// Pause after an accept that failed, as for too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Number of ports that are tried where a port may differ from the one that was asked for.
const PORTS_TRIED: u16 = 20;

/// Takes an address; if its port `may_move`, that of one of the next ports if it is taken.
pub async fn bind(host: &str, port: u16, may_move: bool) -> io::Result<TcpListener> {
    let tried = if may_move && port > 0 { PORTS_TRIED } else { 1 };
    let mut last = ErrorKind::AddrInUse.into();
    for port in port..=port.saturating_add(tried - 1) {
        match TcpListener::bind((host, port)).await {
            Ok(listener) => return Ok(listener),
            Err(problem) => last = problem,
        }
    }
    Err(last)
}

/// Serves until `stopped` becomes `true`, over TLS if there is a configuration for it. Requests under way then have
/// half a second to finish. The work is done by the servers' own workers, which nothing else can fill.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    stopped: watch::Receiver<bool>,
) {
    // Ends with this future.
    let mut server = JoinSet::new();
    let serving = async move {
        // The socket is watched by the runtime that made it.
        match listener.into_std().and_then(TcpListener::from_std) {
            Ok(listener) => accept_all(&listener, tls, router, stopped).await,
            Err(error) => error!(%error, "server cannot accept connections"),
        }
    };
    server.spawn_on(serving, &threads::of_servers());
    if let Some(Err(error)) = server.join_next().await {
        error!(%error, "server ended by a bug");
    }
}

async fn accept_all(
    listener: &TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let all = Connections::within_limits();
    let tls = tls.map(TlsAcceptor::from);
    let mut connections = JoinSet::new();
    let mut last_warning = None;
    loop {
        let accepted = tokio::select! {
            () = is_stopped(&mut stopped) => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept(listener, &all, &mut last_warning) => accepted,
        };
        let Some(stream) = accepted else { continue };
        let place = all.place();
        let (tls, router, stopped) = (tls.clone(), router.clone(), stopped.clone());
        connections.spawn(async move {
            let connection = Arc::clone(&place.connection);
            let serving = async {
                match tls {
                    None => serve_connection(stream, router, &connection, stopped).await,
                    Some(tls) => {
                        // A handshake that fails is its client's business.
                        if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                            serve_connection(stream, router, &connection, stopped).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = serving => {}
                () = connection.goes() => {}
            }
            drop(place);
        });
    }
    let ended = timeout(STOP_TIMEOUT, async { while connections.join_next().await.is_some() {} });
    let _are_cut_off = ended.await.is_err();
}

async fn is_stopped(stopped: &mut watch::Receiver<bool>) {
    let _is_known = stopped.wait_for(|is_stopped| *is_stopped).await.is_ok();
}

/// The next connection. One that cannot be accepted costs the longest idle one, and a warning once a minute.
async fn accept(
    listener: &TcpListener,
    all: &Arc<Connections>,
    last_warning: &mut Option<Instant>,
) -> Option<TcpStream> {
    let error = match listener.accept().await {
        Ok((stream, _)) => {
            // Without it, small responses would wait for more.
            let _is_prompt = stream.set_nodelay(true).is_ok();
            return Some(stream);
        }
        // The client has gone before its turn.
        Err(error) if error.kind() == ErrorKind::ConnectionAborted => return None,
        Err(error) => error,
    };
    let _is_made = all.make_room();
    if last_warning.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL) {
        *last_warning = Some(Instant::now());
        let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
        warn!(
            %address, %error,
            "a connection cannot be accepted; if too many files are open, raise the limit (ulimit -n)"
        );
    }
    sleep(ACCEPT_PAUSE).await;
    None
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    connection: &Arc<Connection>,
    mut stopped: watch::Receiver<bool>,
) {
    let router = TowerToHyperService::new(router);
    let is_reserved = connection.is_reserved;
    let service = service_fn(|request: Request<Incoming>| {
        let is_refused = is_reserved && !HEALTH_PATHS.contains(&request.uri().path());
        let under_way = connection.begin_request();
        let answer = (!is_refused).then(|| router.call(request.map(|body| connection.receive(body))));
        async move {
            let response = match answer {
                Some(answer) => answer.await?,
                None => too_many_connections(),
            };
            Ok::<_, Infallible>(response.map(|body| ResponseBody { body, request: under_way }))
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES_MAX)
        .header_read_timeout(if is_reserved { RESERVED_HEAD_TIMEOUT } else { HEAD_TIMEOUT })
        .keep_alive(!is_reserved)
        .serve_connection(TokioIo::new(stream), service);
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

/// The response of a server whose connections are all busy.
fn too_many_connections() -> Response {
    let text = "too many connections are busy; try again, or close some\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], text).into_response()
}
