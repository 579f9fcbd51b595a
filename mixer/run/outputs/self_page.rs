//! promemu's own metrics over HTTP: a path of the scrape sink's server, or a listener of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::self_metrics::SelfMetrics;
use promemu_core::error::Error;
use promemu_wire::exposition::Format;

/// Where they are, beside the emulated ones.
pub const SELF_PATH: &str = "/promemu/metrics";

/// The path, for a server that has others.
pub(super) fn router(own: Arc<SelfMetrics>) -> Router {
    Router::new().route(SELF_PATH, get(page)).with_state(own)
}

async fn page(State(own): State<Arc<SelfMetrics>>) -> impl IntoResponse {
    // Series are counted, and files are read.
    match tokio::task::spawn_blocking(move || own.page()).await {
        Ok(Ok(page)) => ([(header::CONTENT_TYPE, Format::Text.content_type())], page).into_response(),
        Ok(Err(problem)) => (StatusCode::INTERNAL_SERVER_ERROR, problem.to_string()).into_response(),
        Err(problem) => (StatusCode::INTERNAL_SERVER_ERROR, problem.to_string()).into_response(),
    }
}

/// A server for nothing but promemu's own metrics, with its address taken.
#[derive(Debug)]
pub struct SelfPage {
    own: Arc<SelfMetrics>,
    listener: TcpListener,
    address: SocketAddr,
}

impl SelfPage {
    /// Takes an address, `HOST:PORT`; with port 0 the system chooses one.
    pub async fn bind(host_and_port: &str, own: Arc<SelfMetrics>) -> Result<Self, Error> {
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

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server, which runs until it is dropped: at [`SELF_PATH`] and at the usual `/metrics`.
    pub async fn serve(self) {
        let usual = Router::new().route("/metrics", get(page)).with_state(Arc::clone(&self.own));
        let served = axum::serve(self.listener, usual.merge(router(self.own))).await;
        if let Err(problem) = served {
            tracing::error!("promemu's own metrics are not served any more, the run goes on: {problem}");
        }
    }
}
