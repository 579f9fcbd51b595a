//! `Sample` and its times, which both versions encode alike
//! (<https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>).

use crate::protobuf::{put_varint, varint_len};

/// A series' float, in both versions.
pub(super) const SAMPLE: u8 = 0x12;
const VALUE: u8 = 0x09;
const TIMESTAMP: u8 = 0x10;
const START_TIMESTAMP: u8 = 0x18; // 2.0 only

/// Appends a sample to a series.
#[inline]
pub(super) fn put_sample(value: f64, unix_millis: u64, out: &mut Vec<u8>) {
    put_sample_of_len(10 + varint_len(unix_millis), value, unix_millis, out);
}

/// Appends a sample of version 2.0, whose series may have a start time.
pub(super) fn put_sample_with_start(
    value: f64,
    unix_millis: u64,
    start_millis: Option<u64>,
    out: &mut Vec<u8>,
) {
    let start_len = start_millis.map_or(0, |start| 1 + varint_len(start));
    put_sample_of_len(10 + varint_len(unix_millis) + start_len, value, unix_millis, out);
    if let Some(start) = start_millis {
        out.push(START_TIMESTAMP);
        put_varint(out, start);
    }
}

#[inline]
fn put_sample_of_len(len: usize, value: f64, unix_millis: u64, out: &mut Vec<u8>) {
    // One copy instead of four. No sample is longer than 32 bytes, so its length is one byte.
    let mut head = [SAMPLE, 0, VALUE, 0, 0, 0, 0, 0, 0, 0, 0, TIMESTAMP];
    head[1] = u8::try_from(len).unwrap_or(0);
    head[3..11].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&head);
    put_varint(out, unix_millis);
}

/// Whole milliseconds; 0 before 1970.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) const fn millis_of(unix_secs: f64) -> u64 {
    (unix_secs * 1e3) as u64
}
