//! One round of a tracker: the encoders of all shards, and the batches they hand over.
//!
//! It knows hosts and batches, and not which series a server knows.

use std::time::Duration;

use crate::outputs::delivery::Intake;
use promemu_core::series::LabelBlock;
use promemu_core::time::{Span, Time};
use promemu_wire::request::{Batch, Cut, Encoder};

/// The shortest time between two samples of a series.
pub(super) const MILLISECOND: Span = Span::from_nanos(1_000_000);

/// Largest size of a request.
#[derive(Clone, Copy, Debug)]
pub(in crate::outputs) struct BatchSize {
    pub(in crate::outputs) samples: usize,
    pub(in crate::outputs) bytes: usize,
}

/// The encoder of one shard, and the request it has begun.
#[derive(Debug)]
pub(super) struct ShardEncoder<E> {
    pub(super) encoder: E,
    /// Samples of the request so far.
    pub(super) samples: usize,
    size: BatchSize,
    /// The places where the request may be split.
    cuts: Vec<Cut>,
}

/// One pass over all series.
#[derive(Debug)]
pub(super) struct Round<'a, E> {
    /// Time of the samples.
    pub(super) at: Time,
    /// Time of the end of series that may have a sample elsewhere in this very round.
    pub(super) ended_at: Time,
    /// `true` if all series end.
    pub(super) ends: bool,
    pub(super) shards: &'a mut [ShardEncoder<E>],
    pub(super) intake: &'a Intake,
    pub(super) number: u64,
    /// Longest wait of a batch for room in the queue. After one has found none in time, none waits again.
    pub(super) patience: Duration,
}

impl<E: Encoder> Round<'_, E> {
    /// Hands over a shard's request.
    pub(super) fn send(&mut self, shard: usize) {
        let encoder = &mut self.shards[shard];
        if encoder.encoder.body_bytes() == 0 {
            return;
        }
        let samples = std::mem::take(&mut encoder.samples) as u64;
        let cuts = encoder.cuts.drain(..).collect();
        let batch = Batch { body: encoder.encoder.take().into(), samples, round: self.number, cuts };
        if !self.intake.put(shard, batch, self.patience) {
            self.patience = Duration::ZERO;
        }
    }
}

impl<E: Encoder> ShardEncoder<E> {
    pub(super) const fn new(encoder: E, size: BatchSize) -> Self {
        Self { encoder, samples: 0, size, cuts: Vec::new() }
    }

    /// The next samples are of this host and time.
    pub(super) fn begin_host(&mut self, job: &E::Job, labels: &LabelBlock, at: Time) {
        if E::IS_CUT_BY_HOSTS && self.samples > 0 {
            self.cuts.push(Cut { bytes: self.encoder.body_bytes(), samples: self.samples as u64 });
        }
        self.encoder.host(job, labels, at);
    }

    /// `true` if the request is to be sent before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.samples >= self.size.samples || self.encoder.body_bytes() >= self.size.bytes
    }
}
