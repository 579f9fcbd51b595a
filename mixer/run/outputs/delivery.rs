//! Delivery of requests that wait in a queue: remote write and OTLP.
//!
//! A round becomes batches. Each belongs to a shard, and a shard sends one batch at a time in the order
//! they came, so a series, which has its shard, arrives in order. A batch that the server cannot take now is
//! tried again, ever less often, for as long as the run lasts. One that it refuses for good is sent again in halves
//! if that may help ([`split`]); what is refused then is dropped and counted. What waits is bounded ([`queue`]), so a server that is away costs the oldest rounds and no memory.

mod post;
mod queue;
mod sender;
mod settings;
mod split;

use std::sync::Arc;
use std::time::Duration;

use promemu_wire::request::Batch;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

pub(super) use post::{Answer, Answers, Post};
use queue::{Bounds, Queue};
use sender::{DeliveryStats, Sender};
pub(super) use settings::BATCH_BYTES;
pub use settings::DeliverySettings;
use split::SplitBudget;

use super::Health;
use crate::clock::Clock;
use crate::self_metrics::DeliveryTally;
use promemu_core::rng::{Seed, random_seed};

/// Brings batches to a server.
#[derive(Debug)]
pub(super) struct Delivery {
    queue: Arc<Queue>,
    fare: Arc<DeliveryStats>,
    ending: watch::Sender<bool>,
    senders: JoinSet<()>,
}

/// Where batches go in. Shared with the thread that makes them.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    queue: Arc<Queue>,
    fare: Arc<DeliveryStats>,
}

impl Delivery {
    /// Starts the senders. The clock runs as on the wall.
    pub(super) fn start(
        post: Post,
        settings: &DeliverySettings,
        clock: Clock,
        tally: DeliveryTally,
        name: &str,
    ) -> Self {
        let bounds = Bounds { samples: settings.queue_samples, bytes: settings.queue_bytes };
        let queue = Arc::new(Queue::new(settings.shards, bounds));
        let fare = Arc::new(DeliveryStats::new(name, clock, tally));
        let (ending, end) = watch::channel(false);
        let post = Arc::new(post);
        let seed = Seed::new(random_seed());
        let mut senders = JoinSet::new();
        for shard in 0..settings.shards {
            let sender = Sender {
                shard,
                post: Arc::clone(&post),
                queue: Arc::clone(&queue),
                fare: Arc::clone(&fare),
                end: end.clone(),
                rng: seed.child_of_bytes(&shard.to_le_bytes()).rng(),
                halvings: SplitBudget::default(),
            };
            senders.spawn(sender.send_all());
        }
        Self { queue, fare, ending, senders }
    }

    pub(super) fn intake(&self) -> Intake {
        Intake { queue: Arc::clone(&self.queue), fare: Arc::clone(&self.fare) }
    }

    pub(super) fn health(&self) -> &Arc<Health> {
        self.fare.health()
    }

    /// Sends what waits, within so long; tells what was left.
    pub(super) async fn finish(&mut self, patience: Duration) {
        self.queue.close();
        self.ending.send_replace(true);
        let senders = &mut self.senders;
        let all = async { while senders.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            self.senders.shutdown().await;
        }
        let left = self.queue.unsettled_samples();
        self.fare.dropped(left);
        let (name, sent, dropped) = (self.fare.name(), self.fare.sent_samples(), self.fare.dropped_samples());
        if dropped > 0 {
            warn!("{name}: {sent} samples were sent, {dropped} were dropped, {left} of them at the end");
        } else {
            info!("{name}: {sent} samples were sent, none was dropped");
        }
    }
}

impl Intake {
    /// Hands a batch over; waits for room, so long at the most. Says whether it was taken. What is dropped is counted.
    pub(super) fn put(&self, shard: usize, batch: Batch, patience: Duration) -> bool {
        let samples = batch.samples;
        let taken = self.queue.push(shard, batch, patience);
        self.fare.show_queue(self.queue.samples());
        self.fare.overflowed(taken.dropped + if taken.is_taken { 0 } else { samples });
        taken.is_taken
    }
}

#[cfg(test)]
impl Intake {
    /// One from which nothing is sent.
    pub(super) fn idle(shards: usize, samples: u64) -> Self {
        let tally = crate::self_metrics::SelfMetrics::new().unwrap().delivery("test");
        let bounds = Bounds { samples, bytes: usize::MAX };
        let queue = Arc::new(Queue::new(shards, bounds));
        Self { queue, fare: Arc::new(DeliveryStats::new("test", Clock::start(), tally)) }
    }

    /// What waits, by shard; nothing more is taken.
    pub(super) async fn take_all(&self) -> Vec<(usize, Batch)> {
        self.queue.close();
        let mut batches = Vec::new();
        for shard in 0..self.queue.shards() {
            while let Some(batch) = self.queue.next(shard).await {
                batches.push((shard, batch));
            }
        }
        self.queue.open();
        batches
    }

    pub(super) fn dropped_samples(&self) -> u64 {
        self.fare.dropped_samples()
    }
}

#[cfg(test)]
mod tests;
