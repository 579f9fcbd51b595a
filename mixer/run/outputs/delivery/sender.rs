//! One shard's sender, and how all of them fare.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexSet;
use tokio::sync::watch;
use tracing::{info, warn};

use super::super::Health;
use super::post::{Loss, Post};
use super::queue::Queue;
use super::split::{Outcome, SplitBudget};
use crate::clock::Clock;
use crate::http::PushError;
use crate::self_metrics::DeliveryTally;
use promemu_core::rng::Rng;
use promemu_core::time::{Span, Time};
use promemu_wire::request::Batch;

const BACK_OFF_FIRST: Span = Span::from_nanos(100_000_000);
const BACK_OFF_LONGEST: Span = Span::from_secs(30);

/// How all senders of a delivery fare: for the status, the log and promemu's own metrics.
#[derive(Debug)]
pub(super) struct DeliveryStats {
    name: Arc<str>,
    health: Arc<Health>,
    clock: Clock,
    tally: DeliveryTally,
    sent: AtomicU64,
    dropped: AtomicU64,
    told: Mutex<LogOnce>,
}

/// What was told to people.
#[derive(Debug, Default)]
struct LogOnce {
    away: Option<Away>,
    /// Kinds of refusals.
    refusals: IndexSet<String>,
    is_refused: bool,
    has_overflowed: bool,
}

#[derive(Debug)]
struct Away {
    since: Time,
    failures: u64,
    /// How many samples had been dropped before.
    dropped_before: u64,
}

impl DeliveryStats {
    pub(super) fn new(name: &str, clock: Clock, tally: DeliveryTally) -> Self {
        Self {
            name: name.into(),
            health: Arc::default(),
            clock,
            tally,
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn health(&self) -> &Arc<Health> {
        &self.health
    }

    pub(super) fn sent_samples(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn dropped_samples(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn dropped(&self, samples: u64) {
        self.dropped.fetch_add(samples, Ordering::Relaxed);
        self.tally.output.samples_dropped.inc_by(samples);
    }

    /// Too much was waiting.
    pub(super) fn overflowed(&self, samples: u64) {
        if samples == 0 {
            return;
        }
        self.dropped(samples);
        let mut told = self.told();
        // Of one that is away it was told already what that means.
        if !told.has_overflowed && told.away.is_none() {
            told.has_overflowed = true;
            warn!(
                "{} takes less than is to be sent: too many samples wait, and the oldest are dropped; further ones are \
                 only counted",
                self.name
            );
        }
    }

    /// So many samples wait.
    pub(super) fn show_queue(&self, samples: u64) {
        self.tally.samples_waiting.set(i64::try_from(samples).unwrap_or(i64::MAX));
    }

    fn told(&self) -> MutexGuard<'_, LogOnce> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server has answered all of a batch of so many samples, and may have left something out.
    fn answered(&self, samples: u64, outcome: &Outcome) {
        let Outcome { arrived, bytes, loss } = outcome;
        if *bytes > 0 || loss.is_none() {
            self.sent.fetch_add(*arrived, Ordering::Relaxed);
            self.tally.samples_sent.inc_by(*arrived);
            self.tally.output.bytes_sent.inc_by(*bytes);
            self.health.pushed(self.clock.now());
        }
        match loss {
            Some(loss) => self.refused(samples, loss),
            None if std::mem::take(&mut self.told().is_refused) => self.health.set_refused(&self.name, None),
            None => {}
        }
    }

    fn came_back(&self) {
        let Some(away) = self.told().away.take() else { return };
        self.health.set_back();
        let gone_secs = self.clock.now().since(away.since).as_secs_f64();
        let dropped = match self.dropped_samples() - away.dropped_before {
            0 => "no sample was dropped".to_owned(),
            samples => format!("{samples} samples were dropped"),
        };
        info!(
            "{} is back after {gone_secs:.0} s and {} failed attempts; {dropped} meanwhile",
            self.name, away.failures
        );
    }

    fn is_away(&self, error: &PushError) {
        self.tally.output.push_failures.inc();
        let mut told = self.told();
        if let Some(away) = &mut told.away {
            away.failures += 1;
            self.health.set_away(away.since, error.to_string());
            return;
        }
        let since = self.clock.now();
        told.away = Some(Away { since, failures: 1, dropped_before: self.dropped_samples() });
        self.health.set_away(since, error.to_string());
        warn!(
            "{} is away: {error}; what is to be sent waits, and the oldest is dropped when too much does",
            self.name
        );
    }

    fn refused(&self, samples: u64, loss: &Loss) {
        self.tally.output.push_failures.inc();
        self.dropped(loss.samples);
        let mut told = self.told();
        self.health.set_refused(&self.name, Some(&loss.text));
        told.is_refused = true;
        if told.refusals.insert(loss.kind.clone()) {
            warn!(
                "{} refused {} samples of a batch of {samples}, which are dropped: {}; further ones are only counted",
                self.name, loss.samples, loss.text
            );
        }
    }
}

/// Sends what waits for one shard.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) shard: usize,
    pub(super) post: Arc<Post>,
    pub(super) queue: Arc<Queue>,
    pub(super) fare: Arc<DeliveryStats>,
    pub(super) end: watch::Receiver<bool>,
    pub(super) rng: Rng,
    pub(super) halvings: SplitBudget,
}

impl Sender {
    pub(super) async fn send_all(mut self) {
        while let Some(batch) = self.queue.next(self.shard).await {
            self.fare.show_queue(self.queue.samples());
            self.deliver(batch).await;
        }
    }

    /// Sends a batch, in pieces if it has to be.
    async fn deliver(&mut self, batch: Batch) {
        let samples = batch.samples;
        let mut outcome = Outcome::default();
        self.halvings.begin(batch.round);
        // The last is the next one, so a series' samples keep their order.
        let mut pieces = vec![batch];
        while let Some(piece) = pieces.pop() {
            let loss = self.send(&piece).await;
            let halves = match &loss {
                Some(loss) if self.halvings.are_allowed() => self.post.halves(&piece, loss),
                _ => None,
            };
            if let Some([first, second]) = halves {
                self.halvings.halved();
                pieces.extend([second, first]);
            } else {
                outcome.settle(&piece, loss, &mut self.halvings);
            }
        }
        self.fare.answered(samples, &outcome);
    }

    /// Tries until the batch is taken or refused.
    async fn send(&mut self, batch: &Batch) -> Option<Loss> {
        let mut failures = 0;
        loop {
            let begun = self.fare.clock.now();
            let outcome = self.post.send(batch).await;
            let took = self.fare.clock.now().since(begun);
            self.fare.tally.output.push_seconds.observe(took.as_secs_f64());
            match outcome {
                Ok(loss) => {
                    self.fare.came_back();
                    return loss;
                }
                Err(error) => {
                    self.fare.is_away(&error);
                    let delay = back_off(failures, error.retry_after(), &mut self.rng);
                    failures += 1;
                    self.pause(delay).await;
                    self.fare.tally.push_retries.inc();
                }
            }
        }
    }

    /// Waits; at the end of the run everything is tried once more at once.
    async fn pause(&mut self, delay: Duration) {
        let is_ending = *self.end.borrow();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            // The other half lives as long as the delivery, which ends this task.
            _ = self.end.changed(), if !is_ending => {}
        }
    }
}

/// The pause after so many failures before this one: doubled each time, and up to a quarter shorter, so that
/// many senders do not come back at once. The server may ask for more.
fn back_off(failures: u32, retry_after: Option<Duration>, rng: &mut Rng) -> Duration {
    let longest = BACK_OFF_FIRST.times(1 << failures.min(10)).min(BACK_OFF_LONGEST);
    let jitter = Span::from_nanos(rng.below(longest.as_nanos() / 4 + 1));
    longest.minus(jitter).duration().max(retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use promemu_core::rng::Seed;

    #[test]
    fn pauses_grow_to_a_limit_and_the_server_may_ask_for_more() {
        let mut rng = Seed::new(1).rng();
        let mut pause = |failures, retry_after| back_off(failures, retry_after, &mut rng).as_secs_f64();
        assert!((0.075..=0.1).contains(&pause(0, None)));
        assert!((0.6..=0.8).contains(&pause(3, None)));
        assert!((22.5..=30.0).contains(&pause(40, None)));
        assert!((7.0..=7.0).contains(&pause(0, Some(Duration::from_secs(7)))));
    }
}
