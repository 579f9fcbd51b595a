//! A step on the way of one direction of a connection: what a toxic does to bytes and to their times.

use bytes::Bytes;
use tokio::time::Instant;

/// Bytes or an end that pass through a connection in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Bytes, at least one.
    Data(Bytes),
    /// The sender has no more bytes; the other direction goes on.
    End,
    /// The connection is closed in both directions.
    Close,
    /// The connection is reset in both directions.
    Reset,
}

/// An item, and the time at which it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timed {
    pub(super) at: Instant,
    pub(super) item: Item,
}

impl Timed {
    /// Number of its bytes.
    pub(super) fn len(&self) -> usize {
        if let Item::Data(bytes) = &self.item { bytes.len() } else { 0 }
    }
}

/// The work of a toxic in one direction of one connection. It neither waits nor reads a clock.
pub(super) trait Stage: Send + std::fmt::Debug {
    /// Takes an item, and puts what comes of it into `out`, in the order of time.
    fn take(&mut self, timed: Timed, out: &mut Vec<Timed>);

    /// The time at which something comes of it without an item.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Puts that into `out`, at its time.
    fn expire(&mut self, _out: &mut Vec<Timed>) {}

    /// `true` if the connection closes when the toxic is removed, as its bytes are lost.
    fn closes_when_removed(&self) -> bool {
        false
    }

    /// Number of bytes that it has let through, which an update of the toxic does not forget.
    fn bytes_passed(&self) -> u64 {
        0
    }
}
