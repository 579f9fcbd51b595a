//! Values that say what they are: key, writer, sequence, and a checksum over all of it.

use crate::key_space::Key;

/// Bytes of a checksum at the end of a value.
const CHECKSUM_BYTES: usize = 8;

/// The origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) key: Key,
    /// The run that wrote it.
    pub(crate) writer: u64,
    /// Number of the write in its run.
    pub(crate) sequence: u64,
}

/// Writes a value of about this length, and never a shorter one than the stamp.
pub(crate) fn write(stamp: Stamp, bytes: usize, out: &mut Vec<u8>) {
    let begin = out.len();
    stamp.key.write(out);
    out.extend_from_slice(format!(" {:016x} {} ", stamp.writer, stamp.sequence).as_bytes());
    let filled = (begin + bytes).saturating_sub(CHECKSUM_BYTES).max(out.len());
    out.resize(filled, b'a' + (stamp.sequence % 26) as u8);
    let checksum = crc32c::crc32c(&out[begin..]);
    out.extend_from_slice(format!("{checksum:08x}").as_bytes());
}

/// `true` for a value that was written to this key: whole, and if by this writer, with a sequence that it has used.
pub(crate) fn is_right(value: &[u8], expected: Stamp) -> bool {
    let Some((body, checksum)) = value.split_last_chunk::<CHECKSUM_BYTES>() else { return false };
    if format!("{:08x}", crc32c::crc32c(body)).as_bytes() != checksum {
        return false;
    }
    let mut words = body.split(|byte| *byte == b' ');
    let mut word = || words.next().and_then(|word| std::str::from_utf8(word).ok());
    let (Some(key), Some(writer), Some(sequence)) = (word(), word(), word()) else { return false };
    let Ok(writer) = u64::from_str_radix(writer, 16) else { return false };
    let Ok(sequence) = sequence.parse::<u64>() else { return false };
    key == expected.key.text() && (writer != expected.writer || sequence <= expected.sequence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp(number: u32, writer: u64, sequence: u64) -> Stamp {
        Stamp { key: Key { is_counter: false, number }, writer, sequence }
    }

    proptest! {
        #[test]
        fn a_value_is_right_for_its_own_key_and_damaged_ones_are_wrong(
            (number, writer, sequence) in (any::<u32>(), any::<u64>(), 0u64..1_000_000),
            bytes in 0usize..2000,
            (place, flip) in (any::<prop::sample::Index>(), 1u8..),
        ) {
            let written = stamp(number, writer, sequence);
            let mut value = Vec::new();
            write(written, bytes, &mut value);
            prop_assert!(value.len() == bytes || bytes < 80);
            prop_assert!(is_right(&value, written));
            prop_assert!(is_right(&value, Stamp { writer: !writer, sequence: 0, ..written }), "another run's");
            prop_assert!(!is_right(&value, stamp(number ^ 1, writer, sequence)));
            if sequence > 0 {
                prop_assert!(!is_right(&value, Stamp { sequence: sequence - 1, ..written }), "not yet written");
            }
            prop_assert!(!is_right(&value[1..], written));
            prop_assert!(!is_right(&value[..value.len() - 1], written));
            let place = place.index(value.len());
            value[place] ^= flip;
            prop_assert!(!is_right(&value, written));
        }
    }
}
