//! Delimited protobuf: `io.prometheus.client.MetricFamily` messages
//! (<https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>), written
//! field by field, each message behind its length.

use super::FamilyPart;
use crate::metric::{self, Buckets, Kind, MetricType, whole};
use crate::series::{Family, LabelBlock, Sample, put_varint, varint_len};

// Field tags, as number << 3 | wire type. MetricFamily:
const FAMILY_NAME: u8 = 0x0a;
const FAMILY_HELP: u8 = 0x12;
const FAMILY_TYPE: u8 = 0x18;
const FAMILY_METRIC: u8 = 0x22;
// Metric:
const METRIC_GAUGE: u8 = 0x12;
const METRIC_COUNTER: u8 = 0x1a;
const METRIC_HISTOGRAM: u8 = 0x3a;
// Gauge and Counter:
const VALUE: u8 = 0x09;
// Histogram:
const SAMPLE_COUNT: u8 = 0x08;
const SAMPLE_SUM: u8 = 0x11;
const BUCKET: u8 = 0x1a;
// Bucket:
const CUMULATIVE_COUNT: u8 = 0x08;
const UPPER_BOUND: u8 = 0x11;

const DOUBLE_FIELD_LEN: usize = 9;

/// The length of a family takes so many bytes, enough for 34 GB.
const LENGTH_BYTES: usize = 5;

pub(super) fn encode_family(family: &Family, parts: &[FamilyPart<'_>], out: &mut Vec<u8>) {
    // The message's length comes first, and is known last; its place has room for any.
    let before = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    out.extend_from_slice(&header(family));
    let metrics_from = out.len();
    for part in parts {
        let group_labels = part.group.labels;
        part.group.store.for_each_sample(part.index, |sample| put_metric(family, sample, group_labels, out));
    }
    if out.len() == metrics_from {
        out.truncate(before);
        return;
    }
    let len = out.len() - before - LENGTH_BYTES;
    out[before..before + LENGTH_BYTES].copy_from_slice(&padded_varint(len as u64));
}

#[inline]
fn put_metric(family: &Family, sample: &Sample<'_>, group_labels: &LabelBlock, out: &mut Vec<u8>) {
    let of_host = sample.host_labels.as_protobuf();
    let (of_metric, of_group) = (sample.metric_labels.as_protobuf(), group_labels.as_protobuf());
    let labels_len = of_host.len() + of_metric.len() + of_group.len();
    out.push(FAMILY_METRIC);
    put_varint(out, (labels_len + value_len(sample)) as u64);
    for block in [of_host, of_metric, of_group] {
        if !block.is_empty() {
            out.extend_from_slice(block);
        }
    }
    match &sample.layout.kind {
        Kind::Histogram { bounds } => put_histogram(&metric::buckets(bounds, sample.cells), out),
        _ if family.metric_type == MetricType::Counter => put_value(METRIC_COUNTER, sample.cells[0], out),
        _ => put_value(METRIC_GAUGE, sample.cells[0], out),
    }
}

/// Any length in the same number of bytes: a varint may have high groups of zeros
/// (<https://protobuf.dev/programming-guides/encoding/#varints>).
#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken at a time")]
fn padded_varint(value: u64) -> [u8; LENGTH_BYTES] {
    let mut bytes = [0; LENGTH_BYTES];
    for (n, byte) in bytes.iter_mut().enumerate() {
        let more = if n + 1 < LENGTH_BYTES { 0x80 } else { 0 };
        *byte = (value >> (7 * n)) as u8 & 0x7f | more;
    }
    bytes
}

/// The length of a metric's gauge, counter or histogram field.
fn value_len(sample: &Sample<'_>) -> usize {
    match &sample.layout.kind {
        Kind::Histogram { bounds } => {
            let len = histogram_len(&metric::buckets(bounds, sample.cells));
            1 + varint_len(len as u64) + len
        }
        _ => 2 + DOUBLE_FIELD_LEN,
    }
}

fn header(family: &Family) -> Vec<u8> {
    let mut header = Vec::new();
    for (tag, text) in [(FAMILY_NAME, &family.name), (FAMILY_HELP, &family.help)] {
        header.push(tag);
        put_varint(&mut header, text.len() as u64);
        header.extend_from_slice(text.as_bytes());
    }
    let metric_type = match family.metric_type {
        MetricType::Counter => 0,
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => 1,
        MetricType::Summary => 2,
        MetricType::Histogram | MetricType::NativeHistogram => 4,
    };
    header.extend_from_slice(&[FAMILY_TYPE, metric_type]);
    header
}

/// `gauge or counter { value }`
fn put_value(kind: u8, value: f64, out: &mut Vec<u8>) {
    let mut field = [kind, 9, VALUE, 0, 0, 0, 0, 0, 0, 0, 0];
    field[3..].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&field);
}

/// A histogram's cumulative counts, up to infinity.
fn cumulative(buckets: &Buckets<'_>) -> impl Iterator<Item = u64> {
    buckets.counts.iter().scan(0u64, |count, bucket| {
        *count += whole(*bucket);
        Some(*count)
    })
}

fn bucket_len(count: u64) -> usize {
    1 + varint_len(count) + DOUBLE_FIELD_LEN
}

fn histogram_len(buckets: &Buckets<'_>) -> usize {
    let total = cumulative(buckets).last().unwrap_or(0);
    let buckets_len: usize =
        cumulative(buckets).take(buckets.bounds.len()).map(|count| 2 + bucket_len(count)).sum();
    1 + varint_len(total) + DOUBLE_FIELD_LEN + buckets_len
}

/// `histogram { count, sum, bucket { cumulative count, upper bound }… }`. The bucket up to infinity is left
/// out, as its count is the count of all.
fn put_histogram(buckets: &Buckets<'_>, out: &mut Vec<u8>) {
    out.push(METRIC_HISTOGRAM);
    put_varint(out, histogram_len(buckets) as u64);
    out.push(SAMPLE_COUNT);
    put_varint(out, cumulative(buckets).last().unwrap_or(0));
    put_double(SAMPLE_SUM, buckets.sum, out);
    for (count, bound) in cumulative(buckets).zip(buckets.bounds) {
        out.push(BUCKET);
        put_varint(out, bucket_len(count) as u64);
        out.push(CUMULATIVE_COUNT);
        put_varint(out, count);
        put_double(UPPER_BOUND, *bound, out);
    }
}

fn put_double(tag: u8, value: f64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}
