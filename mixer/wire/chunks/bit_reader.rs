//! A stream of bits, the highest bit of a byte first. Every answer is `None` behind its end.

/// Bits that are taken from bytes.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits as a number, at most 64.
    #[inline]
    pub(super) fn bits(&mut self, count: u32) -> Option<u64> {
        let mut number = 0u64;
        let mut left = count;
        while left > 0 {
            let byte = *self.bytes.get(self.at / 8)?;
            let used = u32::try_from(self.at % 8).ok()?;
            let taken = (8 - used).min(left);
            let bits = (byte << used) >> (8 - taken);
            number = (number << taken) | u64::from(bits);
            self.at += taken as usize;
            left -= taken;
        }
        Some(number)
    }

    #[inline]
    pub(super) fn bit(&mut self) -> Option<bool> {
        self.bits(1).map(|bit| bit == 1)
    }

    /// A number whose bytes have seven bits each, the lowest first.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.bits(8)?;
            number |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// The same for a signed number.
    pub(super) fn zigzag(&mut self) -> Option<i64> {
        self.varint().map(|number| (number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        self.bits(64).map(f64::from_bits)
    }

    /// The number of ones before a zero, at most so many. The zero is taken, too.
    pub(super) fn ones(&mut self, max: u32) -> Option<u32> {
        for ones in 0..max {
            if !self.bit()? {
                return Some(ones);
            }
        }
        Some(max)
    }

    /// A signed number of so many bits: one more above zero than below.
    pub(super) fn signed(&mut self, bits: u32) -> Option<i64> {
        let number = self.bits(bits)?;
        if bits < 64 && number > 1 << (bits - 1) {
            return Some(number.cast_signed() - (1 << bits));
        }
        Some(number.cast_signed())
    }

    /// A signed integer in one of eight lengths.
    pub(super) fn varbit_int(&mut self) -> Option<i64> {
        match self.varbit_bits()? {
            0 => Some(0),
            bits => self.signed(bits),
        }
    }

    /// The same for an unsigned integer.
    pub(super) fn varbit_uint(&mut self) -> Option<u64> {
        let bits = self.varbit_bits()?;
        self.bits(bits)
    }

    fn varbit_bits(&mut self) -> Option<u32> {
        const LENGTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];
        self.ones(8).map(|ones| LENGTHS[ones as usize])
    }
}

/// The window of bits in which a float differs from the one before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FloatWindow {
    last: u64,
    leading: u32,
    bits: u32,
}

impl FloatWindow {
    /// Takes the first float.
    pub(super) fn first(bits: &mut BitReader<'_>) -> Option<Self> {
        Some(Self { last: bits.bits(64)?, leading: 0, bits: 64 })
    }

    /// The last float.
    pub(super) const fn value(&self) -> f64 {
        f64::from_bits(self.last)
    }

    /// Takes the next float.
    #[inline]
    pub(super) fn next(&mut self, bits: &mut BitReader<'_>) -> Option<f64> {
        if bits.bit()? {
            if bits.bit()? {
                self.leading = u32::try_from(bits.bits(5)?).ok()?;
                // 64 bits are written as 0.
                self.bits = match u32::try_from(bits.bits(6)?).ok()? {
                    0 => 64,
                    count => count,
                };
            }
            let trailing = 64u32.checked_sub(self.leading)?.checked_sub(self.bits)?;
            self.last ^= bits.bits(self.bits)? << trailing;
        }
        Some(self.value())
    }
}
