//! Snappy's block format (<https://github.com/google/snappy/blob/main/format_description.txt>), which both versions
//! require.

/// Compresses messages, one after the other, with buffers that are reused.
#[derive(Debug)]
pub(super) struct Compressor {
    snappy: snap::raw::Encoder,
    buffer: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self { snappy: snap::raw::Encoder::new(), buffer: Vec::new() }
    }
}

impl Compressor {
    /// The compressed message.
    pub(super) fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        let len_max = snap::raw::max_compress_len(message.len());
        if self.buffer.len() < len_max {
            self.buffer.resize(len_max, 0);
        }
        // Snappy fails only above 4 GB or if the buffer is too small.
        let len = self.snappy.compress(message, &mut self.buffer).unwrap_or(0);
        self.buffer[..len].to_vec()
    }
}
