//! What waits to be sent: requests in their order, by shard, within a bound.
//!
//! When it is full, the oldest round that waits is dropped as a whole, as a round that is half there says
//! less than none. Only the round that is being made waits for room.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use promemu_wire::request::Batch;

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) samples: u64,
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// There is more room, or there will be none any more.
    has_room: Condvar,
    /// For each shard: there is something, or there will be nothing any more.
    has_work: Box<[Notify]>,
    bounds: Bounds,
}

#[derive(Debug)]
struct Waiting {
    shards: Box<[VecDeque<Batch>]>,
    /// For each shard, how many samples are on their way.
    under_way: Box<[u64]>,
    samples: u64,
    bytes: usize,
    is_closed: bool,
}

/// What became of a batch, and how many samples were dropped for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) is_taken: bool,
    pub(super) dropped: u64,
}

impl Queue {
    pub(super) fn new(shards: usize, bounds: Bounds) -> Self {
        let waiting = Waiting {
            shards: (0..shards).map(|_| VecDeque::new()).collect(),
            under_way: vec![0; shards].into(),
            samples: 0,
            bytes: 0,
            is_closed: false,
        };
        Self {
            waiting: Mutex::new(waiting),
            has_room: Condvar::new(),
            has_work: (0..shards).map(|_| Notify::new()).collect(),
            bounds,
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a batch. If there is no room even without older rounds, it waits for the senders, so long at the
    /// most; then the batch is not taken.
    pub(super) fn push(&self, shard: usize, batch: Batch, patience: Duration) -> Taken {
        let mut waiting = self.waiting();
        let dropped = waiting.make_room(&batch, self.bounds);
        if !waiting.fits(&batch, self.bounds) {
            let is_to_wait = |waiting: &mut Waiting| !waiting.is_closed && !waiting.fits(&batch, self.bounds);
            let waited = self.has_room.wait_timeout_while(waiting, patience, is_to_wait);
            (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let is_taken = !waiting.is_closed && waiting.fits(&batch, self.bounds);
        if is_taken {
            waiting.samples += batch.samples;
            waiting.bytes += batch.size();
            waiting.shards[shard].push_back(batch);
            self.has_work[shard].notify_one();
        }
        Taken { is_taken, dropped }
    }

    /// The next batch of a shard, when there is one; none when there will be none any more. What it gave
    /// before is done with.
    pub(super) async fn next(&self, shard: usize) -> Option<Batch> {
        loop {
            let is_closed = {
                let mut waiting = self.waiting();
                if let Some(batch) = waiting.next(shard) {
                    self.has_room.notify_one();
                    return Some(batch);
                }
                waiting.is_closed
            };
            if is_closed {
                return None;
            }
            self.has_work[shard].notified().await;
        }
    }

    /// Takes nothing more. What waits can still be had.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.has_room.notify_all();
        self.has_work.iter().for_each(Notify::notify_one);
    }

    /// How many samples wait.
    pub(super) fn samples(&self) -> u64 {
        self.waiting().samples
    }

    /// How many samples wait or are on their way.
    pub(super) fn unsettled_samples(&self) -> u64 {
        let waiting = self.waiting();
        waiting.samples + waiting.under_way.iter().sum::<u64>()
    }
}

impl Waiting {
    fn fits(&self, batch: &Batch, bounds: Bounds) -> bool {
        let is_empty = self.shards.iter().all(VecDeque::is_empty);
        let is_within =
            self.samples + batch.samples <= bounds.samples && self.bytes + batch.size() <= bounds.bytes;
        is_empty || is_within
    }

    /// Drops older rounds, the oldest first; gives how many samples they had.
    fn make_room(&mut self, batch: &Batch, bounds: Bounds) -> u64 {
        let mut dropped = 0;
        while !self.fits(batch, bounds) {
            let fronts = self.shards.iter().filter_map(VecDeque::front);
            let Some(oldest) = fronts.map(|front| front.round).min().filter(|round| *round < batch.round)
            else {
                break;
            };
            for shard in &mut self.shards {
                while let Some(old) = shard.pop_front_if(|front| front.round == oldest) {
                    dropped += old.samples;
                    self.samples -= old.samples;
                    self.bytes -= old.size();
                }
            }
        }
        dropped
    }

    /// The next batch of a shard, if there is one now. What it gave before is done with.
    fn next(&mut self, shard: usize) -> Option<Batch> {
        self.under_way[shard] = 0;
        let batch = self.shards[shard].pop_front()?;
        self.samples -= batch.samples;
        self.bytes -= batch.size();
        self.under_way[shard] = batch.samples;
        Some(batch)
    }
}

#[cfg(test)]
impl Queue {
    pub(super) fn shards(&self) -> usize {
        self.has_work.len()
    }

    /// Takes batches again.
    pub(super) fn open(&self) {
        self.waiting().is_closed = false;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const BOUNDS: Bounds = Bounds { samples: 10, bytes: 1000 };

    fn batch(round: u64, samples: u64) -> Batch {
        Batch { body: Bytes::from(vec![0; 10]), samples, round, cuts: Box::default() }
    }

    fn push(queue: &Queue, shard: usize, batch: Batch) -> (bool, u64) {
        let taken = queue.push(shard, batch, Duration::ZERO);
        (taken.is_taken, taken.dropped)
    }

    #[tokio::test]
    async fn the_oldest_round_makes_room_as_a_whole() {
        let queue = Queue::new(2, BOUNDS);
        for round in 1..=2 {
            for shard in 0..2 {
                assert_eq!(push(&queue, shard, batch(round, 2)), (true, 0));
            }
        }
        assert_eq!(push(&queue, 0, batch(3, 2)), (true, 0));
        assert_eq!(push(&queue, 1, batch(3, 2)), (true, 4), "round 1 goes in both shards");
        assert_eq!(queue.samples(), 8);
        let mut rounds = Vec::new();
        for shard in [0, 0, 1, 1] {
            rounds.push(queue.next(shard).await.unwrap().round);
        }
        assert_eq!(rounds, [2, 3, 2, 3]);
        assert_eq!((queue.samples(), queue.unsettled_samples()), (0, 4), "two are on their way");
    }

    #[tokio::test]
    async fn a_round_that_is_too_large_waits_for_room_and_is_not_taken_after_that() {
        let queue = Queue::new(1, BOUNDS);
        assert_eq!(push(&queue, 0, batch(1, 8)), (true, 0));
        assert_eq!(push(&queue, 0, batch(1, 8)), (false, 0));
        assert_eq!(queue.next(0).await.unwrap().samples, 8);
        assert_eq!(push(&queue, 0, batch(1, 50)), (true, 0), "what waits alone may have any size");
        queue.close();
        assert_eq!(push(&queue, 0, batch(2, 1)), (false, 50), "a closed queue takes nothing");
        assert!(queue.next(0).await.is_none());
        assert_eq!(queue.unsettled_samples(), 0);
    }
}
