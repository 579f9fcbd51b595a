//! One shard's sender, and how all of them fare.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexSet;
use tokio::sync::watch;
use tracing::{info, warn};

use super::super::Health;
use super::super::http::PushError;
use super::post::Post;
use super::queue::{Batch, Queue};
use crate::clock::{Clock, Span, Time};
use crate::rng::Rng;
use crate::self_metrics::DeliveryTally;

const BACK_OFF_FIRST: Span = Span::from_nanos(100_000_000);
const BACK_OFF_LONGEST: Span = Span::from_secs(30);
/// A server that asks for more patience is asked again all the same.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// How all senders of a delivery fare: for the status, the log and promemu's own metrics.
#[derive(Debug)]
pub(super) struct Fare {
    name: Arc<str>,
    health: Arc<Health>,
    clock: Clock,
    tally: DeliveryTally,
    sent: AtomicU64,
    dropped: AtomicU64,
    told: Mutex<Told>,
}

/// What was told to people.
#[derive(Debug, Default)]
struct Told {
    away: Option<Away>,
    /// Kinds of refusals.
    refusals: IndexSet<String>,
    is_refused: bool,
}

#[derive(Debug)]
struct Away {
    since: Time,
    failures: u64,
}

impl Fare {
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

    pub(super) fn show_queue(&self, samples: u64) {
        self.tally.samples_waiting.set(i64::try_from(samples).unwrap_or(i64::MAX));
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, batch: &Batch) {
        self.sent.fetch_add(batch.samples, Ordering::Relaxed);
        self.tally.samples_sent.inc_by(batch.samples);
        self.tally.bytes_sent.inc_by(batch.body.len() as u64);
        self.health.pushed(self.clock.now());
        self.came_back();
        if std::mem::take(&mut self.told().is_refused) {
            self.health.set_refused(&self.name, None);
        }
    }

    fn came_back(&self) {
        if let Some(away) = self.told().away.take() {
            self.health.set_away(None);
            let gone_secs = self.clock.now().since(away.since).as_secs_f64();
            info!("{} is back after {gone_secs:.0} s and {} failed attempts", self.name, away.failures);
        }
    }

    fn is_away(&self, error: &PushError) {
        self.tally.output.push_failures.inc();
        let mut told = self.told();
        if let Some(away) = &mut told.away {
            away.failures += 1;
            return;
        }
        let since = self.clock.now();
        told.away = Some(Away { since, failures: 1 });
        self.health.set_away(Some(since));
        warn!(
            "{} is away: {error}; what is to be sent waits, and the oldest is dropped when too much does",
            self.name
        );
    }

    fn refused(&self, batch: &Batch, error: &PushError, hint: &str) {
        self.tally.output.push_failures.inc();
        self.dropped(batch.samples);
        // A server that answers is there.
        self.came_back();
        let mut told = self.told();
        let text = format!("{error}{hint}");
        self.health.set_refused(&self.name, Some(&text));
        told.is_refused = true;
        if told.refusals.insert(error.kind()) {
            warn!(
                "{} refused a batch of {} samples, which are dropped: {text}; further ones are only counted",
                self.name, batch.samples
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
    pub(super) fare: Arc<Fare>,
    pub(super) end: watch::Receiver<bool>,
    pub(super) rng: Rng,
}

impl Sender {
    pub(super) async fn send_all(mut self) {
        while let Some(batch) = self.queue.next(self.shard).await {
            self.fare.show_queue(self.queue.samples());
            self.deliver(&batch).await;
        }
    }

    /// Tries until the batch is taken or refused.
    async fn deliver(&mut self, batch: &Batch) {
        let mut failures = 0;
        loop {
            let begun = self.fare.clock.now();
            let outcome = self.post.send(batch).await;
            let took = self.fare.clock.now().since(begun);
            self.fare.tally.output.push_seconds.observe(took.as_secs_f64());
            match outcome {
                Ok(()) => return self.fare.arrived(batch),
                Err(error) if is_passing(&error) => {
                    self.fare.is_away(&error);
                    let delay = back_off(failures, error.retry_after(), &mut self.rng);
                    failures += 1;
                    self.pause(delay).await;
                    self.fare.tally.push_retries.inc();
                }
                Err(error) => return self.fare.refused(batch, &error, self.post.hint(&error)),
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

/// Whether the same request may be taken later.
fn is_passing(error: &PushError) -> bool {
    error.is_away() && error.status().is_none_or(|status| !status.is_redirection())
}

/// The pause after so many failures before this one: doubled each time, and up to a quarter shorter, so that
/// many senders do not come back at once. The server may ask for more.
fn back_off(failures: u32, retry_after: Option<Duration>, rng: &mut Rng) -> Duration {
    let longest = BACK_OFF_FIRST.times(1 << failures.min(10)).min(BACK_OFF_LONGEST);
    let jitter = Span::from_nanos(rng.below(longest.as_nanos() / 4 + 1));
    longest.minus(jitter).duration().max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn pauses_grow_to_a_limit_and_the_server_may_ask_for_more() {
        let mut rng = Seed::new(1).rng();
        let mut pause = |failures, retry_after| back_off(failures, retry_after, &mut rng).as_secs_f64();
        assert!((0.075..=0.1).contains(&pause(0, None)));
        assert!((0.6..=0.8).contains(&pause(3, None)));
        assert!((22.5..=30.0).contains(&pause(40, None)));
        assert!((7.0..=7.0).contains(&pause(0, Some(Duration::from_secs(7)))));
        assert!((300.0..=300.0).contains(&pause(0, Some(Duration::from_hours(7)))));
    }
}
