//! Sender of one shard: one batch at a time, in the order of the queue, until it is accepted or rejected.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use indexmap::IndexSet;

use super::batch_client::{BatchClient, Rejection, Splitting};
use super::queue::Queue;
use super::split::{Outcome, SplitBudget};
use super::stats::DeliveryStats;
use crate::http::PushError;
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
    /// Failures of a batch after which it is suspected to be at fault itself.
    pub(super) patience: u32,
    /// Compressed bytes of the smallest batch that was too large.
    pub(super) too_large: Option<usize>,
    /// Server errors for which parts were given up.
    pub(super) proven: IndexSet<String>,
}

/// Failures of a batch after which it is suspected to be at fault itself; one failure once such a suspicion was right.
pub(super) const PATIENCE: u32 = 3;
/// Requests that look for a part that is accepted, before the server counts as away.
const PROBES_MAX: u32 = 16;
/// Failures of a part that cannot be split, while others are accepted, after which it is given up.
const PART_FAILURES_MAX: u32 = 5;

/// Server errors that are remembered.
const PROVEN_MAX: usize = 16;

/// The end of the attempts to send a batch.
#[derive(Debug)]
enum Attempts {
    Answered(Option<Rejection>),
    /// It fails again and again, and may be at fault itself.
    Suspected(PushError),
}

/// Parts of a batch that is sent.
#[derive(Debug, Default)]
struct Parts {
    /// The last is sent next, so a series' samples keep their order.
    waiting: Vec<Batch>,
    /// Those that fail and cannot be split, each with its last error. They are tried again after the others.
    doubtful: Vec<(Batch, PushError)>,
    /// The part whose failures began the suspicion, while nothing of it was accepted; and the requests since.
    origin: Option<(Batch, u32)>,
}

/// Knowledge of the server while the parts of a batch are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Nothing is suspected.
    Usual,
    /// It fails, and each request is to find out for what.
    Probes,
    /// It has accepted other parts.
    Answers,
}

impl Parts {
    fn trust(&self, outcome: &Outcome) -> Trust {
        if self.origin.is_some() {
            Trust::Probes
        } else if outcome.accepted > 0 {
            Trust::Answers
        } else {
            Trust::Usual
        }
    }
}

impl Sender {
    /// Sends until the queue is closed and empty.
    pub(super) async fn send_all(mut self) {
        while let Some(batch) = self.queue.next(self.shard).await {
            self.stats.set_waiting(self.queue.samples());
            self.deliver(batch).await;
        }
    }

    /// Sends a batch, in parts if the server refuses it as a whole.
    async fn deliver(&mut self, batch: Batch) {
        let samples = batch.samples;
        let mut outcome = Outcome::default();
        self.split_budget.begin_round(batch.round);
        let mut parts = Parts { waiting: vec![batch], ..Parts::default() };
        while let Some(part) = parts.waiting.pop() {
            if let Some([first, second]) = self.too_large(&part) {
                parts.waiting.extend([second, first]);
                continue;
            }
            match self.send(&part, parts.trust(&outcome)).await {
                Attempts::Answered(rejection) => self.answered(&part, rejection, &mut parts, &mut outcome),
                Attempts::Suspected(error) => self.suspected(part, error, &mut parts, &outcome).await,
            }
        }
        for (part, error) in std::mem::take(&mut parts.doubtful) {
            let rejection = self.send_doubtful(&part, error).await;
            outcome.settle(&part, rejection, &mut self.split_budget);
        }
        self.stats.settled(samples, &outcome);
    }

    /// A part was accepted or rejected. What is accepted proves that others fail by their own fault.
    fn answered(
        &mut self,
        part: &Batch,
        rejection: Option<Rejection>,
        parts: &mut Parts,
        outcome: &mut Outcome,
    ) {
        if let Some(rejection) = &rejection {
            if rejection.splitting == Splitting::MakesItSmaller {
                self.too_large = Some(self.too_large.unwrap_or(usize::MAX).min(part.body.len()));
            }
            if self.split_budget.allows_split(rejection.splitting)
                && let Some([first, second]) = self.client.split(part, rejection.splitting)
            {
                self.split_budget.spend();
                parts.waiting.extend([second, first]);
                return;
            }
        }
        let before = outcome.accepted;
        outcome.settle(part, rejection, &mut self.split_budget);
        if outcome.accepted > before {
            self.patience = if parts.origin.take().is_some() { 1 } else { self.patience.min(PATIENCE) };
        }
    }

    /// A part fails again and again: it is split to find one that is accepted. Without any, the server is away, and the
    /// whole is tried again.
    async fn suspected(&mut self, part: Batch, error: PushError, parts: &mut Parts, outcome: &Outcome) {
        let is_proven = outcome.accepted > 0;
        let halves = self.client.split(&part, Splitting::BySeries);
        if !is_proven {
            let (origin, probes) = parts.origin.take().unwrap_or_else(|| (part.clone(), 0));
            let is_over = halves.is_none() && parts.waiting.is_empty();
            if probes >= PROBES_MAX || is_over || !error.is_doubtful() {
                self.stats.failed(&error);
                self.patience = (self.patience.max(PATIENCE) * 2).min(64);
                *parts = Parts { waiting: vec![origin], ..Parts::default() };
                let pause = BACK_OFF.pause(3, &mut self.rng).duration();
                self.pause(pause).await;
                self.stats.retried();
                return;
            }
            parts.origin = Some((origin, probes + 1));
        }
        let may_split = !is_proven || self.split_budget.allows_split(Splitting::BySeries);
        match halves.filter(|_| may_split) {
            Some([first, second]) => {
                if is_proven {
                    self.split_budget.spend();
                }
                parts.waiting.extend([second, first]);
            }
            None => parts.doubtful.push((part, error)),
        }
    }

    /// Tries a part that failed and cannot be split, while others were accepted, for some times more.
    async fn send_doubtful(&mut self, part: &Batch, mut error: PushError) -> Option<Rejection> {
        let mut failures = 1;
        loop {
            let text = error.to_string();
            if self.proven.contains(&text) || failures >= PART_FAILURES_MAX && error.is_doubtful() {
                if self.proven.len() < PROVEN_MAX {
                    self.proven.insert(text);
                }
                return Some(self.client.rejection(part, &error));
            }
            if !error.is_doubtful() {
                self.stats.away(&error);
            }
            let pause = BACK_OFF.pause(u64::from(failures), &mut self.rng).duration();
            self.pause(pause).await;
            self.stats.retried();
            match self.send(part, Trust::Probes).await {
                Attempts::Answered(rejection) => return rejection,
                Attempts::Suspected(again) => error = again,
            }
            failures += 1;
        }
    }

    /// A part as two if one of its size was too large.
    fn too_large(&self, part: &Batch) -> Option<[Batch; 2]> {
        let is_larger = self.too_large.is_some_and(|bytes| part.body.len() >= bytes);
        if is_larger { self.client.split(part, Splitting::MakesItSmaller) } else { None }
    }

    /// Tries until the batch is accepted or rejected, or is suspected to be at fault.
    async fn send(&mut self, batch: &Batch, trust: Trust) -> Attempts {
        let (mut failures, sent_before) = (0, self.stats.sent_samples());
        loop {
            let begun = self.stats.now();
            let outcome = self.client.send(batch).await;
            self.stats.observe(self.stats.now().since(begun));
            let error = match outcome {
                Ok(rejection) => {
                    self.stats.answered();
                    return Attempts::Answered(rejection);
                }
                Err(error) => error,
            };
            failures += 1;
            let are_others_sent = self.stats.sent_samples() > sent_before;
            if trust == Trust::Probes || trust == Trust::Answers && error.is_doubtful() {
                self.stats.doubted();
                return Attempts::Suspected(error);
            }
            if error.is_doubtful() {
                self.stats.doubted();
                let can_be_split = self.client.split(batch, Splitting::BySeries).is_some();
                if failures >= self.patience && can_be_split {
                    return Attempts::Suspected(error);
                }
                if failures >= PART_FAILURES_MAX && are_others_sent {
                    return Attempts::Answered(Some(self.client.rejection(batch, &error)));
                }
                if failures >= PATIENCE && !are_others_sent && !can_be_split {
                    self.stats.away(&error);
                }
            } else {
                self.stats.failed(&error);
            }
            let pause = BACK_OFF.pause(u64::from(failures - 1), &mut self.rng).duration();
            // The server may ask for a longer one.
            self.pause(pause.max(error.retry_after().unwrap_or_default())).await;
            self.stats.retried();
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
