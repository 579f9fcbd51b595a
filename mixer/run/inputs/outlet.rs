//! The way from an input to the thread that writes its slices.

use std::sync::Arc;

use promemu_wire::recording::Clock;
use promemu_wire::samples::{FamilyMetadata, ReadSeries, SampleValue};
use tokio::sync::{mpsc, oneshot};

use super::selections::Selection;
use super::tally::SourceTally;

/// Pieces that wait for the thread.
pub(super) const PIECES_MAX: usize = 16;

/// Samples with their times, in milliseconds since the Unix epoch, and metadata of families.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Series, time and value.
    pub samples: Vec<(ReadSeries, i64, SampleValue)>,
    /// Families with their metadata.
    pub families: Vec<(String, FamilyMetadata)>,
}

/// A message to the thread.
#[derive(Debug)]
pub(super) enum Piece {
    /// Samples of a live input.
    Live(Batch),
    /// The clock goes on.
    Tick,
    /// A slice of a past input begins, at this millisecond.
    Begin(i64),
    /// Neighbouring samples of a series in that slice.
    Series(ReadSeries, Vec<(i64, SampleValue)>),
    /// The slice is whole; the answer says that it is committed.
    End(i64, oneshot::Sender<()>),
    /// The slice is to be forgotten.
    Abort,
    /// Metadata of families.
    Families(Vec<(String, FamilyMetadata)>),
    /// The clock of the source.
    Clock(Clock),
}

/// The place where an input puts what it finds.
#[derive(Clone, Debug)]
pub struct Outlet {
    pub(super) pieces: mpsc::Sender<Piece>,
    /// Ranges that are recorded already, in milliseconds since the Unix epoch.
    pub(super) recorded: Arc<[(i64, i64)]>,
    pub(super) selection: Arc<Selection>,
    pub(super) tally: SourceTally,
}

/// The thread has ended, after an error that it tells.
pub(super) const GONE: &str = "the recording cannot be written";

impl Outlet {
    pub(super) async fn put(&self, piece: Piece) -> Result<(), String> {
        self.pieces.send(piece).await.map_err(|_| GONE.to_owned())
    }

    /// The same for a thread that may block.
    pub(super) fn put_blocking(&self, piece: Piece) -> Result<(), String> {
        self.pieces.blocking_send(piece).map_err(|_| GONE.to_owned())
    }

    /// Passes on samples of a live input. Those that are not selected are left out.
    ///
    /// # Errors
    ///
    /// The recording cannot be written.
    pub async fn put_live(&self, mut batch: Batch) -> Result<(), String> {
        batch.samples.retain(|(series, ..)| self.selection.takes(series));
        self.put(Piece::Live(batch)).await
    }

    /// Ends a slice of a past input, and waits until it is committed.
    pub(super) async fn end_slice(&self, end_ms: i64) -> Result<(), String> {
        let (send, committed) = oneshot::channel();
        self.put(Piece::End(end_ms, send)).await?;
        committed.await.map_err(|_| GONE.to_owned())
    }

    /// The same for a thread that may block.
    pub(super) fn end_slice_blocking(&self, end_ms: i64) -> Result<(), String> {
        let (send, committed) = oneshot::channel();
        self.put_blocking(Piece::End(end_ms, send))?;
        committed.blocking_recv().map_err(|_| GONE.to_owned())
    }
}
