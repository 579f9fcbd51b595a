//! A server that takes OTLP metrics over HTTP, in protobuf.

use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::GzDecoder;
use promemu_wire::otlp::read_request;
use promemu_wire::recording::SourceEntry;
use tokio::sync::watch;
use tracing::warn;

use super::outlet::Outlet;
use super::receiver::{BODY_BYTES_MAX, Received, Receiver, Refusal, entry, protobuf_type, serve};
use super::{Input, Work};

/// An address that takes OTLP at `/v1/metrics`.
#[derive(Debug)]
pub struct ReceiveOtlp {
    /// Host and port.
    pub address: (String, u16),
}

impl Input for ReceiveOtlp {
    fn entry(&self) -> SourceEntry {
        entry("otlp", &self.address)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        Box::pin(async move {
            let router =
                Router::new().route("/v1/metrics", post(write)).route("/api/v1/otlp/v1/metrics", post(write));
            serve(&self.address, "--listen-otlp", router, outlet, stopped).await
        })
    }
}

async fn write(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    protobuf_type(&receiver, &headers)?;
    let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = match encoding {
        "" | "identity" => body.to_vec(),
        "gzip" => unzipped(&body).map_err(|why| receiver.refuse(StatusCode::BAD_REQUEST, &why))?,
        _ => {
            let why = "the Content-Encoding must be gzip, or none";
            return Err(receiver.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
    };
    let mut found = Received::default();
    let left_out =
        read_request(&body, &mut found).map_err(|why| receiver.refuse(StatusCode::BAD_REQUEST, &why))?;
    receiver.take(found.0).await?;
    if left_out > 0 {
        receiver.outlet.tally.errors.inc_by(left_out);
        warn!(
            points = left_out,
            "points of differences, or of an unknown resolution, are left out; send cumulative ones"
        );
    }
    // An empty message: all was taken.
    Ok((StatusCode::OK, [(CONTENT_TYPE, "application/x-protobuf")], Vec::new()).into_response())
}

fn unzipped(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let limit = BODY_BYTES_MAX as u64 + 1;
    let read = GzDecoder::new(body).take(limit).read_to_end(&mut plain);
    read.map_err(|error| format!("body is not gzipped as it says: {error}"))?;
    if plain.len() > BODY_BYTES_MAX {
        return Err(format!("body has more than {BODY_BYTES_MAX} bytes; send less at once"));
    }
    Ok(plain)
}
