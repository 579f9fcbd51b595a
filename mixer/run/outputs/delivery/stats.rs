//! Statistics of a delivery: for the status, the log and promemu's own metrics.
//!
//! Shared by all senders of a delivery. What repeats is logged once and only counted after that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexSet;
use tracing::warn;

use super::batch_client::Rejection;
use super::split::Outcome;
use crate::clock::Clock;
use crate::http::PushError;
use crate::outputs::availability::Availability;
use crate::outputs::health::Health;
use crate::self_metrics::DeliveryTally;
use promemu_core::time::{Span, Time};

/// Statistics of all senders of a delivery.
#[derive(Debug)]
pub(super) struct DeliveryStats {
    output: Arc<str>,
    health: Arc<Health>,
    clock: Clock,
    tally: DeliveryTally,
    log: Mutex<LogOnce>,
}

/// State of the log, so that nothing is logged twice.
#[derive(Debug)]
struct LogOnce {
    availability: Availability,
    /// Kinds of rejections logged so far.
    rejections: IndexSet<String>,
    is_refused: bool,
    has_overflowed: bool,
}

impl DeliveryStats {
    /// Statistics of nothing yet. The clock runs as on the wall.
    pub(super) fn new(output: &str, clock: Clock, tally: DeliveryTally) -> Self {
        let health = Arc::new(Health::default());
        let consequence = "samples wait in the queue, and the oldest are dropped when it is full";
        let availability = Availability::new(output, consequence, Arc::clone(&health))
            .counting_drops(tally.output.samples_dropped.clone());
        let log =
            LogOnce { availability, rejections: IndexSet::new(), is_refused: false, has_overflowed: false };
        Self { output: output.into(), health, clock, tally, log: Mutex::new(log) }
    }

    fn log(&self) -> MutexGuard<'_, LogOnce> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn output(&self) -> &str {
        &self.output
    }

    pub(super) const fn health(&self) -> &Arc<Health> {
        &self.health
    }

    pub(super) fn sent_samples(&self) -> u64 {
        self.tally.samples_sent.get()
    }

    pub(super) fn dropped_samples(&self) -> u64 {
        self.tally.output.samples_dropped.get()
    }

    pub(super) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(super) fn dropped(&self, samples: u64) {
        self.tally.output.samples_dropped.inc_by(samples);
    }

    /// These samples were dropped because the queue is full.
    pub(super) fn overflowed(&self, samples: u64) {
        if samples == 0 {
            return;
        }
        self.dropped(samples);
        let mut log = self.log();
        // The consequence of an outage is in the log already.
        if !log.has_overflowed && !log.availability.is_away() {
            log.has_overflowed = true;
            warn!(
                output = %self.output,
                "server is too slow: the queue is full and the oldest samples are dropped; further ones are only counted"
            );
        }
    }

    /// This number of samples waits in the queue.
    pub(super) fn set_waiting(&self, samples: u64) {
        self.tally.samples_waiting.set(i64::try_from(samples).unwrap_or(i64::MAX));
    }

    /// One request took this long.
    pub(super) fn observe(&self, took: Span) {
        self.tally.output.push_seconds.observe(took.as_secs_f64());
    }

    /// A request is sent once more.
    pub(super) fn retried(&self) {
        self.tally.push_retries.inc();
    }

    /// A batch of this many samples is done with; some of it may have been rejected.
    pub(super) fn settled(&self, samples: u64, outcome: &Outcome) {
        let Outcome { accepted, bytes, rejection } = outcome;
        if *bytes > 0 || rejection.is_none() {
            self.tally.samples_sent.inc_by(*accepted);
            self.tally.output.bytes_sent.inc_by(*bytes);
            self.health.pushed(self.now());
        }
        match rejection {
            Some(rejection) => self.rejected(samples, rejection),
            None if std::mem::take(&mut self.log().is_refused) => self.health.set_refused(&self.output, None),
            None => {}
        }
    }

    /// The server answered a request for good.
    pub(super) fn answered(&self) {
        self.log().availability.answered(self.now());
    }

    /// A request failed and may succeed later.
    pub(super) fn failed(&self, error: &PushError) {
        self.tally.output.push_failures.inc();
        self.log().availability.failed(&error.to_string(), error.for_clients(), self.now());
    }

    /// The server fails for all that is sent to it.
    pub(super) fn away(&self, error: &PushError) {
        self.log().availability.failed(&error.to_string(), error.for_clients(), self.now());
    }

    /// A request failed by what may be the fault of its samples.
    pub(super) fn doubted(&self) {
        self.tally.output.push_failures.inc();
    }

    fn rejected(&self, samples: u64, rejection: &Rejection) {
        self.tally.output.push_failures.inc();
        self.dropped(rejection.samples);
        let mut log = self.log();
        self.health.set_refused(&self.output, Some(&rejection.for_clients));
        log.is_refused = true;
        let what = if samples == 0 { "metadata" } else { "samples" };
        if !log.rejections.insert(format!("{what}: {}", rejection.kind)) {
            return;
        }
        if samples == 0 {
            warn!(
                output = %self.output,
                error = %rejection.reason,
                "metadata was rejected and is dropped, samples are not; further ones are only counted"
            );
        } else {
            warn!(
                output = %self.output,
                rejected_samples = rejection.samples,
                batch_samples = samples,
                error = %rejection.reason,
                "samples were rejected and are dropped; further ones are only counted"
            );
        }
    }
}
