//! A server that takes remote write, 1.0 and 2.0, as a Prometheus with `--web.enable-remote-write-receiver` does.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use promemu_wire::recording::SourceEntry;
use promemu_wire::remote_write::{ReadCounts, read_request};
use tokio::sync::watch;

use super::outlet::Outlet;
use super::receiver::{BODY_BYTES_MAX, Received, Receiver, Refusal, entry, protobuf_type, serve};
use super::{Input, Work};

/// An address that takes remote write at `/api/v1/write`.
#[derive(Debug)]
pub struct ReceiveRemoteWrite {
    /// Host and port.
    pub address: (String, u16),
}

impl Input for ReceiveRemoteWrite {
    fn entry(&self) -> SourceEntry {
        entry("remote_write", &self.address)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        Box::pin(async move {
            let router = Router::new().route("/api/v1/write", post(write));
            serve(&self.address, "--listen-remote-write", router, outlet, stopped).await
        })
    }
}

async fn write(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = protobuf_type(&receiver, &headers)?;
    let is_second = kind.contains("io.prometheus.write.v2.Request");
    let mut found = Received::default();
    let counts = read_request(&body, is_second, BODY_BYTES_MAX, &mut found)
        .map_err(|why| receiver.refuse(StatusCode::BAD_REQUEST, &why))?;
    receiver.take(found.0).await?;
    Ok(answer(is_second, counts))
}

/// Senders of 2.0 want to hear how much was written.
fn answer(is_second: bool, counts: ReadCounts) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if is_second {
        let counts = [("samples", counts.floats), ("histograms", counts.histograms), ("exemplars", 0)];
        for (name, count) in counts {
            let name = format!("x-prometheus-remote-write-{name}-written");
            if let (Ok(name), Ok(count)) = (name.parse::<axum::http::HeaderName>(), count.to_string().parse())
            {
                response.headers_mut().insert(name, count);
            }
        }
    }
    response
}
