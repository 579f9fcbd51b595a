//! promemu's own metrics over HTTP: a path of the scrape output's server, or a server of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::http::server;
use crate::self_metrics::SelfMetrics;
use promemu_core::error::Error;
use promemu_wire::exposition::Format;

/// Their path beside the emulated metrics.
pub(super) const SELF_PATH: &str = "/promemu/metrics";

/// The route, for a server that has others.
pub(super) fn router(own: Arc<SelfMetrics>) -> Router {
    Router::new().route(SELF_PATH, get(page)).with_state(own)
}

async fn page(State(own): State<Arc<SelfMetrics>>) -> impl IntoResponse {
    // Counts series and reads files.
    match tokio::task::spawn_blocking(move || own.page()).await {
        Ok(Ok(page)) => ([(header::CONTENT_TYPE, Format::Text.content_type())], page).into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A server of promemu's own metrics alone, with its address taken.
#[derive(Debug)]
pub(crate) struct SelfPage {
    own: Arc<SelfMetrics>,
    listener: TcpListener,
    address: SocketAddr,
}

impl SelfPage {
    /// Takes the address, `HOST:PORT`; with port 0 the system chooses one.
    pub(crate) async fn bind(host_and_port: &str, own: Arc<SelfMetrics>) -> Result<Self, Error> {
        let refused = |source| Error::System {
            what: format!(
                "cannot listen on {host_and_port}; choose a free address of this machine with \
                 --self-metrics-address"
            ),
            source,
        };
        let listener = TcpListener::bind(host_and_port).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { own, listener, address })
    }

    /// The address where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves [`SELF_PATH`] and the usual `/metrics` until this becomes `true`.
    pub(crate) async fn serve(self, stopped: watch::Receiver<bool>) {
        let usual = Router::new().route("/metrics", get(page)).with_state(Arc::clone(&self.own));
        server::serve(self.listener, None, usual.merge(router(self.own)), stopped).await;
    }
}
