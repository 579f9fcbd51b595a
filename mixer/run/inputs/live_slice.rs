//! The slice of a live input that is being filled, in memory.
//!
//! It is written when its time is over, or when it has so many rows that memory would not be bounded.

use std::collections::BTreeMap;
use std::io;

use promemu_wire::recording::{RecordingFolder, SliceWriter};
use promemu_wire::samples::{HistogramSample, ReadSeries, SampleValue};

use super::outlet::Batch;

/// Number of rows at which a slice is written before its time: some 50 MB.
pub(super) const ROWS_MAX: usize = 1_000_000;

/// The samples of a slice, by series in the order of their labels.
#[derive(Debug, Default)]
pub(super) struct LiveSlice {
    series: BTreeMap<ReadSeries, SeriesSamples>,
    rows: usize,
    /// Times of the first and the last sample.
    times: Option<(i64, i64)>,
}

#[derive(Debug, Default)]
struct SeriesSamples {
    floats: Vec<(i64, f64)>,
    histograms: Vec<(i64, HistogramSample)>,
}

impl LiveSlice {
    pub(super) fn put(&mut self, batch: Batch) {
        for (series, at, value) in batch.samples {
            let (first, last) = self.times.unwrap_or((at, at));
            self.times = Some((first.min(at), last.max(at)));
            self.rows += 1;
            let own = self.series.entry(series).or_default();
            match value {
                SampleValue::Float(value) => own.floats.push((at, value)),
                SampleValue::Histogram(histogram) => own.histograms.push((at, *histogram)),
            }
        }
    }

    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// The time of its last sample.
    pub(super) fn newest(&self) -> Option<i64> {
        self.times.map(|(_, last)| last)
    }

    /// Writes it; its time begins at this millisecond, or with its first sample.
    pub(super) fn write(
        self,
        folder: &RecordingFolder,
        source: &str,
        begin_ms: i64,
    ) -> io::Result<SliceWriter> {
        let begin_ms = self.times.map_or(begin_ms, |(first, _)| first.min(begin_ms));
        let mut writer = folder.begin_slice(source, begin_ms);
        for (series, samples) in self.series {
            if !samples.floats.is_empty() {
                writer.put_floats(&series, samples.floats)?;
            }
            for (at, histogram) in samples.histograms {
                writer.put_histogram(&series, at, histogram)?;
            }
        }
        Ok(writer)
    }
}
