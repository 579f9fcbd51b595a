//! Parts that both protocol versions share: compression, samples, nested messages.

use promemu_core::series::{put_varint, varint_len};

/// Compresses in Snappy's block format, as both versions want it.
#[derive(Debug)]
pub(crate) struct Compressor {
    snappy: snap::raw::Encoder,
    room: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self { snappy: snap::raw::Encoder::new(), room: Vec::new() }
    }
}

impl Compressor {
    pub(crate) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let len_max = snap::raw::max_compress_len(message.len());
        if self.room.len() < len_max {
            self.room.resize(len_max, 0);
        }
        // It refuses nothing below 4 GB that has room.
        let len = self.snappy.compress(message, &mut self.room).unwrap_or(0);
        self.room[..len].to_vec()
    }
}

/// `Sample { value, timestamp }`, with its tag.
#[inline]
pub(crate) fn put_sample(tag: u8, value: f64, unix_millis: u64, out: &mut Vec<u8>) {
    let mut head = [tag, 0, 0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
    head[1] = u8::try_from(10 + varint_len(unix_millis)).unwrap_or(0);
    head[3..11].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&head);
    put_varint(out, unix_millis);
}

pub(crate) fn put_message(tag: u8, message: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_varint(out, message.len() as u64);
    out.extend_from_slice(message);
}

/// Whole milliseconds; none before 1970.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) const fn millis_of(unix_secs: f64) -> u64 {
    (unix_secs * 1e3) as u64
}
