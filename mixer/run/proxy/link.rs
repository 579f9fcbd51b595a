//! One direction of a connection: reads, lets the toxics decide when bytes go on, and writes.
//!
//! Bytes that wait are bounded; beyond that nothing is read, and the sender's own flow control holds it back. A change of the
//! toxics takes effect at once, also where the receiver reads nothing.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::chain::Chain;
use super::stage::{Item, Timed};
use super::toxic::ToxicList;
use super::traffic::Traffic;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// Memory that may wait in one direction of a connection, in bytes.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// Memory of an item beside its bytes.
const ITEM_BYTES: usize = 2 * size_of::<Timed>();

/// The end of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The receiver knows that nothing follows; the other direction goes on.
    Finished,
    /// The connection closes.
    Closed,
    /// The connection is reset.
    Reset,
}

/// A direction, from the socket that is read to the one that is written.
pub(super) struct Link<'a> {
    pub(super) source: ReadHalf<'a>,
    pub(super) sink: WriteHalf<'a>,
    pub(super) toxics: watch::Receiver<ToxicList>,
    pub(super) chain: Chain,
    pub(super) traffic: Traffic,
}

impl Link<'_> {
    /// Passes bytes until the direction ends.
    pub(super) async fn run(mut self) -> Ended {
        let mut waiting = Waiting::default();
        let mut buffer = BytesMut::with_capacity(CHUNK);
        self.chain.follow(&self.toxics.borrow_and_update(), Instant::now());
        loop {
            let now = Instant::now();
            self.chain.expire(now, &mut waiting);
            let is_due = match waiting.due(now) {
                None => false,
                Some(Item::Data(_)) => true,
                Some(Item::End) => {
                    return self.sink.shutdown().await.map_or(Ended::Closed, |()| Ended::Finished);
                }
                Some(Item::Close) => return Ended::Closed,
                Some(Item::Reset) => return Ended::Reset,
            };
            let wake = [waiting.front_at(), self.chain.deadline()].into_iter().flatten().min();
            tokio::select! {
                changed = self.toxics.changed() => {
                    if changed.is_err() || self.follow(&mut waiting) {
                        return Ended::Closed;
                    }
                }
                written = self.sink.write(waiting.front()), if is_due => match written {
                    Ok(count) => {
                        self.traffic.sent(count);
                        waiting.consume(count);
                    }
                    Err(_) => return Ended::Closed,
                },
                () = sleep_until(wake.unwrap_or(now)), if !is_due && wake.is_some() => {}
                read = self.source.read_buf(&mut buffer), if waiting.may_grow() => {
                    // Bytes that follow a change meet the new toxics, also where both are noticed at once.
                    if self.toxics.has_changed().unwrap_or(true) && self.follow(&mut waiting) {
                        return Ended::Closed;
                    }
                    if self.received(read, &mut buffer, &mut waiting).is_err() {
                        return Ended::Closed;
                    }
                }
            }
        }
    }

    /// Takes over a change of the toxics. Returns `true` if the connection closes.
    fn follow(&mut self, waiting: &mut Waiting) -> bool {
        let now = Instant::now();
        let change = self.chain.follow(&self.toxics.borrow_and_update(), now);
        if change.releases {
            self.chain.release(now);
            waiting.release(now);
        }
        change.closes
    }

    fn received(
        &mut self,
        read: io::Result<usize>,
        buffer: &mut BytesMut,
        waiting: &mut Waiting,
    ) -> io::Result<()> {
        let at = Instant::now();
        let count = read?;
        if count == 0 {
            waiting.is_over = true;
            self.chain.take(Timed { at, item: Item::End }, waiting);
            return Ok(());
        }
        self.traffic.received(count);
        if self.chain.is_clear() && waiting.items.is_empty() {
            // Nothing delays these bytes, so they take no way round.
            let sent = match self.sink.try_write(buffer) {
                Ok(sent) => sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            self.traffic.sent(sent);
            buffer.advance(sent);
        }
        if buffer.is_empty() {
            buffer.clear();
        } else {
            self.chain.take(Timed { at, item: Item::Data(taken(buffer)) }, waiting);
        }
        buffer.reserve(CHUNK);
        Ok(())
    }
}

/// The bytes of a buffer, which has room for others then. A few do not hold the memory of the whole buffer.
fn taken(buffer: &mut BytesMut) -> Bytes {
    if buffer.len() >= CHUNK / 2 {
        return buffer.split().freeze();
    }
    let few = Bytes::copy_from_slice(buffer);
    buffer.clear();
    few
}

/// Items that wait for their time, in order.
#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Timed>,
    /// Their memory.
    bytes: usize,
    /// `true` if nothing follows.
    is_over: bool,
}

impl Waiting {
    fn front_at(&self) -> Option<Instant> {
        self.items.front().map(|timed| timed.at)
    }

    /// The first item, if its time has come.
    fn due(&self, now: Instant) -> Option<&Item> {
        self.items.front().filter(|timed| timed.at <= now).map(|timed| &timed.item)
    }

    /// The bytes that are first; none if no bytes are.
    fn front(&self) -> &[u8] {
        match self.items.front().map(|timed| &timed.item) {
            Some(Item::Data(bytes)) => bytes,
            _ => &[],
        }
    }

    fn consume(&mut self, count: usize) {
        self.bytes -= count;
        if let Some(Timed { item: Item::Data(bytes), .. }) = self.items.front_mut() {
            bytes.advance(count);
            if bytes.is_empty() {
                self.items.pop_front();
                self.bytes -= ITEM_BYTES;
            }
        }
    }

    const fn may_grow(&self) -> bool {
        !self.is_over && self.bytes < WAITING_BYTES_MAX
    }

    fn release(&mut self, now: Instant) {
        for timed in &mut self.items {
            timed.at = timed.at.min(now);
        }
    }
}

impl Extend<Timed> for Waiting {
    fn extend<T: IntoIterator<Item = Timed>>(&mut self, items: T) {
        for timed in items {
            if self.items.back().is_some_and(|last| last.item.is_last()) {
                break;
            }
            self.bytes += timed.len() + ITEM_BYTES;
            self.items.push_back(timed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_count_with_the_memory_that_they_take() {
        let mut waiting = Waiting::default();
        let mut buffer = BytesMut::with_capacity(CHUNK);
        let (now, mut pieces) = (Instant::now(), 0);
        while waiting.may_grow() {
            buffer.extend_from_slice(b"x");
            waiting.extend([Timed { at: now, item: Item::Data(taken(&mut buffer)) }]);
            assert!(buffer.is_empty() && buffer.capacity() >= CHUNK, "the buffer is used again");
            pieces += 1;
        }
        assert!(pieces < WAITING_BYTES_MAX / 64, "{pieces} pieces of a byte");
        for _ in 0..pieces {
            assert_eq!(waiting.front(), b"x");
            waiting.consume(1);
        }
        assert!(waiting.items.is_empty() && waiting.bytes == 0);
        buffer.extend_from_slice(&vec![b'x'; CHUNK]);
        assert_eq!(taken(&mut buffer).len(), CHUNK);
    }
}
