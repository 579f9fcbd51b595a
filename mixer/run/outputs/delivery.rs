//! Delivery of requests that wait in a queue: remote write and OTLP.
//!
//! A round becomes batches. Each belongs to a shard, and a shard sends one batch at a time in their order. A series
//! stays in its shard, so its samples arrive in order. A batch that the server cannot accept now is retried with
//! back-off for as long as the run lasts. One that it rejects for good, or with a server error while it accepts others, is
//! sent again in halves where that may help ([`split`]); what is rejected then is dropped and counted. The queue is bounded ([`queue`]), so a server that is
//! away costs the oldest rounds and no memory.
//!
//! It knows batches, never series or hosts.

mod batch_client;
mod queue;
mod sender;
mod settings;
mod split;
mod stats;

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;
use promemu_wire::request::Batch;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{Instrument, info, warn};

pub(super) use batch_client::{BatchClient, FinalResponse, Rejection, ResponseRules, Splitting};
use queue::{Bounds, Queue};
use sender::{PATIENCE, Sender};
pub use settings::{BATCH_BYTES, DeliverySettings};
use split::SplitBudget;
use stats::DeliveryStats;

use super::health::Health;
use crate::clock::Clock;
use crate::self_metrics::DeliveryTally;
use promemu_core::rng::{Seed, random_seed};

/// Delivery to one server: its queue and the senders that empty it.
#[derive(Debug)]
pub(super) struct Delivery {
    queue: Arc<Queue>,
    stats: Arc<DeliveryStats>,
    ending: watch::Sender<bool>,
    senders: JoinSet<()>,
}

/// The end of the queue where batches go in. Shared with the thread that makes them.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    queue: Arc<Queue>,
    stats: Arc<DeliveryStats>,
}

impl Delivery {
    /// Starts the senders. The clock runs as on the wall.
    pub(super) fn start(
        client: BatchClient,
        settings: &DeliverySettings,
        clock: Clock,
        tally: DeliveryTally,
        name: &str,
    ) -> Self {
        let bounds = Bounds { samples: settings.queue_samples, bytes: settings.queue_bytes };
        let queue = Arc::new(Queue::new(settings.shards, bounds));
        let stats = Arc::new(DeliveryStats::new(name, clock, tally));
        let (ending, ended) = watch::channel(false);
        let client = Arc::new(client);
        let seed = Seed::new(random_seed());
        let mut senders = JoinSet::new();
        for shard in 0..settings.shards {
            let sender = Sender {
                shard,
                client: Arc::clone(&client),
                queue: Arc::clone(&queue),
                stats: Arc::clone(&stats),
                ending: ended.clone(),
                rng: seed.child_of_bytes(&shard.to_le_bytes()).rng(),
                split_budget: SplitBudget::default(),
                patience: PATIENCE,
                too_large: None,
                proven: IndexSet::new(),
            };
            senders.spawn(sender.send_all().in_current_span());
        }
        Self { queue, stats, ending, senders }
    }

    pub(super) fn intake(&self) -> Intake {
        Intake { queue: Arc::clone(&self.queue), stats: Arc::clone(&self.stats) }
    }

    pub(super) fn health(&self) -> &Arc<Health> {
        self.stats.health()
    }

    /// Sends what waits in the queue until the deadline, and logs the totals.
    pub(super) async fn finish(&mut self, deadline: Duration) {
        self.queue.close();
        self.ending.send_replace(true);
        let senders = &mut self.senders;
        let all = async { while senders.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, all).await.is_err() {
            self.senders.shutdown().await;
        }
        let unsent_samples = self.queue.unsettled_samples();
        self.stats.dropped(unsent_samples);
        let output = self.stats.output();
        let (sent_samples, dropped_samples) = (self.stats.sent_samples(), self.stats.dropped_samples());
        if dropped_samples > 0 {
            warn!(
                %output,
                sent_samples, dropped_samples, unsent_samples, "delivery ended; samples were dropped"
            );
        } else {
            info!(%output, sent_samples, dropped_samples, "delivery ended");
        }
    }
}

impl Intake {
    /// Queues a batch, waiting up to `patience` for room; `false` if there was none. Dropped samples are counted.
    pub(super) fn put(&self, shard: usize, batch: Batch, patience: Duration) -> bool {
        let samples = batch.samples;
        let pushed = self.queue.push(shard, batch, patience);
        self.stats.set_waiting(self.queue.samples());
        self.stats.overflowed(pushed.dropped_samples + if pushed.is_queued { 0 } else { samples });
        pushed.is_queued
    }
}

#[cfg(test)]
impl Intake {
    /// An intake whose queue nobody empties.
    pub(super) fn idle(shards: usize, samples: u64) -> Self {
        let tally = crate::self_metrics::SelfMetrics::new().unwrap().outputs().delivering("test");
        let bounds = Bounds { samples, bytes: usize::MAX };
        let queue = Arc::new(Queue::new(shards, bounds));
        Self { queue, stats: Arc::new(DeliveryStats::new("test", Clock::start(), tally)) }
    }

    /// The queued batches by shard.
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
        self.stats.dropped_samples()
    }
}

#[cfg(test)]
mod tests;
