//! The slices of a source that was stored: cut at multiples of their length, less what is recorded already.

use promemu_core::time::{Span, Time};

use super::slice_thread::millis;

/// A range of time that a past input fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastRange {
    /// Its begin.
    pub from: Time,
    /// The moment after its end.
    pub to: Time,
    /// Length of a slice.
    pub slice: Span,
}

impl PastRange {
    /// The slices that are not recorded yet: first millisecond, and the one after the last.
    pub(super) fn slices(&self, recorded: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let (from, to) = (millis(self.from), millis(self.to));
        let length = i64::try_from(self.slice.duration().as_millis()).unwrap_or(i64::MAX).max(1);
        let mut slices = Vec::new();
        let mut begin = from;
        while begin < to {
            let end = begin.div_euclid(length).saturating_add(1).saturating_mul(length).min(to);
            let mut at = begin;
            for (known_begin, known_end) in recorded.iter().filter(|known| known.1 > begin && known.0 < end) {
                if *known_begin > at {
                    slices.push((at, *known_begin));
                }
                at = at.max(*known_end);
            }
            if at < end {
                slices.push((at, end));
            }
            begin = end;
        }
        slices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_not_fetched_again() {
        let millis = |millis: u64| Time::from_unix_nanos(millis * 1_000_000);
        let range = PastRange { from: millis(15), to: millis(48), slice: Span::from_nanos(10_000_000) };
        assert_eq!(range.slices(&[]), [(15, 20), (20, 30), (30, 40), (40, 48)]);
        assert_eq!(range.slices(&[(20, 30), (33, 36)]), [(15, 20), (30, 33), (36, 40), (40, 48)]);
        assert_eq!(range.slices(&[(10, 32), (40, 60)]), [(32, 40)]);
        assert_eq!(range.slices(&[(0, 100)]), []);
    }
}
