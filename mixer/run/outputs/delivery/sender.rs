//! Sender of one shard: one batch at a time, in the order of the queue, until it is accepted or rejected.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::batch_client::{BatchClient, Rejection};
use super::queue::Queue;
use super::split::{Outcome, SplitBudget};
use super::stats::DeliveryStats;
use crate::outputs::availability::BackOff;
use promemu_core::rng::Rng;
use promemu_core::time::Span;
use promemu_wire::request::Batch;

const BACK_OFF: BackOff = BackOff { first: Span::from_nanos(100_000_000), longest: Span::from_secs(30) };

/// Sends the batches of one shard.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) shard: usize,
    pub(super) client: Arc<BatchClient>,
    pub(super) queue: Arc<Queue>,
    pub(super) stats: Arc<DeliveryStats>,
    /// `true` when the run ends.
    pub(super) ending: watch::Receiver<bool>,
    pub(super) rng: Rng,
    pub(super) split_budget: SplitBudget,
}

impl Sender {
    /// Sends until the queue is closed and empty.
    pub(super) async fn send_all(mut self) {
        while let Some(batch) = self.queue.next(self.shard).await {
            self.stats.set_waiting(self.queue.samples());
            self.deliver(batch).await;
        }
    }

    /// Sends a batch, in parts if the server rejects it as a whole.
    async fn deliver(&mut self, batch: Batch) {
        let samples = batch.samples;
        let mut outcome = Outcome::default();
        self.split_budget.begin_round(batch.round);
        // The last is sent next, so a series' samples keep their order.
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let rejection = self.send(&part).await;
            let halves = match &rejection {
                Some(rejection) if self.split_budget.allows_split() => self.client.split(&part, rejection),
                _ => None,
            };
            if let Some([first, second]) = halves {
                self.split_budget.spend();
                parts.extend([second, first]);
            } else {
                outcome.settle(&part, rejection, &mut self.split_budget);
            }
        }
        self.stats.settled(samples, &outcome);
    }

    /// Tries until the batch is accepted or rejected.
    async fn send(&mut self, batch: &Batch) -> Option<Rejection> {
        let mut failures = 0;
        loop {
            let begun = self.stats.now();
            let outcome = self.client.send(batch).await;
            self.stats.observe(self.stats.now().since(begun));
            match outcome {
                Ok(rejection) => {
                    self.stats.answered();
                    return rejection;
                }
                Err(error) => {
                    self.stats.failed(&error);
                    let pause = BACK_OFF.pause(failures, &mut self.rng).duration();
                    failures += 1;
                    // The server may ask for a longer one.
                    self.pause(pause.max(error.retry_after().unwrap_or_default())).await;
                    self.stats.retried();
                }
            }
        }
    }

    /// Waits; the end of the run cuts it short once, for a last attempt.
    async fn pause(&mut self, delay: Duration) {
        let is_ending = *self.ending.borrow();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            // The delivery holds the sending half, and ends this task before it goes.
            _ = self.ending.changed(), if !is_ending => {}
        }
    }
}
