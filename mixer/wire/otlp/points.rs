//! Data points
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto>).

use promemu_core::metric::{self, Exemplar, Kind, Layout, MetricType, NativeBuckets, NativeHistogram, whole};

use crate::protobuf::{
    len_len, put_double, put_fixed64, put_tag_and_len, put_uint, put_varint, varint_len, zigzag,
};

/// The kind of a metric's data points: the field of `Metric.data` that holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PointKind {
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

// Field tags, as number << 3 | wire type. All points:
const START_TIME: u8 = 0x11;
const TIME: u8 = 0x19;
const COUNT: u8 = 0x21;
const SUM: u8 = 0x29;
// NumberDataPoint:
const AS_DOUBLE: u8 = 0x21;
// HistogramDataPoint:
const BUCKET_COUNTS: u8 = 0x32;
const EXPLICIT_BOUNDS: u8 = 0x3a;
// ExponentialHistogramDataPoint:
const SCALE: u8 = 0x30;
const ZERO_COUNT: u8 = 0x39;
const POSITIVE: u8 = 0x42;
const NEGATIVE: u8 = 0x4a;
const ZERO_THRESHOLD: u8 = 0x71;
// Its Buckets:
const OFFSET: u8 = 0x08;
const COUNTS: u8 = 0x12;
// SummaryDataPoint:
const QUANTILE_VALUE: u8 = 0x32;
// Its ValueAtQuantile:
const QUANTILE: u8 = 0x09;
const VALUE: u8 = 0x11;
// Exemplar:
const EXEMPLAR_TIME: u8 = 0x11;
const EXEMPLAR_VALUE: u8 = 0x19;
const SPAN_ID: u8 = 0x22;
const TRACE_ID: u8 = 0x2a;

const FIXED_LEN: u8 = 9;
/// `DataPointFlags`: the point has no value, as a staleness marker.
const NO_RECORDED_VALUE: u8 = 1;

impl PointKind {
    pub(super) const fn of(metric_type: MetricType) -> Self {
        match metric_type {
            MetricType::Counter => Self::Sum,
            MetricType::Histogram => Self::Histogram,
            MetricType::NativeHistogram => Self::ExponentialHistogram,
            MetricType::Summary => Self::Summary,
            MetricType::Gauge | MetricType::Info | MetricType::StateSet => Self::Gauge,
        }
    }

    /// Tag of the `Metric` field that holds the points.
    pub(super) const fn tag(self) -> u8 {
        match self {
            Self::Gauge => 0x2a,
            Self::Sum => 0x3a,
            Self::Histogram => 0x4a,
            Self::ExponentialHistogram => 0x52,
            Self::Summary => 0x5a,
        }
    }

    /// The fields beside the points: `aggregation_temporality` is cumulative, and a sum `is_monotonic`.
    pub(super) const fn properties(self) -> &'static [u8] {
        match self {
            Self::Gauge | Self::Summary => &[],
            Self::Sum => &[0x10, 2, 0x18, 1],
            Self::Histogram | Self::ExponentialHistogram => &[0x10, 2],
        }
    }

    /// Tag of a point's attributes.
    pub(super) const fn attributes_tag(self) -> u8 {
        match self {
            Self::Gauge | Self::Sum | Self::Summary => 0x3a,
            Self::Histogram => 0x4a,
            Self::ExponentialHistogram => 0x0a,
        }
    }

    const fn flags_tag(self) -> u8 {
        match self {
            Self::Gauge | Self::Sum | Self::Summary => 0x40,
            Self::Histogram | Self::ExponentialHistogram => 0x50,
        }
    }

    const fn exemplars_tag(self) -> u8 {
        match self {
            Self::ExponentialHistogram => 0x5a,
            Self::Histogram => 0x42,
            Self::Gauge | Self::Sum | Self::Summary => 0x2a,
        }
    }
}

/// Times of a point, in nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) start: Option<u64>,
    pub(super) now: u64,
}

impl Times {
    fn put(self, out: &mut Vec<u8>) {
        if let Some(start) = self.start {
            put_fixed64(START_TIME, start, out);
        }
        put_fixed64(TIME, self.now, out);
    }
}

/// Appends the point that ends a series. Servers end the series that they would make of the point, so it names all parts
/// of a distribution without their values. The buckets of an exponential histogram are missing, as they are not known any
/// more.
pub(super) fn put_end(kind: PointKind, layout: &Layout, now: u64, out: &mut Vec<u8>) {
    put_fixed64(TIME, now, out);
    match &layout.kind {
        Kind::Histogram { bounds } => {
            put_fixed64(COUNT, 0, out);
            put_double(SUM, 0.0, out);
            put_packed(BUCKET_COUNTS, std::iter::repeat_n([0; 8], bounds.len() + 1), out);
            put_packed(EXPLICIT_BOUNDS, bounds.iter().map(|bound| bound.to_le_bytes()), out);
        }
        Kind::NativeHistogram(_) => {
            put_fixed64(COUNT, 0, out);
            put_double(SUM, 0.0, out);
        }
        Kind::Summary { quantiles } => {
            put_fixed64(COUNT, 0, out);
            put_double(SUM, 0.0, out);
            quantiles.iter().for_each(|quantile| put_quantile(*quantile, 0.0, out));
        }
        Kind::Value | Kind::StateSet { .. } => {}
    }
    out.extend_from_slice(&[kind.flags_tag(), NO_RECORDED_VALUE]);
}

/// Appends the fields of a `NumberDataPoint`.
pub(super) fn put_number(times: Times, value: f64, out: &mut Vec<u8>) {
    times.put(out);
    put_double(AS_DOUBLE, value, out);
}

/// Appends the fields of the point of a histogram or summary.
pub(super) fn put_distribution(layout: &Layout, times: Times, cells: &[f64], out: &mut Vec<u8>) {
    times.put(out);
    match &layout.kind {
        Kind::Histogram { bounds } => {
            let buckets = metric::buckets(bounds, cells);
            put_fixed64(COUNT, whole(buckets.count()), out);
            put_double(SUM, buckets.sum, out);
            put_packed(BUCKET_COUNTS, buckets.counts.iter().map(|count| whole(*count).to_le_bytes()), out);
            put_packed(EXPLICIT_BOUNDS, bounds.iter().map(|bound| bound.to_le_bytes()), out);
        }
        Kind::NativeHistogram(layout) => put_exponential(&metric::native_histogram(layout, cells), out),
        Kind::Summary { quantiles } => {
            let summary = metric::quantiles(quantiles, cells);
            put_fixed64(COUNT, whole(summary.count), out);
            put_double(SUM, summary.sum, out);
            for (quantile, value) in quantiles.iter().zip(summary.values) {
                put_quantile(*quantile, *value, out);
            }
        }
        Kind::Value | Kind::StateSet { .. } => {}
    }
}

fn put_quantile(quantile: f64, value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[QUANTILE_VALUE, 2 * FIXED_LEN]);
    put_double(QUANTILE, quantile, out);
    put_double(VALUE, value, out);
}

fn put_exponential(histogram: &NativeHistogram<'_>, out: &mut Vec<u8>) {
    put_fixed64(COUNT, whole(histogram.count), out);
    put_double(SUM, histogram.sum, out);
    put_uint(SCALE, zigzag(i64::from(histogram.schema)), out);
    put_fixed64(ZERO_COUNT, whole(histogram.zero_count), out);
    put_buckets(POSITIVE, histogram.positive, out);
    put_buckets(NEGATIVE, histogram.negative, out);
    put_double(ZERO_THRESHOLD, histogram.zero_threshold, out);
}

/// Appends buckets, empty ones among them. Bucket 0 begins at 1 here, and ends there for Prometheus
/// (<https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponential-buckets>).
fn put_buckets(tag: u8, buckets: NativeBuckets<'_>, out: &mut Vec<u8>) {
    if buckets.counts.is_empty() {
        return;
    }
    let offset = zigzag(i64::from(buckets.first) - 1);
    let counts_len: usize = buckets.counts.iter().map(|count| varint_len(whole(*count))).sum();
    put_tag_and_len(tag, 1 + varint_len(offset) + 1 + len_len(counts_len) + counts_len, out);
    put_uint(OFFSET, offset, out);
    put_tag_and_len(COUNTS, counts_len, out);
    buckets.counts.iter().for_each(|count| put_varint(out, whole(*count)));
}

/// Appends an exemplar as a field of a point. Trace and span are bytes here, not hexadecimal digits.
pub(super) fn put_exemplar(kind: PointKind, exemplar: Exemplar, out: &mut Vec<u8>) {
    let (span_id, trace_id) = (exemplar.span_id(), exemplar.trace_id());
    let ids = [(SPAN_ID, span_id.as_slice()), (TRACE_ID, trace_id.as_slice())];
    out.extend_from_slice(&[kind.exemplars_tag(), 2 * FIXED_LEN + 2 + 8 + 2 + 16]);
    put_fixed64(EXEMPLAR_TIME, nanos_of(exemplar.unix_secs), out);
    put_double(EXEMPLAR_VALUE, exemplar.value, out);
    for (tag, digits) in ids {
        put_tag_and_len(tag, digits.len() / 2, out);
        let digit = |digit: u8| if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
        out.extend(digits.as_chunks::<2>().0.iter().map(|pair| digit(pair[0]) << 4 | digit(pair[1])));
    }
}

fn put_packed(tag: u8, numbers: impl ExactSizeIterator<Item = [u8; 8]>, out: &mut Vec<u8>) {
    put_tag_and_len(tag, numbers.len() * 8, out);
    numbers.for_each(|number| out.extend_from_slice(&number));
}

/// Whole nanoseconds; 0 before 1970.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) const fn nanos_of(unix_secs: f64) -> u64 {
    (unix_secs * 1e9) as u64
}
