//! Chunks of floats: up to 120 samples, times as deltas of deltas, values as [`FloatDelta`]
//! (<https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md>).

use promemu_core::metric::is_absent;

use super::bits::{BitWriter, FloatDelta, fits};
use super::encoded::{ChunkEncoding, EncodedPart};
use crate::export::stretches::Staleness;
use crate::protobuf::{put_varint, zigzag};

/// Number of samples of a full chunk.
pub(super) const SAMPLES_MAX: usize = 120;

/// Number of bits of a delta of deltas, and the bits before it. Longer ones are written as 64 bits.
const TIME_LENGTHS: [(u32, u64, u32); 3] = [(14, 0b10, 2), (17, 0b110, 3), (20, 0b1110, 4)];

/// Encodes series of floats.
#[derive(Debug, Default)]
pub(super) struct FloatEncoder {
    bits: BitWriter,
    varint: Vec<u8>,
}

impl FloatEncoder {
    /// Appends the chunks of one series. [`ABSENT`](promemu_core::metric::ABSENT) is no sample.
    pub(super) fn put(&mut self, times: &[i64], values: &[f64], staleness: Staleness, out: &mut EncodedPart) {
        let mut is_kept = staleness.filter();
        let mut samples = times.iter().zip(values).filter(move |(_, value)| is_kept(!is_absent(**value)));
        while self.put_chunk(&mut samples, out) {}
    }

    /// `false` if there was no sample left.
    fn put_chunk<'s>(
        &mut self,
        samples: &mut impl Iterator<Item = (&'s i64, &'s f64)>,
        out: &mut EncodedPart,
    ) -> bool {
        let Some((first, value)) = samples.next() else { return false };
        let bits = &mut self.bits;
        bits.clear();
        self.varint.clear();
        put_varint(&mut self.varint, zigzag(*first));
        self.varint.iter().for_each(|byte| bits.put_byte(*byte));
        let mut float = FloatDelta::first(*value, bits);
        let (mut last, mut delta, mut count) = (*first, 0i64, 1u16);
        for (time, value) in samples.by_ref().take(SAMPLES_MAX - 1) {
            let new_delta = time - last;
            if count == 1 {
                self.varint.clear();
                put_varint(&mut self.varint, new_delta.cast_unsigned());
                self.varint.iter().for_each(|byte| bits.put_byte(*byte));
            } else {
                put_time_delta(new_delta - delta, bits);
            }
            float.put(*value, bits);
            (last, delta, count) = (*time, new_delta, count + 1);
        }
        out.put_chunk(ChunkEncoding::Xor, [&count.to_be_bytes(), bits.finish()], (*first, last), count);
        true
    }
}

fn put_time_delta(delta: i64, bits: &mut BitWriter) {
    if delta == 0 {
        return bits.put(0, 1);
    }
    if let Some((length, prefix, prefix_bits)) =
        TIME_LENGTHS.into_iter().find(|(length, ..)| fits(delta, *length))
    {
        bits.put(prefix, prefix_bits);
        bits.put(delta.cast_unsigned(), length);
    } else {
        bits.put(0b1111, 4);
        bits.put(delta.cast_unsigned(), 64);
    }
}
