//! A native histogram as the message `Histogram`
//! (<https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>), which both versions encode alike but for
//! the start time.

use promemu_core::metric::{NativeHistogram, whole};

use crate::native_buckets::{BucketTags, put_buckets};
use crate::protobuf::{put_double, put_uint, put_varint, zigzag};

// Field tags of Histogram.
const COUNT_INT: u8 = 0x08;
pub(super) const SUM: u8 = 0x19;
const SCHEMA: u8 = 0x20;
const ZERO_THRESHOLD: u8 = 0x29;
const ZERO_COUNT_INT: u8 = 0x30;
const NEGATIVE: BucketTags = BucketTags { span: 0x42, delta: 0x4a };
const POSITIVE: BucketTags = BucketTags { span: 0x5a, delta: 0x62 };
pub(super) const TIMESTAMP: u8 = 0x78;
const START_TIMESTAMP: [u8; 2] = [0x88, 0x01]; // 2.0 only

/// Appends the fields of a histogram at this time. Only version 2.0 has a start time.
pub fn put_histogram(
    histogram: &NativeHistogram<'_>,
    unix_millis: u64,
    start_millis: Option<u64>,
    out: &mut Vec<u8>,
) {
    put_uint(COUNT_INT, whole(histogram.count), out);
    put_double(SUM, histogram.sum, out);
    put_uint(SCHEMA, zigzag(i64::from(histogram.schema)), out);
    put_double(ZERO_THRESHOLD, histogram.zero_threshold, out);
    put_uint(ZERO_COUNT_INT, whole(histogram.zero_count), out);
    put_buckets(NEGATIVE, histogram.negative, out);
    put_buckets(POSITIVE, histogram.positive, out);
    put_uint(TIMESTAMP, unix_millis, out);
    if let Some(start_millis) = start_millis {
        out.extend_from_slice(&START_TIMESTAMP);
        put_varint(out, start_millis);
    }
}
