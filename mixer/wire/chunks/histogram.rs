//! Chunks of native histograms with whole counts.

use promemu_core::metric::is_absent;

use super::bit_reader::{BitReader, FloatWindow};
use super::layout::{Layout, SampleState};
use crate::samples::{HistogramSample, buckets_of_spans, counts_of_deltas};

/// A whole number and its change.
#[derive(Clone, Copy, Debug, Default)]
struct Delta {
    number: i64,
    change: i64,
}

/// Numbers of the last sample.
pub(super) struct State {
    /// Time, count, zero count.
    head: [Delta; 3],
    sum: FloatWindow,
    /// Each bucket less the one before it: positive ones, then negative ones.
    buckets: Vec<Delta>,
}

impl Delta {
    fn next(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        self.change = self.change.wrapping_add(bits.varbit_int()?);
        self.number = self.number.wrapping_add(self.change);
        Some(())
    }
}

impl SampleState for State {
    fn first(layout: &Layout, bits: &mut BitReader<'_>) -> Option<Self> {
        let mut head = [Delta::default(); 3];
        head[0].number = bits.varbit_int()?;
        head[1].number = bits.varbit_uint()?.cast_signed();
        head[2].number = bits.varbit_uint()?.cast_signed();
        let sum = FloatWindow::first(bits)?;
        let mut buckets = vec![Delta::default(); layout.buckets.iter().sum()];
        for bucket in &mut buckets {
            bucket.number = bits.varbit_int()?;
        }
        Some(Self { head, sum, buckets })
    }

    /// A staleness marker has no buckets.
    fn next(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        self.head.iter_mut().try_for_each(|delta| delta.next(bits))?;
        if is_absent(self.sum.next(bits)?) {
            return Some(());
        }
        self.buckets.iter_mut().try_for_each(|delta| delta.next(bits))
    }

    fn at(&self) -> i64 {
        self.head[0].number
    }

    #[expect(clippy::cast_precision_loss, reason = "as the type of the histogram says")]
    fn sample(&self, layout: &Layout) -> HistogramSample {
        let sum = self.sum.value();
        if is_absent(sum) {
            return HistogramSample { sum, ..HistogramSample::default() };
        }
        let (positive, negative) = self.buckets.split_at(layout.buckets[0]);
        let counts =
            |deltas: &[Delta]| counts_of_deltas(deltas.iter().map(|delta| delta.number).collect::<Vec<_>>());
        HistogramSample {
            count: self.head[1].number.cast_unsigned() as f64,
            zero_count: self.head[2].number.cast_unsigned() as f64,
            positive: buckets_of_spans(layout.spans[0].iter().copied(), counts(positive)),
            negative: buckets_of_spans(layout.spans[1].iter().copied(), counts(negative)),
            ..layout.empty(sum)
        }
    }
}
