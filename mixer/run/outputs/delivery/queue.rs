//! Queue of batches by shard, in their order, bounded in samples and bytes.
//!
//! When it is full, the oldest queued round is dropped as a whole: half a round would show half of the series only.
//! Only the round that is being made waits for room.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use promemu_wire::request::Batch;

/// Bounds of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) samples: u64,
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Notified when there is more room, and when the queue closes.
    has_room: Condvar,
    /// For each shard, notified when it has a batch, and when the queue closes.
    has_work: Box<[Notify]>,
    bounds: Bounds,
}

#[derive(Debug)]
struct Waiting {
    shards: Box<[VecDeque<Batch>]>,
    /// For each shard, the samples of the batch that is being sent.
    under_way: Box<[u64]>,
    samples: u64,
    bytes: usize,
    is_closed: bool,
}

/// Outcome of [`Queue::push`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pushed {
    /// `false` if there was no room in time.
    pub(super) is_queued: bool,
    /// Samples of older rounds dropped for it.
    pub(super) dropped_samples: u64,
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

    /// Queues a batch. If there is no room even without older rounds, it waits up to `patience` for the senders, and
    /// gives up after that.
    pub(super) fn push(&self, shard: usize, batch: Batch, patience: Duration) -> Pushed {
        let mut waiting = self.waiting();
        let dropped_samples = waiting.make_room(&batch, self.bounds);
        if !waiting.fits(&batch, self.bounds) {
            let must_wait = |waiting: &mut Waiting| !waiting.is_closed && !waiting.fits(&batch, self.bounds);
            let waited = self.has_room.wait_timeout_while(waiting, patience, must_wait);
            (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let is_queued = !waiting.is_closed && waiting.fits(&batch, self.bounds);
        if is_queued {
            waiting.samples += batch.samples;
            waiting.bytes += batch.size();
            waiting.shards[shard].push_back(batch);
            self.has_work[shard].notify_one();
        }
        Pushed { is_queued, dropped_samples }
    }

    /// The next batch of a shard, as soon as there is one; `None` once the queue is closed and empty. The batch before
    /// it counts as settled from now on.
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

    /// Accepts no more batches. Those in the queue can still be taken.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.has_room.notify_all();
        self.has_work.iter().for_each(Notify::notify_one);
    }

    /// Queued samples.
    pub(super) fn samples(&self) -> u64 {
        self.waiting().samples
    }

    /// Samples that are queued or being sent.
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

    /// Drops older rounds, the oldest first, until the batch fits; returns the number of dropped samples.
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

    /// The next batch of a shard, if there is one now. The batch before it counts as settled.
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

    /// Accepts batches again.
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
        let pushed = queue.push(shard, batch, Duration::ZERO);
        (pushed.is_queued, pushed.dropped_samples)
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
        assert_eq!((queue.samples(), queue.unsettled_samples()), (0, 4), "two are being sent");
    }

    #[tokio::test]
    async fn a_round_that_is_too_large_waits_for_room_and_is_dropped_after_that() {
        let queue = Queue::new(1, BOUNDS);
        assert_eq!(push(&queue, 0, batch(1, 8)), (true, 0));
        assert_eq!(push(&queue, 0, batch(1, 8)), (false, 0));
        assert_eq!(queue.next(0).await.unwrap().samples, 8);
        assert_eq!(push(&queue, 0, batch(1, 50)), (true, 0), "a batch alone may have any size");
        queue.close();
        assert_eq!(push(&queue, 0, batch(2, 1)), (false, 50), "a closed queue accepts nothing");
        assert!(queue.next(0).await.is_none());
        assert_eq!(queue.unsettled_samples(), 0);
    }
}
