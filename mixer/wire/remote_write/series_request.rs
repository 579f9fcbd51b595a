//! A request of version 1.0 whose series have many samples each, as for a past. It has no exemplars and no metadata.

use promemu_core::metric::{ABSENT, NativeHistogram};

use super::compression::Compressor;
use super::histogram::{SUM, TIMESTAMP, put_histogram};
use super::labels::LABEL;
use super::sample::put_sample;
use super::v1::{HISTOGRAM, TIME_SERIES};
use crate::protobuf::{put_bytes, put_double, put_label, put_uint};
use crate::request::Batch;

/// The request so far.
#[derive(Debug, Default)]
pub(crate) struct SeriesRequest {
    out: Vec<u8>,
    /// Number of samples in it.
    samples: u64,
    /// The series that is being written, and its samples.
    series: Vec<u8>,
    series_samples: u64,
    /// Buffer for a message in `series`.
    message: Vec<u8>,
    compressor: Compressor,
}

impl SeriesRequest {
    /// Begins a series with these labels, which are sorted by name.
    pub(crate) fn begin_series<'l>(&mut self, labels: impl Iterator<Item = (&'l str, &'l str)>) {
        self.series.clear();
        self.series_samples = 0;
        for (name, value) in labels {
            put_label(LABEL, name.as_bytes(), value.as_bytes(), &mut self.series);
        }
    }

    /// Appends a float to the series.
    #[inline]
    pub(crate) fn put_float(&mut self, unix_millis: i64, value: f64) {
        put_sample(value, unix_millis.cast_unsigned(), &mut self.series);
        self.series_samples += 1;
    }

    /// Appends a native histogram to the series.
    pub(crate) fn put_histogram(&mut self, unix_millis: i64, histogram: &NativeHistogram<'_>) {
        self.message.clear();
        put_histogram(histogram, unix_millis.cast_unsigned(), None, &mut self.message);
        put_bytes(HISTOGRAM, &self.message, &mut self.series);
        self.series_samples += 1;
    }

    /// Appends a staleness marker to a series of native histograms, as one. A receiver takes all floats of a series before its
    /// histograms, so a float among them would make them out of order.
    pub(crate) fn put_histogram_marker(&mut self, unix_millis: i64) {
        self.message.clear();
        put_double(SUM, ABSENT, &mut self.message);
        put_uint(TIMESTAMP, unix_millis.cast_unsigned(), &mut self.message);
        put_bytes(HISTOGRAM, &self.message, &mut self.series);
        self.series_samples += 1;
    }

    /// Ends the series. One without samples is left out.
    pub(crate) fn end_series(&mut self) {
        if self.series_samples > 0 {
            put_bytes(TIME_SERIES, &self.series, &mut self.out);
            self.samples += self.series_samples;
        }
    }

    /// Bytes so far, before compression.
    pub(crate) const fn bytes(&self) -> usize {
        self.out.len()
    }

    /// Samples so far.
    pub(crate) const fn samples(&self) -> u64 {
        self.samples
    }

    /// The request. The next one begins empty.
    pub(crate) fn take(&mut self) -> Batch {
        let body = self.compressor.compress(&self.out).into();
        let samples = std::mem::take(&mut self.samples);
        self.out.clear();
        Batch { body, samples, round: 0, cuts: Box::default() }
    }
}
