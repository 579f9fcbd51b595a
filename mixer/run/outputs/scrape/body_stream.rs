//! A response body that is made in chunks, as fast as its client takes them. Nothing holds all of it.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use zstd::stream::write::Encoder as ZstdEncoder;

use super::negotiation::Encoding;
use crate::self_metrics::ScrapeTally;

/// Bytes of a chunk, approximately.
pub(super) const CHUNK_BYTES: usize = 128 << 10;
/// Chunks that wait for a client, beside the one that is made.
const CHUNKS_WAITING: usize = 2;
/// A client that takes nothing for this time is gone.
const STALL: Duration = Duration::from_secs(30);
/// The quickest levels: a scrape is read once.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// The client is gone; the rest need not be made.
#[derive(Debug)]
pub(super) struct Gone;

/// The end of the body where chunks go in.
pub(super) struct BodyStream {
    chunks: mpsc::Sender<Option<Bytes>>,
    runtime: Handle,
    /// `None` without compression.
    compressor: Option<Compressor>,
}

enum Compressor {
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Zstd(Box<ZstdEncoder<'static, Vec<u8>>>),
}

impl Compressor {
    fn new(encoding: Encoding) -> io::Result<Option<Self>> {
        Ok(match encoding {
            Encoding::Identity => None,
            Encoding::Gzip => {
                Some(Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)))))
            }
            Encoding::Zstd => Some(Self::Zstd(Box::new(ZstdEncoder::new(Vec::new(), ZSTD_LEVEL)?))),
        })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(compressor) => compressor.write_all(bytes),
            Self::Zstd(compressor) => compressor.write_all(bytes),
        }
    }

    /// Compressed bytes that are not sent yet.
    fn output(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(compressor) => compressor.get_mut(),
            Self::Zstd(compressor) => compressor.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(compressor) => compressor.finish(),
            Self::Zstd(compressor) => compressor.finish(),
        }
    }
}

impl BodyStream {
    /// Sends a chunk, and leaves an empty buffer in its place. Blocks while the client is slow: the caller must hold no
    /// lock.
    pub(super) fn put(&mut self, chunk: &mut Vec<u8>) -> Result<(), Gone> {
        if chunk.is_empty() {
            return Ok(());
        }
        let Some(compressor) = &mut self.compressor else {
            let empty = Vec::with_capacity(chunk.capacity());
            return self.send(Some(std::mem::replace(chunk, empty).into()));
        };
        compressor.put(chunk).map_err(|_| Gone)?;
        chunk.clear();
        let out = compressor.output();
        if out.len() < CHUNK_BYTES / 2 {
            return Ok(());
        }
        let chunk = std::mem::take(out);
        self.send(Some(chunk.into()))
    }

    fn send(&self, chunk: Option<Bytes>) -> Result<(), Gone> {
        let sent = tokio::time::timeout(STALL, self.chunks.send(chunk));
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    fn finish(mut self) -> Result<(), Gone> {
        if let Some(compressor) = self.compressor.take() {
            let rest = compressor.finish().map_err(|_| Gone)?;
            self.send(Some(rest.into()))?;
        }
        self.send(None)
    }
}

/// The end of the body where chunks come out. A body without its end is an error, so that no client takes half of it
/// for all.
struct BodyChunks(mpsc::Receiver<Option<Bytes>>);

impl Stream for BodyChunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_recv(context).map(|received| match received {
            Some(Some(chunk)) => Some(Ok(chunk)),
            Some(None) => None,
            None => Some(Err(io::Error::other("the body was not finished"))),
        })
    }
}

/// A permit to make a body, and the counter for a body that is cut off.
pub(super) struct ScrapePermit {
    pub(super) permit: OwnedSemaphorePermit,
    pub(super) tally: ScrapeTally,
}

/// A response whose body is made by `work`, in a thread that may block. The permit is released when the body is out or
/// its client is gone.
pub(super) fn respond(
    content_type: &'static str,
    encoding: Encoding,
    permit: ScrapePermit,
    work: impl FnOnce(&mut BodyStream) -> Result<(), Gone> + Send + 'static,
) -> Response {
    let (chunks, received) = mpsc::channel(CHUNKS_WAITING);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let Ok(compressor) = Compressor::new(encoding) else { return };
        let mut body = BodyStream { chunks, runtime, compressor };
        if work(&mut body).and_then(|()| body.finish()).is_err() {
            permit.tally.cut_off.inc();
        }
        drop(permit.permit);
    });
    with_headers(content_type, encoding, Body::from_stream(BodyChunks(received)))
}

/// The headers of [`respond`] alone, for HEAD: without a length, as the body would have none either.
pub(super) fn respond_to_head(content_type: &'static str, encoding: Encoding) -> Response {
    let (_ended, received) = mpsc::channel(1);
    with_headers(content_type, encoding, Body::from_stream(BodyChunks(received)))
}

/// A response with the headers that describe its body.
fn with_headers(content_type: &'static str, encoding: Encoding, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if let Some(name) = encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}
