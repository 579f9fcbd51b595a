//! A stream of bits, the highest bit of a byte first, as chunks have it.

/// Bits that are appended to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The bits after `bytes`, from the highest on.
    pending: u64,
    /// Number of these.
    used: u32,
}

impl BitWriter {
    /// Appends the lowest bits of a number, at most 64.
    #[inline]
    pub(super) fn put(&mut self, number: u64, bits: u32) {
        if bits == 0 {
            return;
        }
        let number = if bits < 64 { number & ((1 << bits) - 1) } else { number };
        let free = 64 - self.used;
        if bits < free {
            self.pending |= number << (free - bits);
            self.used += bits;
            return;
        }
        let rest = bits - free;
        self.bytes.extend_from_slice(&(self.pending | (number >> rest)).to_be_bytes());
        self.pending = if rest > 0 { number << (64 - rest) } else { 0 };
        self.used = rest;
    }

    /// Appends one byte.
    pub(super) fn put_byte(&mut self, byte: u8) {
        self.put(u64::from(byte), 8);
    }

    /// The bytes so far, the last one filled with zeros. The stream is empty afterwards.
    pub(super) fn finish(&mut self) -> &[u8] {
        let pending = self.pending.to_be_bytes();
        self.bytes.extend_from_slice(&pending[..self.used.div_ceil(8) as usize]);
        (self.pending, self.used) = (0, 0);
        &self.bytes
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.pending, self.used) = (0, 0);
    }

    /// Appends a signed integer in the fewest of eight lengths (`varbit` in
    /// <https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md>).
    pub(super) fn put_varbit_int(&mut self, number: i64) {
        self.put_varbit(number.cast_unsigned(), number == 0, |bits| fits(number, bits));
    }

    /// The same for an unsigned integer.
    pub(super) fn put_varbit_uint(&mut self, number: u64) {
        self.put_varbit(number, number == 0, |bits| number < 1 << bits);
    }

    fn put_varbit(&mut self, number: u64, is_zero: bool, fits: impl Fn(u32) -> bool) {
        /// Number of bits, and the bits before them.
        const LENGTHS: [(u32, u64); 7] = [
            (3, 0b10),
            (6, 0b110),
            (9, 0b1110),
            (12, 0b1_1110),
            (18, 0b11_1110),
            (25, 0b111_1110),
            (56, 0b1111_1110),
        ];
        if is_zero {
            return self.put(0, 1);
        }
        if let Some((prefix_bits, (bits, prefix))) = (2..).zip(LENGTHS).find(|(_, (bits, _))| fits(*bits)) {
            self.put(prefix, prefix_bits);
            self.put(number, bits);
        } else {
            self.put(0b1111_1111, 8);
            self.put(number, 64);
        }
    }
}

/// `true` if a signed number is written in so many bits: one more above zero than below
/// (<https://github.com/prometheus/prometheus/blob/main/tsdb/docs/bstream.md>).
#[inline]
pub(super) fn fits(number: i64, bits: u32) -> bool {
    (1 - (1 << (bits - 1))..=1 << (bits - 1)).contains(&number)
}

/// A float after another: the bits in which they differ, and the window of bits that they are in
/// (<https://www.vldb.org/pvldb/vol8/p1816-teller.pdf>, section 4.1.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct FloatDelta {
    last: u64,
    leading: u32,
    trailing: u32,
}

/// No window is set yet.
const NO_WINDOW: u32 = 0xff;
/// The largest number of leading zeros that is written.
const LEADING_MAX: u32 = 31;

impl FloatDelta {
    /// Appends the first float.
    pub(super) fn first(value: f64, out: &mut BitWriter) -> Self {
        out.put(value.to_bits(), 64);
        Self { last: value.to_bits(), leading: NO_WINDOW, trailing: 0 }
    }

    /// Appends the next float.
    #[inline]
    pub(super) fn put(&mut self, value: f64, out: &mut BitWriter) {
        let delta = self.last ^ value.to_bits();
        self.last = value.to_bits();
        if delta == 0 {
            out.put(0, 1);
            return;
        }
        let (leading, trailing) = (delta.leading_zeros().min(LEADING_MAX), delta.trailing_zeros());
        if self.leading != NO_WINDOW && leading >= self.leading && trailing >= self.trailing {
            out.put(0b10, 2);
            out.put(delta >> self.trailing, 64 - self.leading - self.trailing);
            return;
        }
        (self.leading, self.trailing) = (leading, trailing);
        let bits = 64 - leading - trailing;
        out.put(0b11, 2);
        out.put(u64::from(leading), 5);
        // 64 bits are written as 0, which does not occur otherwise.
        out.put(u64::from(bits), 6);
        out.put(delta >> trailing, bits);
    }
}
