//! Delimited protobuf: `io.prometheus.client.MetricFamily` messages
//! (<https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>), written
//! field by field, each preceded by its length. Infos and state sets are gauges here.

use std::sync::Arc;

use promemu_core::metric::{self, Buckets, Exemplar, Kind, MetricType, NativeHistogram, Quantiles, whole};
use promemu_core::series::{Family, LabelBlock, Sample};

use crate::native_buckets::{BucketTags, put_buckets, put_span};
use crate::protobuf::{
    low_bits, put_bytes, put_double, put_label, put_message, put_tag_and_len, put_uint, zigzag,
};

// Field tags, as number << 3 | wire type. MetricFamily:
const FAMILY_NAME: u8 = 0x0a;
const FAMILY_HELP: u8 = 0x12;
const FAMILY_TYPE: u8 = 0x18;
const FAMILY_METRIC: u8 = 0x22;
const FAMILY_UNIT: u8 = 0x2a;
// Metric:
const METRIC_LABEL: u8 = 0x0a;
const METRIC_GAUGE: u8 = 0x12;
const METRIC_COUNTER: u8 = 0x1a;
const METRIC_SUMMARY: u8 = 0x22;
const METRIC_HISTOGRAM: u8 = 0x3a;
// Gauge and Counter:
const VALUE: u8 = 0x09;
const COUNTER_EXEMPLAR: u8 = 0x12;
const COUNTER_CREATED: u8 = 0x1a;
// Summary and Histogram:
const SAMPLE_COUNT: u8 = 0x08;
const SAMPLE_SUM: u8 = 0x11;
// Summary:
const QUANTILE: u8 = 0x1a;
const SUMMARY_CREATED: u8 = 0x22;
// Quantile:
const QUANTILE_PLACE: u8 = 0x09;
const QUANTILE_VALUE: u8 = 0x11;
// Histogram:
const BUCKET: u8 = 0x1a;
const SCHEMA: u8 = 0x28;
const ZERO_THRESHOLD: u8 = 0x31;
const ZERO_COUNT: u8 = 0x38;
const NEGATIVE: BucketTags = BucketTags { span: 0x4a, delta: 0x52 };
const POSITIVE: BucketTags = BucketTags { span: 0x62, delta: 0x6a };
const HISTOGRAM_CREATED: u8 = 0x7a;
const HISTOGRAM_EXEMPLAR: [u8; 2] = [0x82, 0x01];
// Bucket:
const CUMULATIVE_COUNT: u8 = 0x08;
const UPPER_BOUND: u8 = 0x11;
const BUCKET_EXEMPLAR: u8 = 0x1a;
// Exemplar:
const EXEMPLAR_LABEL: u8 = 0x0a;
const EXEMPLAR_VALUE: u8 = 0x11;
const EXEMPLAR_TIME: u8 = 0x1a;
// Timestamp:
const SECONDS: u8 = 0x08;
const NANOS: u8 = 0x10;

/// Bytes of a family's length, enough for 34 GB.
const LEN_BYTES: usize = 5;

/// Appends the head of a family. The length comes first but is known last, so it gets a place of a fixed size.
pub(super) fn put_head(family: &Family, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; LEN_BYTES]);
    for (tag, text) in [(FAMILY_NAME, &family.name), (FAMILY_HELP, &family.help)] {
        put_bytes(tag, text.as_bytes(), out);
    }
    let metric_type = match family.metric_type {
        MetricType::Counter => 0,
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => 1,
        MetricType::Summary => 2,
        MetricType::Histogram | MetricType::NativeHistogram => 4,
    };
    out.extend_from_slice(&[FAMILY_TYPE, metric_type]);
    if !family.unit.is_empty() {
        put_bytes(FAMILY_UNIT, family.unit.as_bytes(), out);
    }
}

/// Writes the length of the family that begins at `start` and ends with `out`.
pub(super) fn put_len(start: usize, out: &mut [u8]) {
    let len = out.len() - start - LEN_BYTES;
    out[start..start + LEN_BYTES].copy_from_slice(&padded_varint(len));
}

/// A varint of a fixed size: its high groups may be zero (<https://protobuf.dev/programming-guides/encoding/#varints>).
fn padded_varint(len: usize) -> [u8; LEN_BYTES] {
    let mut bytes = [0; LEN_BYTES];
    for (n, byte) in bytes.iter_mut().enumerate() {
        let more = if n + 1 < LEN_BYTES { 0x80 } else { 0 };
        *byte = low_bits(len >> (7 * n)) | more;
    }
    bytes
}

/// Appends a `Metric` of a single number. `tail` comes from [`single_tail`].
#[inline]
pub(super) fn put_single(host_labels: &[u8], tail: &mut [u8], value: f64, out: &mut Vec<u8>) {
    if let Some(place) = tail.last_chunk_mut() {
        *place = value.to_le_bytes();
    }
    put_tag_and_len(FAMILY_METRIC, host_labels.len() + tail.len(), out);
    out.extend_from_slice(host_labels);
    out.extend_from_slice(tail);
}

/// The bytes that follow the host's labels in the series of one column: more labels, and `gauge or counter { value }`,
/// which ends with the place of the value.
pub(super) fn single_tail(metric_type: MetricType, labels: [&[u8]; 2]) -> Vec<u8> {
    let mut tail = labels.concat();
    put_value(if metric_type == MetricType::Counter { METRIC_COUNTER } else { METRIC_GAUGE }, 0.0, &mut tail);
    tail
}

/// Appends one series of any layout: one `Metric`, or one for each state.
pub(super) fn put_series(family: &Family, labels: [&LabelBlock; 3], sample: &Sample<'_>, out: &mut Vec<u8>) {
    let labels = labels.map(LabelBlock::as_protobuf);
    if let Kind::StateSet { states } = &sample.layout.kind {
        put_states(family, states, whole(sample.cells[0]), labels, out);
    } else {
        put_message(FAMILY_METRIC, out, |out| {
            put_labels(labels, out);
            put_content(family.metric_type, sample, out);
        });
    }
}

#[inline]
fn put_labels(labels: [&[u8]; 3], out: &mut Vec<u8>) {
    for block in labels {
        if !block.is_empty() {
            out.extend_from_slice(block);
        }
    }
}

/// Appends `gauge or counter { value }`.
fn put_value(kind: u8, value: f64, out: &mut Vec<u8>) {
    let mut field = [kind, 9, VALUE, 0, 0, 0, 0, 0, 0, 0, 0];
    field[3..].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&field);
}

/// Appends a `Metric` for each state; the label that holds the state is named like the family.
fn put_states(family: &Family, states: &[Arc<str>], state: u64, labels: [&[u8]; 3], out: &mut Vec<u8>) {
    for (n, name) in (0..).zip(states) {
        put_message(FAMILY_METRIC, out, |out| {
            put_labels(labels, out);
            put_label(METRIC_LABEL, family.name.as_bytes(), name.as_bytes(), out);
            put_value(METRIC_GAUGE, if n == state { 1.0 } else { 0.0 }, out);
        });
    }
}

/// Appends the part of a `Metric` that follows its labels.
fn put_content(metric_type: MetricType, sample: &Sample<'_>, out: &mut Vec<u8>) {
    let exemplar = sample.layout.exemplar(sample.cells);
    let created = sample.layout.created_unix_secs(sample.cells);
    match &sample.layout.kind {
        Kind::Value | Kind::StateSet { .. } if metric_type != MetricType::Counter => {
            put_value(METRIC_GAUGE, sample.cells[0], out);
        }
        Kind::Value | Kind::StateSet { .. } => put_message(METRIC_COUNTER, out, |out| {
            put_double(VALUE, sample.cells[0], out);
            put_exemplar(&[COUNTER_EXEMPLAR], exemplar, out);
            put_time(COUNTER_CREATED, created, out);
        }),
        Kind::Summary { quantiles } => put_message(METRIC_SUMMARY, out, |out| {
            put_summary(&metric::quantiles(quantiles, sample.cells), out);
            put_time(SUMMARY_CREATED, created, out);
        }),
        Kind::Histogram { bounds } => put_message(METRIC_HISTOGRAM, out, |out| {
            put_histogram(&metric::buckets(bounds, sample.cells), exemplar, out);
            put_time(HISTOGRAM_CREATED, created, out);
        }),
        Kind::NativeHistogram(layout) => put_message(METRIC_HISTOGRAM, out, |out| {
            put_native(&metric::native_histogram(layout, sample.cells), exemplar, out);
            put_time(HISTOGRAM_CREATED, created, out);
            put_exemplar(&HISTOGRAM_EXEMPLAR, exemplar, out);
        }),
    }
}

/// Appends `count, sum, quantile { quantile, value }…`.
fn put_summary(summary: &Quantiles<'_>, out: &mut Vec<u8>) {
    put_uint(SAMPLE_COUNT, whole(summary.count), out);
    put_double(SAMPLE_SUM, summary.sum, out);
    for (quantile, value) in summary.quantiles.iter().zip(summary.values) {
        put_message(QUANTILE, out, |out| {
            put_double(QUANTILE_PLACE, *quantile, out);
            put_double(QUANTILE_VALUE, *value, out);
        });
    }
}

/// Appends `count, sum, bucket { cumulative count, upper bound, exemplar }…`. The `+Inf` bucket is left out unless the
/// exemplar is there, as its count is the count of all.
fn put_histogram(buckets: &Buckets<'_>, exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
    let marked = exemplar.map(|exemplar| buckets.bucket_of(exemplar.value));
    put_uint(SAMPLE_COUNT, buckets.counts.iter().map(|count| whole(*count)).sum(), out);
    put_double(SAMPLE_SUM, buckets.sum, out);
    let mut cumulative = 0;
    let bounds = buckets.bounds.iter().chain(&[f64::INFINITY]);
    for (n, (count, bound)) in buckets.counts.iter().zip(bounds).enumerate() {
        cumulative += whole(*count);
        let is_marked = marked == Some(n);
        if n < buckets.bounds.len() || is_marked {
            put_bucket(cumulative, *bound, exemplar.filter(|_| is_marked), out);
        }
    }
}

fn put_bucket(cumulative: u64, bound: f64, exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
    put_message(BUCKET, out, |out| {
        put_uint(CUMULATIVE_COUNT, cumulative, out);
        put_double(UPPER_BOUND, bound, out);
        put_exemplar(&[BUCKET_EXEMPLAR], exemplar, out);
    });
}

/// Appends `count, sum, schema, zero threshold, zero count, spans and deltas`. Prometheus before 2.50 looks for exemplars in
/// classic buckets only, so an exemplar gets one.
fn put_native(histogram: &NativeHistogram<'_>, exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
    put_uint(SAMPLE_COUNT, whole(histogram.count), out);
    put_double(SAMPLE_SUM, histogram.sum, out);
    if exemplar.is_some() {
        put_bucket(whole(histogram.count), f64::INFINITY, exemplar, out);
    }
    put_uint(SCHEMA, zigzag(i64::from(histogram.schema)), out);
    put_double(ZERO_THRESHOLD, histogram.zero_threshold, out);
    put_uint(ZERO_COUNT, whole(histogram.zero_count), out);
    put_buckets(NEGATIVE, histogram.negative, out);
    put_buckets(POSITIVE, histogram.positive, out);
    if histogram.count <= 0.0 {
        // Readers take a histogram without any span for a classic one.
        put_span(POSITIVE.span, 0, 0, out);
    }
}

fn put_exemplar(tag: &[u8], exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
    let Some(exemplar) = exemplar else { return };
    let (last, first) = (tag[tag.len() - 1], &tag[..tag.len() - 1]);
    out.extend_from_slice(first);
    put_message(last, out, |out| {
        let [trace, span] = Exemplar::LABELS;
        put_label(EXEMPLAR_LABEL, trace.as_bytes(), &exemplar.trace_id(), out);
        put_label(EXEMPLAR_LABEL, span.as_bytes(), &exemplar.span_id(), out);
        put_double(EXEMPLAR_VALUE, exemplar.value, out);
        put_time(EXEMPLAR_TIME, Some(exemplar.unix_secs), out);
    });
}

/// Appends `Timestamp { seconds, nanos }`, rounded to milliseconds.
fn put_time(tag: u8, unix_secs: Option<f64>, out: &mut Vec<u8>) {
    let Some(unix_secs) = unix_secs else { return };
    let millis = whole(libm::round(unix_secs * 1000.0));
    put_message(tag, out, |out| {
        put_uint(SECONDS, millis / 1000, out);
        put_uint(NANOS, millis % 1000 * 1_000_000, out);
    });
}
