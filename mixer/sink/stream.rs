//! The sinks that send samples: all series, each round, to servers that keep them by their time.
//!
//! A round is made by a thread of its own, so that neither its work nor its waiting for room holds anything
//! else up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::error;

use super::delivery::{BATCH_BYTES, Delivery, DeliverySettings, Intake};
use super::ledger::{BatchSize, Encoder, Ledger};
use super::remote_write::{RemoteWriteSettings, V1, V2, Version};
use super::{Health, Job};
use crate::clock::{Clock, Time};
use crate::error::Error;
use crate::self_metrics::DeliveryTally;

/// So long, at the most, a round waits for room among what is still to be sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// So long what is still to be sent may take at the end.
const LAST_DELIVERY: Duration = Duration::from_secs(5);

/// A sink that sends samples.
#[derive(Debug)]
pub struct StreamSink {
    stream: Stream,
    /// Emulated time.
    clock: Clock,
}

#[derive(Debug)]
enum Stream {
    V1(Pipe<V1>),
    V2(Pipe<V2>),
}

/// From the jobs to the server.
#[derive(Debug)]
struct Pipe<E: Encoder> {
    ledger: Arc<Mutex<Ledger<E>>>,
    delivery: Delivery,
}

impl StreamSink {
    /// A sink that writes these jobs' series to a remote-write receiver; nothing is sent yet. Samples have the
    /// clock's time; logs call the sink `name`.
    pub fn remote_write(
        settings: &RemoteWriteSettings,
        jobs: &[Arc<Job>],
        clock: Clock,
        tally: DeliveryTally,
        name: &str,
    ) -> Result<Self, Error> {
        let delivery = Delivery::start(settings.post()?, &settings.delivery, clock.real(), tally, name);
        let stream = match settings.version {
            Version::V1 => Stream::V1(Pipe::new(jobs, &settings.delivery, delivery)),
            Version::V2 => Stream::V2(Pipe::new(jobs, &settings.delivery, delivery)),
        };
        Ok(Self { stream, clock })
    }

    /// How it fares.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        match &self.stream {
            Stream::V1(pipe) => pipe.delivery.health(),
            Stream::V2(pipe) => pipe.delivery.health(),
        }
    }

    /// Goes on with other jobs. Series that are there no more end with the next round.
    pub fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        match &self.stream {
            Stream::V1(pipe) => pipe.replace_jobs(jobs),
            Stream::V2(pipe) => pipe.replace_jobs(jobs),
        }
    }

    /// Takes all series as they are now, and hands them to those who send; says whether the server was there
    /// lately. Returns when they are taken, and not when they have arrived.
    pub async fn round(&mut self) -> bool {
        let at = self.clock.now();
        match &self.stream {
            Stream::V1(pipe) => pipe.go_through(at, false).await,
            Stream::V2(pipe) => pipe.go_through(at, false).await,
        }
        !self.health().is_away()
    }

    /// The end of the run: all series end, and what is still to be sent is sent, within a deadline.
    pub async fn finish(&mut self) {
        let at = self.clock.now();
        match &mut self.stream {
            Stream::V1(pipe) => pipe.finish(at).await,
            Stream::V2(pipe) => pipe.finish(at).await,
        }
    }
}

impl<E: Encoder + Default + 'static> Pipe<E> {
    fn new(jobs: &[Arc<Job>], settings: &DeliverySettings, delivery: Delivery) -> Self {
        let size = BatchSize { samples: settings.batch_samples, bytes: BATCH_BYTES };
        let encoders = (0..settings.shards).map(|_| E::default());
        Self { ledger: Arc::new(Mutex::new(Ledger::new(jobs, encoders, size))), delivery }
    }

    fn replace_jobs(&self, jobs: &[Arc<Job>]) {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).replace_jobs(jobs);
    }

    async fn go_through(&self, at: Time, ends: bool) {
        let (ledger, intake): (_, Intake) = (Arc::clone(&self.ledger), self.delivery.intake());
        let work = tokio::task::spawn_blocking(move || {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            if ends {
                ledger.end(at, &intake, PATIENCE);
            } else {
                ledger.round(at, &intake, PATIENCE);
            }
        });
        if let Err(problem) = work.await {
            error!("a round of samples is lost by a bug: {problem}");
        }
    }

    async fn finish(&mut self, at: Time) {
        self.go_through(at, true).await;
        self.delivery.finish(LAST_DELIVERY).await;
    }
}
