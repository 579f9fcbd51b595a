//! Servers that samples are sent to.
//!
//! A request is answered when its samples are in the slice that is being filled, which is written within its time: a process
//! that is killed loses them. One that is refused was not taken in part.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use promemu_wire::recording::{Clock, SourceEntry};
use promemu_wire::samples::{FamilyMetadata, ReadSample, ReadSeries, SampleSink};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use super::outlet::{Batch, Outlet};
use crate::http::server;

/// Bytes of a request, at most; as many when it is no longer compressed.
pub(super) const BODY_BYTES_MAX: usize = 64 << 20;
/// Time for which a request waits for the disk.
const PATIENCE: Duration = Duration::from_secs(20);

/// The state of a server.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    pub(super) outlet: Outlet,
}

/// The answer to a request that is not taken.
pub(super) type Refusal = (StatusCode, String);

impl Receiver {
    /// Takes samples.
    pub(super) async fn take(&self, batch: Batch) -> Result<(), Refusal> {
        let taken = tokio::time::timeout(PATIENCE, self.outlet.put_live(batch)).await;
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n"))),
            Err(_) => Err((StatusCode::SERVICE_UNAVAILABLE, "the disk is too slow; try again\n".to_owned())),
        }
    }

    /// The answer to a request that is broken.
    pub(super) fn refuse(&self, status: StatusCode, why: &str) -> Refusal {
        self.outlet.tally.errors.inc();
        (status, format!("{why}\n"))
    }
}

/// The source of an address: those who send give the timestamps.
pub(super) fn entry(kind: &str, (host, port): &(String, u16)) -> SourceEntry {
    let clock = Clock { is_recorder: false, ahead_secs: None };
    SourceEntry { clock, ..SourceEntry::new(kind, format_args!("{host}:{port}")) }
}

/// The content type of a request, which is protobuf.
pub(super) fn protobuf_type<'a>(receiver: &Receiver, headers: &'a HeaderMap) -> Result<&'a str, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.filter(|kind| kind.starts_with("application/x-protobuf")).ok_or_else(|| {
        let why = "the Content-Type must be application/x-protobuf; other forms are not taken";
        receiver.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, why)
    })
}

/// Samples of a request.
#[derive(Default)]
pub(super) struct Received(pub(super) Batch);

impl SampleSink for Received {
    fn sample(&mut self, series: &ReadSeries, sample: ReadSample) {
        self.0.samples.push((series.clone(), sample.at.unwrap_or(0), sample.value));
    }

    fn metadata(&mut self, family: &str, metadata: FamilyMetadata) {
        self.0.families.push((family.to_owned(), metadata));
    }
}

/// Serves until `stopped` becomes `true`. Requests under way are answered first.
pub(super) async fn serve(
    (host, port): &(String, u16),
    flag: &str,
    router: Router<Arc<Receiver>>,
    outlet: Outlet,
    stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    let refused = |error: std::io::Error| {
        format!("cannot listen on {host}:{port}: {error}; choose a free address of this machine with {flag}")
    };
    let listener = TcpListener::bind((host.as_str(), *port)).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    info!(%address, "waiting for samples ({flag})");
    let router =
        router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)).with_state(Arc::new(Receiver { outlet }));
    server::serve(listener, None, router, stopped).await;
    Ok(())
}
