//! Ids of blocks: ULIDs (<https://github.com/ulid/spec>) whose random part is made of the block's content, so that the same
//! run has the same ids.

use std::fmt;

use promemu_core::rng::fnv1a;

/// 48 bits of time, 80 of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockId(u128);

impl BlockId {
    /// The id of a block with these times, in milliseconds since the Unix epoch, and these checksums.
    pub(super) fn of_content((first, last): (i64, i64), checksums: [u32; 2]) -> Self {
        let mut content = Vec::new();
        content.extend_from_slice(&first.to_be_bytes());
        content.extend_from_slice(&last.to_be_bytes());
        content.extend(checksums.iter().flat_map(|checksum| checksum.to_be_bytes()));
        let low = fnv1a(&content);
        content.reverse();
        let high = fnv1a(&content) & 0xffff;
        Self(
            u128::from(last.cast_unsigned() & 0xffff_ffff_ffff) << 80
                | u128::from(high) << 64
                | u128::from(low),
        )
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        (0..26).rev().try_for_each(|place| {
            let digit = usize::try_from(self.0 >> (5 * place) & 31).unwrap_or(0);
            write!(f, "{}", char::from(DIGITS[digit]))
        })
    }
}
