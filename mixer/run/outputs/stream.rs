//! Outputs that send samples: all series, each round, to servers that keep them by their time.
//!
//! A round is made by a thread of its own, so that neither its work nor its waiting for room in the queue holds up
//! anything else. The protocol is a parameter: an encoder, and a client with the rules of its responses.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tracing::error;

use super::delivery::{BATCH_BYTES, BatchClient, Delivery, DeliverySettings};
use super::health::Health;
use super::output::{Output, OutputConfig, OutputContext, RunOutputConfig};
use super::rounds::{Pusher, Rounds};
use super::series_tracker::{BatchSize, SampleSource, SeriesTracker};
use crate::clock::Clock;
use crate::http::TargetUrl;
use promemu_core::error::Error;
use promemu_core::series::Job;
use promemu_core::time::Span;
use promemu_wire::request::Encoder;

/// Time limit of a round's wait for room in the queue.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time limit of the queue at the end of the run.
const LAST_DELIVERY: Duration = Duration::from_secs(5);

/// Settings of an output that sends samples.
pub(super) trait StreamConfig {
    /// The kind, as `--output` names it.
    const KIND: &'static str;

    /// The receiver's URL.
    fn target(&self) -> &TargetUrl;

    fn delivery(&self) -> &DeliverySettings;

    /// A client for the batches.
    fn client(&self) -> Result<BatchClient, Error>;

    /// The samples of these jobs, in the protocol's encoding.
    fn source(&self, jobs: &[Arc<Job>]) -> Arc<Mutex<dyn SampleSource>>;
}

/// The samples of these jobs, encoded by `E`.
pub(super) fn tracker<E: Encoder + Default + 'static>(
    settings: &DeliverySettings,
    jobs: &[Arc<Job>],
) -> Arc<Mutex<dyn SampleSource>> {
    let size = BatchSize { samples: settings.batch_samples, bytes: BATCH_BYTES };
    let encoders = (0..settings.shards).map(|_| E::default());
    Arc::new(Mutex::new(SeriesTracker::new(jobs, encoders, size)))
}

impl<T: StreamConfig> OutputConfig for T {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn target(&self) -> String {
        StreamConfig::target(self).to_string()
    }

    fn sends_samples(&self) -> bool {
        true
    }
}

impl<T: StreamConfig> RunOutputConfig for T {
    fn open(&self, context: &OutputContext<'_>) -> Result<Box<dyn Output>, Error> {
        let (name, clock) = (context.name.as_str(), context.clock);
        let tally = context.own.outputs().delivering(name);
        let delivery = Delivery::start(self.client()?, self.delivery(), clock.real(), tally, name);
        let target = StreamConfig::target(self).to_string();
        Ok(Box::new(StreamOutput { target, series: self.source(context.jobs), delivery, clock }))
    }
}

/// An output that sends samples.
#[derive(Debug)]
pub(super) struct StreamOutput {
    target: String,
    series: Arc<Mutex<dyn SampleSource>>,
    delivery: Delivery,
    /// Emulated time.
    clock: Clock,
}

impl StreamOutput {
    async fn go_through(&self, ends: bool) {
        let (at, series, intake) = (self.clock.now(), Arc::clone(&self.series), self.delivery.intake());
        let work = tokio::task::spawn_blocking(move || {
            let mut series = series.lock().unwrap_or_else(PoisonError::into_inner);
            if ends {
                series.end(at, &intake, PATIENCE);
            } else {
                series.round(at, &intake, PATIENCE);
            }
        });
        if let Err(bug) = work.await {
            error!(output = self.target, error = %bug, "a round of samples is lost by a bug");
        }
    }
}

impl Output for StreamOutput {
    fn health(&self) -> &Arc<Health> {
        self.delivery.health()
    }

    fn destination(&self, interval: Span) -> String {
        format!("pushing to {} every {interval}", self.target)
    }

    fn drive(self: Box<Self>, rounds: Rounds) -> BoxFuture<'static, ()> {
        Box::pin(rounds.push(*self))
    }
}

impl Pusher for StreamOutput {
    /// Series that are gone end with the next round.
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        self.series.lock().unwrap_or_else(PoisonError::into_inner).replace_jobs(jobs);
    }

    /// Queues the samples of all series as they are now; `true` if the server is not away. Returns before they arrive.
    async fn round(&mut self) -> bool {
        self.go_through(false).await;
        !self.delivery.health().is_away()
    }

    /// Ends all series, and sends what is queued within a time limit.
    async fn finish(&mut self) {
        self.go_through(true).await;
        self.delivery.finish(LAST_DELIVERY).await;
    }
}
