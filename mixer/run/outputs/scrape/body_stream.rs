//! A body that is made piece by piece and taken as fast as its client takes it. Nobody holds all of it.

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

/// A piece has about so many bytes.
pub(super) const PIECE_BYTES: usize = 128 << 10;
/// So many pieces wait for a client, beside the one that is made.
const PIECES_WAITING: usize = 2;
/// A client that takes nothing for so long has gone.
const STALL: Duration = Duration::from_secs(30);
/// The quickest levels: a scrape is read once.
const GZIP_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// The client has gone, and nobody wants the rest.
#[derive(Debug)]
pub(super) struct Gone;

/// Where the pieces go in.
pub(super) struct BodyStream {
    pieces: mpsc::Sender<Option<Bytes>>,
    runtime: Handle,
    /// None if the client gets the pieces as they are.
    packer: Option<Packer>,
}

enum Packer {
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Zstd(Box<ZstdEncoder<'static, Vec<u8>>>),
}

impl Packer {
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
            Self::Gzip(packer) => packer.write_all(bytes),
            Self::Zstd(packer) => packer.write_all(bytes),
        }
    }

    /// What is packed and not taken yet.
    fn out(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(packer) => packer.get_mut(),
            Self::Zstd(packer) => packer.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(packer) => packer.finish(),
            Self::Zstd(packer) => packer.finish(),
        }
    }
}

impl BodyStream {
    /// Brings a piece out, and leaves room for the next one in its place. Waits while the client is slow;
    /// whoever calls it holds no lock.
    pub(super) fn put(&mut self, piece: &mut Vec<u8>) -> Result<(), Gone> {
        if piece.is_empty() {
            return Ok(());
        }
        let Some(packer) = &mut self.packer else {
            let room = Vec::with_capacity(piece.capacity());
            return self.send(Some(std::mem::replace(piece, room).into()));
        };
        packer.put(piece).map_err(|_| Gone)?;
        piece.clear();
        let out = packer.out();
        if out.len() < PIECE_BYTES / 2 {
            return Ok(());
        }
        let piece = std::mem::take(out);
        self.send(Some(piece.into()))
    }

    fn send(&self, piece: Option<Bytes>) -> Result<(), Gone> {
        let sent = tokio::time::timeout(STALL, self.pieces.send(piece));
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    fn finish(mut self) -> Result<(), Gone> {
        if let Some(packer) = self.packer.take() {
            let rest = packer.finish().map_err(|_| Gone)?;
            self.send(Some(rest.into()))?;
        }
        self.send(None)
    }
}

/// Where the pieces come out. A body without its end is an error, so that nobody takes half of it for all.
struct ChunkedEncoder(mpsc::Receiver<Option<Bytes>>);

impl Stream for ChunkedEncoder {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        self.0.poll_recv(context).map(|received| match received {
            Some(Some(piece)) => Some(Ok(piece)),
            Some(None) => None,
            None => Some(Err(io::Error::other("the body was not finished"))),
        })
    }
}

/// A place among those who get a body now, and where it is counted if they do not get all of it.
pub(super) struct Slot {
    pub(super) permit: OwnedSemaphorePermit,
    pub(super) tally: ScrapeTally,
}

/// An answer whose body is made by `work`, in a thread that may block. The slot is let go when the body is
/// out or nobody wants it any more.
pub(super) fn answer(
    content_type: &'static str,
    encoding: Encoding,
    slot: Slot,
    work: impl FnOnce(&mut BodyStream) -> Result<(), Gone> + Send + 'static,
) -> Response {
    let (pieces, received) = mpsc::channel(PIECES_WAITING);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let Ok(packer) = Packer::new(encoding) else { return };
        let mut outlet = BodyStream { pieces, runtime, packer };
        if work(&mut outlet).and_then(|()| outlet.finish()).is_err() {
            slot.tally.cut_off.inc();
        }
        drop(slot.permit);
    });
    headed(content_type, encoding, Body::from_stream(ChunkedEncoder(received)))
}

/// An answer with the headers that tell what it is.
pub(super) fn headed(content_type: &'static str, encoding: Encoding, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if let Some(name) = encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}
