//! Protobuf fields, appended one at a time (<https://protobuf.dev/programming-guides/encoding/>).
//!
//! A tag is `field number << 3 | wire type`. The encoders declare the tags of the messages that they write; no message
//! type is known here.

pub(crate) use promemu_core::series::{put_varint, varint_len};

/// Tags of `LabelPair` (client model), `Label` (remote write) and their like: name and value.
const LABEL_NAME: u8 = 0x0a;
const LABEL_VALUE: u8 = 0x12;

/// Appends an unsigned integer field.
#[inline]
pub(crate) fn put_uint(tag: u8, number: u64, out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(out, number);
}

/// Appends a `fixed64` field.
#[inline]
pub(crate) fn put_fixed64(tag: u8, number: u64, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends a `double` field.
#[inline]
pub(crate) fn put_double(tag: u8, value: f64, out: &mut Vec<u8>) {
    put_fixed64(tag, value.to_bits(), out);
}

/// Appends a field of bytes, a text, or a message that is encoded already.
#[inline]
pub(crate) fn put_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    put_tag_and_len(tag, bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Appends the tag and the length of a field whose bytes follow. The lengths of most fields fit one copy.
#[inline]
pub(crate) fn put_tag_and_len(tag: u8, len: usize, out: &mut Vec<u8>) {
    match len {
        0..0x80 => out.extend_from_slice(&[tag, low_bits(len)]),
        0x80..0x4000 => out.extend_from_slice(&[tag, low_bits(len) | 0x80, low_bits(len >> 7)]),
        _ => {
            out.push(tag);
            put_varint(out, len as u64);
        }
    }
}

/// Appends a message field whose length is known only after `put` has written it.
#[inline]
pub(crate) fn put_message(tag: u8, out: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
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
    // The message moves back to make room for the rest of its length.
    let length_len = len_len(len);
    out.resize(out.len() + length_len - 1, 0);
    out.copy_within(start..start + len, start - 1 + length_len);
    let mut rest = len;
    for byte in &mut out[start - 1..start - 1 + length_len] {
        *byte = low_bits(rest) | if rest < 0x80 { 0 } else { 0x80 };
        rest >>= 7;
    }
}

/// Appends a label as a message of its name and its value.
#[inline]
pub(crate) fn put_label(tag: u8, name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let field_len = |text: &[u8]| 1 + len_len(text.len()) + text.len();
    put_tag_and_len(tag, field_len(name) + field_len(value), out);
    put_bytes(LABEL_NAME, name, out);
    put_bytes(LABEL_VALUE, value, out);
}

/// Number of bytes of a length.
pub(crate) const fn len_len(len: usize) -> usize {
    varint_len(len as u64)
}

/// A signed integer as `sint32` and `sint64` encode it (<https://protobuf.dev/programming-guides/encoding/#signed-ints>).
pub(crate) const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// The lowest seven bits.
#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken")]
pub(crate) const fn low_bits(number: usize) -> u8 {
    number as u8 & 0x7f
}
