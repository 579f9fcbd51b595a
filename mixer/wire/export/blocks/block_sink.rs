//! The series of one thread on their way into the part of a block.

use std::io;

use promemu_core::metric::NativeHistogram;

use super::encoded::EncodedPart;
use super::float_chunk::FloatEncoder;
use super::histogram_chunk::put_histograms;
use crate::export::stretches::{LabelSymbols, SeriesSink, Staleness};

/// Encodes series as chunks of a part.
#[derive(Debug)]
pub(super) struct BlockSink {
    pub(super) part: EncodedPart,
    floats: FloatEncoder,
}

impl BlockSink {
    pub(super) fn new(part: EncodedPart) -> Self {
        Self { part, floats: FloatEncoder::default() }
    }
}

impl SeriesSink for BlockSink {
    fn has_created(&self) -> bool {
        true
    }

    fn symbol(&mut self, text: &str) -> io::Result<u32> {
        self.part.symbol(text)
    }

    fn put_floats(
        &mut self,
        labels: &[LabelSymbols],
        (times, values): (&[i64], &[f64]),
        staleness: Staleness,
    ) -> io::Result<()> {
        let Self { part, floats } = self;
        part.put_series(labels, |part| floats.put(times, values, staleness, part))
    }

    fn put_histograms(
        &mut self,
        labels: &[LabelSymbols],
        (times, histograms): (&[i64], &[Option<NativeHistogram<'_>>]),
        staleness: Staleness,
    ) -> io::Result<()> {
        self.part.put_series(labels, |part| put_histograms(times, histograms, staleness, part))
    }
}
