//! Delimited protobuf: `io.prometheus.client.MetricFamily` messages
//! (<https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>), written
//! field by field, each message behind its length. Infos and state sets are gauges there.

use promemu_core::metric::{
    self, Buckets, Exemplar, Kind, MetricType, NativeBuckets, NativeHistogram, Quantiles, whole,
};
use promemu_core::series::{Family, LabelBlock, Sample, put_varint, varint_len};

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
// LabelPair:
const LABEL_NAME: u8 = 0x0a;
const LABEL_VALUE: u8 = 0x12;
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
const NEGATIVE: [u8; 2] = [0x4a, 0x52];
const POSITIVE: [u8; 2] = [0x62, 0x6a];
const HISTOGRAM_CREATED: u8 = 0x7a;
const HISTOGRAM_EXEMPLAR: [u8; 2] = [0x82, 0x01];
// Bucket:
const CUMULATIVE_COUNT: u8 = 0x08;
const UPPER_BOUND: u8 = 0x11;
const BUCKET_EXEMPLAR: u8 = 0x1a;
// BucketSpan:
const SPAN_OFFSET: u8 = 0x08;
const SPAN_LENGTH: u8 = 0x10;
// Exemplar:
const EXEMPLAR_LABEL: u8 = 0x0a;
const EXEMPLAR_VALUE: u8 = 0x11;
const EXEMPLAR_TIME: u8 = 0x1a;
// Timestamp:
const SECONDS: u8 = 0x08;
const NANOS: u8 = 0x10;

/// The length of a family takes so many bytes, enough for 34 GB.
const LENGTH_BYTES: usize = 5;

/// Appends what comes before a family's series. Its length is known last; its place has room for any.
pub(super) fn put_head(family: &Family, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; LENGTH_BYTES]);
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

/// Ends the family that begins there.
pub(super) fn end(before: usize, out: &mut [u8]) {
    let len = out.len() - before - LENGTH_BYTES;
    out[before..before + LENGTH_BYTES].copy_from_slice(&padded_varint(len));
}

/// Any length in the same number of bytes: a varint may have high groups of zeros
/// (<https://protobuf.dev/programming-guides/encoding/#varints>).
fn padded_varint(len: usize) -> [u8; LENGTH_BYTES] {
    let mut bytes = [0; LENGTH_BYTES];
    for (n, byte) in bytes.iter_mut().enumerate() {
        let more = if n + 1 < LENGTH_BYTES { 0x80 } else { 0 };
        *byte = low_bits(len >> (7 * n)) | more;
    }
    bytes
}

/// Appends the metric of a series of one number. The tail is what comes behind the host's labels, with room for
/// the value at its end.
#[inline]
pub(super) fn put_plain(host_labels: &[u8], tail: &mut [u8], value: f64, out: &mut Vec<u8>) {
    if let Some(place) = tail.last_chunk_mut() {
        *place = value.to_le_bytes();
    }
    put_tag_and_len(FAMILY_METRIC, host_labels.len() + tail.len(), out);
    out.extend_from_slice(host_labels);
    out.extend_from_slice(tail);
}

/// The tail of the series of one metric: labels, and `gauge or counter { value }`.
pub(super) fn plain_tail(metric_type: MetricType, labels: [&[u8]; 2]) -> Vec<u8> {
    let mut tail = labels.concat();
    put_value(if metric_type == MetricType::Counter { METRIC_COUNTER } else { METRIC_GAUGE }, 0.0, &mut tail);
    tail
}

/// Appends the metric of one series of more than a number, or one metric for each state.
pub(super) fn put_series(family: &Family, sample: &Sample<'_>, group_labels: &LabelBlock, out: &mut Vec<u8>) {
    let labels = [sample.host_labels, sample.metric_labels, group_labels].map(LabelBlock::as_protobuf);
    if let Kind::StateSet { states } = &sample.layout.kind {
        put_states(family, states, whole(sample.cells[0]), labels, out);
    } else {
        nest(FAMILY_METRIC, out, |out| {
            put_labels(labels, out);
            put_complex(sample, out);
        });
    }
}

/// Lengths that series usually have are written in one piece.
#[inline]
fn put_tag_and_len(tag: u8, len: usize, out: &mut Vec<u8>) {
    match len {
        0..0x80 => out.extend_from_slice(&[tag, low_bits(len)]),
        0x80..0x4000 => out.extend_from_slice(&[tag, low_bits(len) | 0x80, low_bits(len >> 7)]),
        _ => {
            out.push(tag);
            put_varint(out, len as u64);
        }
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

/// `gauge or counter { value }`
fn put_value(kind: u8, value: f64, out: &mut Vec<u8>) {
    let mut field = [kind, 9, VALUE, 0, 0, 0, 0, 0, 0, 0, 0];
    field[3..].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&field);
}

/// One metric for each state, with a label of the family's name.
fn put_states(
    family: &Family,
    states: &[std::sync::Arc<str>],
    state: u64,
    labels: [&[u8]; 3],
    out: &mut Vec<u8>,
) {
    for (n, name) in (0..).zip(states) {
        nest(FAMILY_METRIC, out, |out| {
            put_labels(labels, out);
            put_label(METRIC_LABEL, &family.name, name.as_bytes(), out);
            put_value(METRIC_GAUGE, if n == state { 1.0 } else { 0.0 }, out);
        });
    }
}

/// What is more than a single number.
fn put_complex(sample: &Sample<'_>, out: &mut Vec<u8>) {
    let exemplar = sample.layout.exemplar(sample.cells);
    let created = sample.layout.created_unix_secs(sample.cells);
    match &sample.layout.kind {
        // Only counters have more than that.
        Kind::Value | Kind::StateSet { .. } => nest(METRIC_COUNTER, out, |out| {
            put_double(VALUE, sample.cells[0], out);
            put_exemplar(&[COUNTER_EXEMPLAR], exemplar, out);
            put_time(COUNTER_CREATED, created, out);
        }),
        Kind::Summary { quantiles } => nest(METRIC_SUMMARY, out, |out| {
            put_summary(&metric::quantiles(quantiles, sample.cells), out);
            put_time(SUMMARY_CREATED, created, out);
        }),
        Kind::Histogram { bounds } => nest(METRIC_HISTOGRAM, out, |out| {
            put_histogram(&metric::buckets(bounds, sample.cells), exemplar, out);
            put_time(HISTOGRAM_CREATED, created, out);
        }),
        Kind::NativeHistogram(layout) => nest(METRIC_HISTOGRAM, out, |out| {
            put_native(&metric::native_histogram(layout, sample.cells), exemplar, out);
            put_time(HISTOGRAM_CREATED, created, out);
            put_exemplar(&HISTOGRAM_EXEMPLAR, exemplar, out);
        }),
    }
}

/// `count, sum, quantile { quantile, value }…`
fn put_summary(summary: &Quantiles<'_>, out: &mut Vec<u8>) {
    put_number(SAMPLE_COUNT, whole(summary.count), out);
    put_double(SAMPLE_SUM, summary.sum, out);
    for (quantile, value) in summary.quantiles.iter().zip(summary.values) {
        nest(QUANTILE, out, |out| {
            put_double(QUANTILE_PLACE, *quantile, out);
            put_double(QUANTILE_VALUE, *value, out);
        });
    }
}

/// `count, sum, bucket { cumulative count, upper bound, exemplar }…`. The bucket up to infinity is left out, as its
/// count is the count of all, unless the exemplar is there.
fn put_histogram(buckets: &Buckets<'_>, exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
    let marked = exemplar.map(|exemplar| buckets.bucket_of(exemplar.value));
    put_number(SAMPLE_COUNT, buckets.counts.iter().map(|count| whole(*count)).sum(), out);
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
    nest(BUCKET, out, |out| {
        put_number(CUMULATIVE_COUNT, cumulative, out);
        put_double(UPPER_BOUND, bound, out);
        put_exemplar(&[BUCKET_EXEMPLAR], exemplar, out);
    });
}

/// `count, sum, schema, zero threshold, zero count, spans and deltas`. Prometheus before 2.50 looks for the exemplar in a
/// bucket only, so there is one for it.
fn put_native(histogram: &NativeHistogram<'_>, exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
    put_number(SAMPLE_COUNT, whole(histogram.count), out);
    put_double(SAMPLE_SUM, histogram.sum, out);
    if exemplar.is_some() {
        put_bucket(whole(histogram.count), f64::INFINITY, exemplar, out);
    }
    put_number(SCHEMA, zigzag(i64::from(histogram.schema)), out);
    put_double(ZERO_THRESHOLD, histogram.zero_threshold, out);
    put_number(ZERO_COUNT, whole(histogram.zero_count), out);
    put_side(NEGATIVE, histogram.negative, out);
    put_side(POSITIVE, histogram.positive, out);
    if histogram.count <= 0.0 {
        // Without any bucket it would be taken for a classic one.
        nest(POSITIVE[0], out, |out| out.extend_from_slice(&[SPAN_OFFSET, 0, SPAN_LENGTH, 0]));
    }
}

/// The spans of buckets, and how each bucket differs from the one before.
fn put_side([span_tag, delta_tag]: [u8; 2], side: NativeBuckets<'_>, out: &mut Vec<u8>) {
    if side.counts.is_empty() {
        return;
    }
    for (offset, counts) in side.spans() {
        nest(span_tag, out, |out| {
            put_number(SPAN_OFFSET, zigzag(i64::from(offset)), out);
            put_number(SPAN_LENGTH, counts.len() as u64, out);
        });
    }
    nest(delta_tag, out, |out| {
        let mut last = 0i64;
        for count in side.spans().flat_map(|(_, counts)| counts) {
            let count = whole(*count).cast_signed();
            put_varint(out, zigzag(count - last));
            last = count;
        }
    });
}

fn put_exemplar(tag: &[u8], exemplar: Option<Exemplar>, out: &mut Vec<u8>) {
    let Some(exemplar) = exemplar else { return };
    let (last, first) = (tag[tag.len() - 1], &tag[..tag.len() - 1]);
    out.extend_from_slice(first);
    nest(last, out, |out| {
        let [trace, span] = Exemplar::LABELS;
        put_label(EXEMPLAR_LABEL, trace, &exemplar.trace_id(), out);
        put_label(EXEMPLAR_LABEL, span, &exemplar.span_id(), out);
        put_double(EXEMPLAR_VALUE, exemplar.value, out);
        put_time(EXEMPLAR_TIME, Some(exemplar.unix_secs), out);
    });
}

fn put_label(tag: u8, name: &str, value: &[u8], out: &mut Vec<u8>) {
    nest(tag, out, |out| {
        put_bytes(LABEL_NAME, name.as_bytes(), out);
        put_bytes(LABEL_VALUE, value, out);
    });
}

/// `Timestamp { seconds, nanos }`, to milliseconds.
fn put_time(tag: u8, unix_secs: Option<f64>, out: &mut Vec<u8>) {
    let Some(unix_secs) = unix_secs else { return };
    let millis = whole(libm::round(unix_secs * 1000.0));
    nest(tag, out, |out| {
        put_number(SECONDS, millis / 1000, out);
        put_number(NANOS, millis % 1000 * 1_000_000, out);
    });
}

/// Appends a message in a field, behind its length, which is known last.
fn nest(tag: u8, out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[tag, 0]);
    let start = out.len();
    put(out);
    let len = out.len() - start;
    if let Ok(len) = u8::try_from(len)
        && len < 0x80
    {
        out[start - 1] = len;
        return;
    }
    // The message makes room for the rest of its length.
    let length_len = varint_len(len as u64);
    out.resize(out.len() + length_len - 1, 0);
    out.copy_within(start..start + len, start - 1 + length_len);
    let mut rest = len;
    for byte in &mut out[start - 1..start - 1 + length_len] {
        *byte = low_bits(rest) | if rest < 0x80 { 0 } else { 0x80 };
        rest >>= 7;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken")]
const fn low_bits(number: usize) -> u8 {
    number as u8 & 0x7f
}

fn put_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_number(tag: u8, value: u64, out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(out, value);
}

fn put_double(tag: u8, value: f64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Small numbers of both signs in few bytes (<https://protobuf.dev/programming-guides/encoding/#signed-ints>).
const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}
