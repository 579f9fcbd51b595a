//! Buckets of a native histogram as spans and deltas, which the client model and remote write encode alike but for
//! the tags (`BucketSpan` in
//! <https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto> and
//! <https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>).

use promemu_core::metric::{NativeBuckets, whole};

use crate::protobuf::{put_message, put_uint, put_varint, zigzag};

const SPAN_OFFSET: u8 = 0x08;
const SPAN_LENGTH: u8 = 0x10;

/// Tags of the fields that hold the buckets of one sign.
#[derive(Clone, Copy)]
pub(crate) struct BucketTags {
    pub(crate) span: u8,
    pub(crate) delta: u8,
}

/// Appends the spans, then each bucket's count less that of the bucket before it. Appends nothing if all buckets are
/// empty.
pub(crate) fn put_buckets(tags: BucketTags, buckets: NativeBuckets<'_>, out: &mut Vec<u8>) {
    if buckets.counts.is_empty() {
        return;
    }
    for (offset, counts) in buckets.spans() {
        put_span(tags.span, i64::from(offset), counts.len() as u64, out);
    }
    put_message(tags.delta, out, |out| {
        let mut last = 0i64;
        for count in buckets.spans().flat_map(|(_, counts)| counts) {
            let count = whole(*count).cast_signed();
            put_varint(out, zigzag(count.wrapping_sub(last)));
            last = count;
        }
    });
}

/// Appends one span: the gap before it, and its number of buckets.
pub(crate) fn put_span(tag: u8, offset: i64, length: u64, out: &mut Vec<u8>) {
    put_message(tag, out, |out| {
        put_uint(SPAN_OFFSET, zigzag(offset), out);
        put_uint(SPAN_LENGTH, length, out);
    });
}
