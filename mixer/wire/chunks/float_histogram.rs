//! Chunks of native histograms with float counts.

use promemu_core::metric::is_absent;

use super::bit_reader::{BitReader, FloatWindow};
use super::layout::{Layout, SampleState};
use crate::samples::{HistogramSample, buckets_of_spans};

/// Numbers of the last sample.
pub(super) struct State {
    at: i64,
    delta: i64,
    /// Count, zero count, sum.
    head: [FloatWindow; 3],
    /// Positive ones, then negative ones.
    buckets: Vec<FloatWindow>,
}

impl SampleState for State {
    fn first(layout: &Layout, bits: &mut BitReader<'_>) -> Option<Self> {
        let at = bits.varbit_int()?;
        let head = [FloatWindow::first(bits)?, FloatWindow::first(bits)?, FloatWindow::first(bits)?];
        let mut buckets = Vec::new();
        for _ in 0..layout.buckets.iter().sum() {
            buckets.push(FloatWindow::first(bits)?);
        }
        Some(Self { at, delta: 0, head, buckets })
    }

    /// A staleness marker has no buckets.
    fn next(&mut self, bits: &mut BitReader<'_>) -> Option<()> {
        self.delta = self.delta.wrapping_add(bits.varbit_int()?);
        self.at = self.at.wrapping_add(self.delta);
        self.head.iter_mut().try_for_each(|float| float.next(bits).map(drop))?;
        if is_absent(self.head[2].value()) {
            return Some(());
        }
        self.buckets.iter_mut().try_for_each(|float| float.next(bits).map(drop))
    }

    fn at(&self) -> i64 {
        self.at
    }

    fn sample(&self, layout: &Layout) -> HistogramSample {
        let [count, zero_count, sum] = self.head.map(|float| float.value());
        if is_absent(sum) {
            return HistogramSample { sum, is_float: true, ..HistogramSample::default() };
        }
        let (positive, negative) = self.buckets.split_at(layout.buckets[0]);
        let buckets = |sign: usize, floats: &[FloatWindow]| {
            buckets_of_spans(layout.spans[sign].iter().copied(), floats.iter().map(FloatWindow::value))
        };
        HistogramSample {
            count,
            zero_count,
            positive: buckets(0, positive),
            negative: buckets(1, negative),
            is_float: true,
            ..layout.empty(sum)
        }
    }
}
