//! A set of small numbers.

/// A set of numbers below a limit.
#[derive(Debug)]
pub(super) struct Bits {
    words: Box<[u64]>,
    count: usize,
}

impl Bits {
    /// An empty set of numbers below this one.
    pub(super) fn new(limit: usize) -> Self {
        Self { words: vec![0; limit.div_ceil(64)].into(), count: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[inline]
    pub(super) fn contains(&self, number: usize) -> bool {
        self.words[number / 64] >> (number % 64) & 1 == 1
    }

    /// Whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, number: usize) -> bool {
        let word = &mut self.words[number / 64];
        let is_new = *word >> (number % 64) & 1 == 0;
        *word |= 1 << (number % 64);
        self.count += usize::from(is_new);
        is_new
    }

    /// Whether it was there.
    #[inline]
    pub(super) fn remove(&mut self, number: usize) -> bool {
        let was_there = self.contains(number);
        self.words[number / 64] &= !(1 << (number % 64));
        self.count -= usize::from(was_there);
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_there_from_their_insertion_to_their_removal() {
        let mut bits = Bits::new(130);
        assert!(bits.is_empty() && !bits.contains(129));
        assert!(bits.insert(0) && bits.insert(129) && !bits.insert(129));
        assert!(bits.contains(129) && !bits.contains(128) && !bits.is_empty());
        assert!(bits.remove(129) && !bits.remove(129) && bits.remove(0));
        assert!(bits.is_empty());
    }
}
