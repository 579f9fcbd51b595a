//! Data points, field by field
//! (<https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto>).

use promemu_core::metric::{self, Exemplar, Kind, Layout, MetricType, NativeBuckets, NativeHistogram, whole};
use promemu_core::series::{put_varint, varint_len};

/// What a metric's points are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
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
/// `DataPointFlags`: there is no value, as a staleness marker says it.
const NO_RECORDED_VALUE: u8 = 1;

impl Form {
    pub(super) const fn of(metric_type: MetricType) -> Self {
        match metric_type {
            MetricType::Counter => Self::Sum,
            MetricType::Histogram => Self::Histogram,
            MetricType::NativeHistogram => Self::ExponentialHistogram,
            MetricType::Summary => Self::Summary,
            MetricType::Gauge | MetricType::Info | MetricType::StateSet => Self::Gauge,
        }
    }

    /// The field of a `Metric` that has its points.
    pub(super) const fn tag(self) -> u8 {
        match self {
            Self::Gauge => 0x2a,
            Self::Sum => 0x3a,
            Self::Histogram => 0x4a,
            Self::ExponentialHistogram => 0x52,
            Self::Summary => 0x5a,
        }
    }

    /// What stands beside the points: they are cumulative, and a sum only grows.
    pub(super) const fn properties(self) -> &'static [u8] {
        match self {
            Self::Gauge | Self::Summary => &[],
            Self::Sum => &[0x10, 2, 0x18, 1],
            Self::Histogram | Self::ExponentialHistogram => &[0x10, 2],
        }
    }

    /// The field of a point's attributes.
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
            put_fixed(START_TIME, start, out);
        }
        put_fixed(TIME, self.now, out);
    }
}

/// The end of a series. Servers end those series that they would make of the point, so all that a
/// distribution consists of is named, without a value: but for the buckets of an exponential histogram,
/// which nobody knows any more.
pub(super) fn put_end(form: Form, layout: &Layout, now: u64, out: &mut Vec<u8>) {
    put_fixed(TIME, now, out);
    match &layout.kind {
        Kind::Histogram { bounds } => {
            put_fixed(COUNT, 0, out);
            put_double(SUM, 0.0, out);
            put_packed(BUCKET_COUNTS, std::iter::repeat_n([0; 8], bounds.len() + 1), out);
            put_packed(EXPLICIT_BOUNDS, bounds.iter().map(|bound| bound.to_le_bytes()), out);
        }
        Kind::NativeHistogram(_) => {
            put_fixed(COUNT, 0, out);
            put_double(SUM, 0.0, out);
        }
        Kind::Summary { quantiles } => {
            put_fixed(COUNT, 0, out);
            put_double(SUM, 0.0, out);
            quantiles.iter().for_each(|quantile| put_quantile(*quantile, 0.0, out));
        }
        Kind::Value | Kind::StateSet { .. } => {}
    }
    out.extend_from_slice(&[form.flags_tag(), NO_RECORDED_VALUE]);
}

/// A number's point.
pub(super) fn put_number(times: Times, value: f64, out: &mut Vec<u8>) {
    times.put(out);
    put_double(AS_DOUBLE, value, out);
}

/// The point of what is not one number.
pub(super) fn put_distribution(layout: &Layout, times: Times, cells: &[f64], out: &mut Vec<u8>) {
    times.put(out);
    match &layout.kind {
        Kind::Histogram { bounds } => {
            let buckets = metric::buckets(bounds, cells);
            put_fixed(COUNT, whole(buckets.count()), out);
            put_double(SUM, buckets.sum, out);
            put_packed(BUCKET_COUNTS, buckets.counts.iter().map(|count| whole(*count).to_le_bytes()), out);
            put_packed(EXPLICIT_BOUNDS, bounds.iter().map(|bound| bound.to_le_bytes()), out);
        }
        Kind::NativeHistogram(layout) => put_exponential(&metric::native_histogram(layout, cells), out),
        Kind::Summary { quantiles } => {
            let summary = metric::quantiles(quantiles, cells);
            put_fixed(COUNT, whole(summary.count), out);
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
    put_fixed(COUNT, whole(histogram.count), out);
    put_double(SUM, histogram.sum, out);
    out.push(SCALE);
    put_varint(out, zigzag(i64::from(histogram.schema)));
    put_fixed(ZERO_COUNT, whole(histogram.zero_count), out);
    put_side(POSITIVE, histogram.positive, out);
    put_side(NEGATIVE, histogram.negative, out);
    put_double(ZERO_THRESHOLD, histogram.zero_threshold, out);
}

/// Buckets without gaps. Here bucket 0 begins at 1, where that of Prometheus ends
/// (<https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponential-buckets>).
fn put_side(tag: u8, side: NativeBuckets<'_>, out: &mut Vec<u8>) {
    if side.counts.is_empty() {
        return;
    }
    let offset = zigzag(i64::from(side.first) - 1);
    let counts_len: usize = side.counts.iter().map(|count| varint_len(whole(*count))).sum();
    let len = 1 + varint_len(offset) + 1 + varint_len(counts_len as u64) + counts_len;
    out.push(tag);
    put_varint(out, len as u64);
    out.push(OFFSET);
    put_varint(out, offset);
    out.push(COUNTS);
    put_varint(out, counts_len as u64);
    side.counts.iter().for_each(|count| put_varint(out, whole(*count)));
}

/// An exemplar, as a field of a point. Its trace and its span are bytes here.
pub(super) fn put_exemplar(form: Form, exemplar: Exemplar, out: &mut Vec<u8>) {
    let (span_id, trace_id) = (exemplar.span_id(), exemplar.trace_id());
    let ids = [(SPAN_ID, span_id.as_slice()), (TRACE_ID, trace_id.as_slice())];
    out.extend_from_slice(&[form.exemplars_tag(), 2 * FIXED_LEN + 2 + 8 + 2 + 16]);
    put_fixed(EXEMPLAR_TIME, nanos_of(exemplar.unix_secs), out);
    put_double(EXEMPLAR_VALUE, exemplar.value, out);
    for (tag, digits) in ids {
        out.push(tag);
        put_varint(out, digits.len() as u64 / 2);
        let digit = |digit: u8| if digit <= b'9' { digit - b'0' } else { digit - b'a' + 10 };
        out.extend(digits.as_chunks::<2>().0.iter().map(|pair| digit(pair[0]) << 4 | digit(pair[1])));
    }
}

fn put_packed(tag: u8, numbers: impl ExactSizeIterator<Item = [u8; 8]>, out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(out, numbers.len() as u64 * 8);
    numbers.for_each(|number| out.extend_from_slice(&number));
}

fn put_fixed(tag: u8, number: u64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_double(tag: u8, value: f64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Small numbers of both signs as small numbers (<https://protobuf.dev/programming-guides/encoding/#signed-ints>).
const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// Whole nanoseconds; none before 1970.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) const fn nanos_of(unix_secs: f64) -> u64 {
    (unix_secs * 1e9) as u64
}
