//! Labels, rendered for the encoders to copy.

use std::sync::{Arc, OnceLock};

/// Label names and values, rendered once for each format: as a run of `io.prometheus.client.Metric.label` fields,
/// and, on first use, as `name="value",…` of the text format. Cheap to clone.
#[derive(Clone)]
pub struct LabelBlock {
    arena: Arc<LabelArena>,
    index: u32,
}

/// The bytes of one block or of many; adjacent blocks are fast to walk.
struct LabelArena {
    protobuf: Segments,
    /// Rendered on first use: many runs never need it.
    text: OnceLock<Segments>,
}

/// Segments of one run of bytes.
struct Segments {
    bytes: Vec<u8>,
    /// The start of each segment, and the end of the last one.
    bounds: Vec<u32>,
}

impl Segments {
    fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), bounds: vec![0] }
    }

    fn count(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Ends a segment: all bytes since the last one.
    fn end_segment(&mut self) {
        self.bounds.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    fn shrunk(mut self) -> Self {
        self.bytes.shrink_to_fit();
        self.bounds.shrink_to_fit();
        self
    }

    #[inline]
    fn segment(&self, index: u32) -> &[u8] {
        let index = index as usize;
        &self.bytes[self.bounds[index] as usize..self.bounds[index + 1] as usize]
    }
}

impl LabelArena {
    fn new(protobuf: Segments) -> Arc<Self> {
        Arc::new(Self { protobuf: protobuf.shrunk(), text: OnceLock::new() })
    }

    fn text(&self) -> &Segments {
        self.text.get_or_init(|| {
            let mut text = Segments::with_capacity(0);
            for index in (0..).take(self.protobuf.count()) {
                put_text(self.protobuf.segment(index), &mut text.bytes);
                text.end_segment();
            }
            text.shrunk()
        })
    }
}

const LABEL_PAIR_TAG: u8 = 0x0a; // Metric.label
const NAME_TAG: u8 = 0x0a; // LabelPair.name
const VALUE_TAG: u8 = 0x12; // LabelPair.value

impl LabelBlock {
    /// A block of these labels, in this order.
    #[must_use]
    pub fn new<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut protobuf = Segments::with_capacity(0);
        let out = &mut protobuf.bytes;
        for (name, value) in labels {
            let pair_len = field_len(name.len()) + field_len(value.len());
            out.push(LABEL_PAIR_TAG);
            put_varint(out, pair_len as u64);
            for (tag, text) in [(NAME_TAG, name), (VALUE_TAG, value)] {
                out.push(tag);
                put_varint(out, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
        }
        protobuf.end_segment();
        Self { arena: LabelArena::new(protobuf), index: 0 }
    }

    /// No labels.
    #[must_use]
    pub fn empty() -> Self {
        Self::new([])
    }

    /// The same blocks in one arena, in this order. Blocks of more than 2 GB together are only cloned, because the
    /// bounds of their text, which may be twice as long, would not fit.
    #[must_use]
    pub fn adjacent<'a>(blocks: impl Iterator<Item = &'a Self> + Clone) -> Vec<Self> {
        let bytes: usize = blocks.clone().map(|block| block.as_protobuf().len()).sum();
        if bytes > i32::MAX as usize {
            return blocks.cloned().collect();
        }
        let mut protobuf = Segments::with_capacity(bytes);
        for block in blocks {
            protobuf.bytes.extend_from_slice(block.as_protobuf());
            protobuf.end_segment();
        }
        let count = protobuf.count();
        let arena = LabelArena::new(protobuf);
        (0..).take(count).map(|index| Self { arena: Arc::clone(&arena), index }).collect()
    }

    /// The protobuf fields.
    #[must_use]
    #[inline]
    pub fn as_protobuf(&self) -> &[u8] {
        self.arena.protobuf.segment(self.index)
    }

    /// The labels in the text format, without braces.
    #[must_use]
    #[inline]
    pub fn as_text(&self) -> &[u8] {
        self.arena.text().segment(self.index)
    }

    /// Names and values as UTF-8 bytes.
    #[inline]
    pub fn bytes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        pairs(self.as_protobuf())
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        pairs(self.as_protobuf())
            .filter_map(|(name, value)| Some((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?)))
    }

    /// The value of one label.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

impl PartialEq for LabelBlock {
    fn eq(&self, other: &Self) -> bool {
        self.as_protobuf() == other.as_protobuf()
    }
}

impl Eq for LabelBlock {}

impl std::hash::Hash for LabelBlock {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_protobuf().hash(state);
    }
}

impl std::fmt::Debug for LabelBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Names and values in a run of protobuf fields.
fn pairs(mut fields: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let mut pair = take_field(&mut fields)?;
        Some((take_field(&mut pair)?, take_field(&mut pair)?))
    })
}

fn put_text(protobuf: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for (name, value) in pairs(protobuf) {
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(name);
        out.extend_from_slice(b"=\"");
        put_escaped(value, out);
        out.push(b'"');
    }
}

/// Appends a label value, with `\`, `"` and newlines escaped as in the text format.
pub fn put_escaped(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        match *byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\n' => out.extend_from_slice(b"\\n"),
            other => out.push(other),
        }
    }
}

const fn field_len(text_len: usize) -> usize {
    1 + varint_len(text_len as u64) + text_len
}

fn take_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (_, mut tail) = rest.split_first()?;
    let mut len = 0usize;
    for shift in (0..35).step_by(7) {
        let (byte, after) = tail.split_first()?;
        tail = after;
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (field, after) = tail.split_at_checked(len)?;
    *rest = after;
    Some(field)
}

/// Appends a protobuf varint.
#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken at a time")]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Number of bytes that [`put_varint`] appends.
#[must_use]
pub const fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_blocks_give_back_their_labels() {
        let long = "x".repeat(300);
        let labels = [("name", "worker-01"), ("empty", ""), ("long", &long), ("odd", "ü\n\"\\")];
        let block = LabelBlock::new(labels);
        assert_eq!(block.iter().collect::<Vec<_>>(), labels);
        assert_eq!(block.get("empty"), Some(""));
        assert_eq!(block.get("none"), None);
    }

    #[test]
    fn adjacent_blocks_keep_their_labels() {
        let blocks =
            [LabelBlock::new([("a", "1"), ("b", "x\"")]), LabelBlock::empty(), LabelBlock::new([("c", "")])];
        let packed = LabelBlock::adjacent(blocks.iter());
        assert_eq!(packed, blocks);
        let texts =
            |blocks: &[LabelBlock]| blocks.iter().map(|block| block.as_text().to_vec()).collect::<Vec<_>>();
        assert_eq!(texts(&packed), texts(&blocks));
    }

    #[test]
    fn varints_have_the_predicted_length() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(bytes.len(), varint_len(value), "{value}");
        }
    }
}
