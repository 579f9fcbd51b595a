//! Chunks of floats.

use super::bit_reader::{BitReader, FloatWindow};

/// `None` if the chunk is cut off.
pub(super) fn read(data: &[u8], take: &mut dyn FnMut(i64, f64)) -> Option<()> {
    let (count, data) = data.split_first_chunk()?;
    let count = u16::from_be_bytes(*count);
    if count == 0 {
        return Some(());
    }
    let mut bits = BitReader::new(data);
    let mut at = bits.zigzag()?;
    let mut float = FloatWindow::first(&mut bits)?;
    take(at, float.value());
    let mut delta = 0i64;
    for number in 1..count {
        delta = if number == 1 {
            bits.varint()?.cast_signed()
        } else {
            delta.wrapping_add(time_delta(&mut bits)?)
        };
        at = at.wrapping_add(delta);
        take(at, float.next(&mut bits)?);
    }
    Some(())
}

fn time_delta(bits: &mut BitReader<'_>) -> Option<i64> {
    const LENGTHS: [u32; 5] = [0, 14, 17, 20, 64];
    match LENGTHS[bits.ones(4)? as usize] {
        0 => Some(0),
        length => bits.signed(length),
    }
}
