//! The symbol table of a remote write 2.0 request: every text once.

use promemu_core::rng::fnv1a;
use promemu_core::series::put_varint;

/// `Request.symbols`
const SYMBOL: u8 = 0x22;
const SLOTS_MIN: usize = 256;

/// Texts by number. The first one is empty, as the specification wants it.
#[derive(Debug)]
pub(super) struct Symbols {
    /// The texts as fields of a request.
    bytes: Vec<u8>,
    /// Where each text is among the bytes.
    places: Vec<(u32, u32)>,
    /// Open addressing: the number of a text, plus one; 0 is free. At least half of it is.
    pools: Vec<u32>,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self { bytes: Vec::new(), places: Vec::new(), pools: vec![0; SLOTS_MIN] };
        symbols.number(b"");
        symbols
    }
}

impl Symbols {
    /// Forgets all but the empty one.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
        self.pools.fill(0);
        self.number(b"");
    }

    /// The fields.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A text's number.
    #[inline]
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        let mut slot = slot_of(text, self.pools.len());
        loop {
            match self.pools[slot].checked_sub(1) {
                None => return self.add(text, slot),
                Some(number) if self.text(number) == text => return number,
                Some(_) => slot = (slot + 1) % self.pools.len(),
            }
        }
    }

    fn text(&self, number: u32) -> &[u8] {
        let (start, end) = self.places[number as usize];
        &self.bytes[start as usize..end as usize]
    }

    fn add(&mut self, text: &[u8], slot: usize) -> u32 {
        self.bytes.push(SYMBOL);
        put_varint(&mut self.bytes, text.len() as u64);
        let start = small(self.bytes.len());
        self.bytes.extend_from_slice(text);
        self.places.push((start, small(self.bytes.len())));
        let number = small(self.places.len() - 1);
        self.pools[slot] = number + 1;
        if self.places.len() * 2 > self.pools.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let size = self.pools.len() * 2;
        self.pools.clear();
        self.pools.resize(size, 0);
        for number in 0..small(self.places.len()) {
            let mut slot = slot_of(self.text(number), size);
            while self.pools[slot] != 0 {
                slot = (slot + 1) % size;
            }
            self.pools[slot] = number + 1;
        }
    }
}

fn slot_of(text: &[u8], pools: usize) -> usize {
    let hash = fnv1a(text);
    usize::try_from((hash >> 32 ^ hash) % pools as u64).unwrap_or(0)
}

/// A request is far smaller than 4 GB.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_one_number() {
        let mut symbols = Symbols::default();
        assert_eq!((symbols.number(b""), symbols.number(b"a"), symbols.number(b"b")), (0, 1, 2));
        let many: Vec<u32> = (0..1000).map(|n| symbols.number(format!("text {n}").as_bytes())).collect();
        let again: Vec<u32> = (0..1000).map(|n| symbols.number(format!("text {n}").as_bytes())).collect();
        assert_eq!(many, again);
        assert_eq!((many[0], many[999], symbols.number(b"b")), (3, 1002, 2));
        symbols.clear();
        assert_eq!((symbols.number(b"b"), symbols.as_bytes()), (1, &b"\x22\x00\x22\x01b"[..]));
    }
}
