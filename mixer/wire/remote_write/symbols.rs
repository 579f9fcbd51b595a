//! The symbol table of a remote write 2.0 request: every text once
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#protobuf-message>).

use promemu_core::rng::fnv1a;

use crate::protobuf::put_tag_and_len;

/// `Request.symbols`
pub(super) const SYMBOL: u8 = 0x22;
const SLOTS_MIN: usize = 256;

/// Texts by number. Number 0 is the empty text, as the specification requires.
#[derive(Debug)]
pub(super) struct Symbols {
    /// The texts as fields of a request.
    bytes: Vec<u8>,
    /// Start and end of each text in `bytes`.
    places: Vec<(u32, u32)>,
    /// Hash table with open addressing: a text's number plus one, or 0 if the slot is free. At least half are free.
    slots: Vec<u32>,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self { bytes: Vec::new(), places: Vec::new(), slots: vec![0; SLOTS_MIN] };
        symbols.number(b"");
        symbols
    }
}

impl Symbols {
    /// Forgets all texts but the empty one.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
        self.slots.fill(0);
        self.number(b"");
    }

    /// The texts as fields of a request.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of a text, which is added if it is new.
    #[inline]
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        let mut slot = slot_of(text, self.slots.len());
        loop {
            match self.slots[slot].checked_sub(1) {
                None => return self.add(text, slot),
                Some(number) if self.text(number) == text => return number,
                Some(_) => slot = (slot + 1) % self.slots.len(),
            }
        }
    }

    fn text(&self, number: u32) -> &[u8] {
        let (start, end) = self.places[number as usize];
        &self.bytes[start as usize..end as usize]
    }

    fn add(&mut self, text: &[u8], slot: usize) -> u32 {
        put_tag_and_len(SYMBOL, text.len(), &mut self.bytes);
        let start = small(self.bytes.len());
        self.bytes.extend_from_slice(text);
        self.places.push((start, small(self.bytes.len())));
        let number = small(self.places.len() - 1);
        self.slots[slot] = number + 1;
        if self.places.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        self.slots.clear();
        self.slots.resize(size, 0);
        for number in 0..small(self.places.len()) {
            let mut slot = slot_of(self.text(number), size);
            while self.slots[slot] != 0 {
                slot = (slot + 1) % size;
            }
            self.slots[slot] = number + 1;
        }
    }
}

fn slot_of(text: &[u8], slots: usize) -> usize {
    let hash = fnv1a(text);
    usize::try_from((hash >> 32 ^ hash) % slots as u64).unwrap_or(0)
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
