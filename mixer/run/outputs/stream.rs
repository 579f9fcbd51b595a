//! The sinks that send samples: all series, each round, to servers that keep them by their time.
//!
//! A round is made by a thread of its own, so that neither its work nor its waiting for room holds anything
//! else up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::error;

use super::delivery::{BATCH_BYTES, Delivery, DeliverySettings};
use super::health::Health;
use super::otlp::OtlpSettings;
use super::remote_write::{RemoteWriteSettings, Version};
use super::series_tracker::{BatchSize, Rounds, SeriesTracker};
use crate::clock::Clock;
use crate::self_metrics::DeliveryTally;
use promemu_core::error::Error;
use promemu_core::series::Job;
use promemu_wire::otlp::Otlp;
use promemu_wire::remote_write::{V1, V2};
use promemu_wire::request::Encoder;

/// So long, at the most, a round waits for room among what is still to be sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// So long what is still to be sent may take at the end.
const LAST_DELIVERY: Duration = Duration::from_secs(5);

/// A sink that sends samples.
#[derive(Debug)]
pub(super) struct StreamSink {
    series: Arc<Mutex<dyn Rounds>>,
    delivery: Delivery,
    /// Emulated time.
    clock: Clock,
}

impl StreamSink {
    /// A sink that writes these jobs' series to a remote-write receiver; nothing is sent yet. Samples have the
    /// clock's time; logs call the sink `name`.
    pub(super) fn remote_write(
        settings: &RemoteWriteSettings,
        jobs: &[Arc<Job>],
        clock: Clock,
        tally: DeliveryTally,
        name: &str,
    ) -> Result<Self, Error> {
        let series = match settings.version {
            Version::V1 => series_tracker::<V1>(jobs, &settings.delivery),
            Version::V2 => series_tracker::<V2>(jobs, &settings.delivery),
        };
        let delivery = Delivery::start(settings.client()?, &settings.delivery, clock.real(), tally, name);
        Ok(Self { series, delivery, clock })
    }

    /// The same with an OTLP receiver.
    pub(super) fn otlp(
        settings: &OtlpSettings,
        jobs: &[Arc<Job>],
        clock: Clock,
        tally: DeliveryTally,
        name: &str,
    ) -> Result<Self, Error> {
        let series = series_tracker::<Otlp>(jobs, &settings.delivery);
        let delivery = Delivery::start(settings.client()?, &settings.delivery, clock.real(), tally, name);
        Ok(Self { series, delivery, clock })
    }

    /// How it fares.
    #[must_use]
    pub(super) fn health(&self) -> &Arc<Health> {
        self.delivery.health()
    }

    /// Goes on with other jobs. Series that are there no more end with the next round.
    pub(super) fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        self.series.lock().unwrap_or_else(PoisonError::into_inner).replace_jobs(jobs);
    }

    /// Takes all series as they are now, and hands them to those who send; says whether the server was there
    /// lately. Returns when they are taken, and not when they have arrived.
    pub(super) async fn round(&mut self) -> bool {
        self.go_through(false).await;
        !self.health().is_away()
    }

    /// The end of the run: all series end, and what is still to be sent is sent, within a deadline.
    pub(super) async fn finish(&mut self) {
        self.go_through(true).await;
        self.delivery.finish(LAST_DELIVERY).await;
    }

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
        if let Err(problem) = work.await {
            error!("a round of samples is lost by a bug: {problem}");
        }
    }
}

fn series_tracker<E: Encoder + Default + 'static>(
    jobs: &[Arc<Job>],
    settings: &DeliverySettings,
) -> Arc<Mutex<dyn Rounds>> {
    let size = BatchSize { samples: settings.batch_samples, bytes: BATCH_BYTES };
    let encoders = (0..settings.shards).map(|_| E::default());
    Arc::new(Mutex::new(SeriesTracker::new(jobs, encoders, size)))
}
