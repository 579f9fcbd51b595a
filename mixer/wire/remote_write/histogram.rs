//! A native histogram, as the message `Histogram` that is the same in both versions
//! (<https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>), but for the start time.

use promemu_core::metric::{NativeBuckets, NativeHistogram, whole};
use promemu_core::series::{put_varint, varint_len};

// Field tags, as number << 3 | wire type. Histogram:
const COUNT_INT: u8 = 0x08;
const SUM: u8 = 0x19;
const SCHEMA: u8 = 0x20;
const ZERO_THRESHOLD: u8 = 0x29;
const ZERO_COUNT_INT: u8 = 0x30;
const NEGATIVE: (u8, u8) = (0x42, 0x4a); // spans, deltas
const POSITIVE: (u8, u8) = (0x5a, 0x62);
const TIMESTAMP: u8 = 0x78;
const START_TIMESTAMP: [u8; 2] = [0x88, 0x01]; // 2.0 only
// BucketSpan:
const OFFSET: u8 = 0x08;
const LENGTH: u8 = 0x10;

/// Appends the fields of a histogram of this time; with a start time, if there is one, for 2.0.
pub fn put_histogram(
    histogram: &NativeHistogram<'_>,
    unix_millis: u64,
    start_millis: Option<u64>,
    out: &mut Vec<u8>,
) {
    put_number(COUNT_INT, whole(histogram.count), out);
    put_double(SUM, histogram.sum, out);
    put_number(SCHEMA, zigzag(i64::from(histogram.schema)), out);
    put_double(ZERO_THRESHOLD, histogram.zero_threshold, out);
    put_number(ZERO_COUNT_INT, whole(histogram.zero_count), out);
    put_side(NEGATIVE, histogram.negative, out);
    put_side(POSITIVE, histogram.positive, out);
    put_number(TIMESTAMP, unix_millis, out);
    if let Some(start_millis) = start_millis {
        out.extend_from_slice(&START_TIMESTAMP);
        put_varint(out, start_millis);
    }
}

/// Spans, and each bucket's count less that of the one before.
fn put_side((spans, deltas): (u8, u8), side: NativeBuckets<'_>, out: &mut Vec<u8>) {
    let mut deltas_len = 0;
    let mut last = 0;
    let delta = |count: f64, last: &mut u64| {
        let count = whole(count);
        let delta = zigzag(count.wrapping_sub(*last).cast_signed());
        *last = count;
        delta
    };
    for (offset, counts) in side.spans() {
        let (offset, length) = (zigzag(i64::from(offset)), counts.len() as u64);
        out.push(spans);
        put_varint(out, (2 + varint_len(offset) + varint_len(length)) as u64);
        put_number(OFFSET, offset, out);
        put_number(LENGTH, length, out);
        deltas_len += counts.iter().map(|count| varint_len(delta(*count, &mut last))).sum::<usize>();
    }
    if deltas_len == 0 {
        return;
    }
    out.push(deltas);
    put_varint(out, deltas_len as u64);
    last = 0;
    for count in side.spans().flat_map(|(_, counts)| counts) {
        put_varint(out, delta(*count, &mut last));
    }
}

fn put_number(tag: u8, number: u64, out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(out, number);
}

fn put_double(tag: u8, value: f64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Small numbers of both signs as small numbers (<https://protobuf.dev/programming-guides/encoding/#signed-ints>).
const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}
