//! `slicer`: bytes arrive in small pieces.

use std::time::Duration;

use promemu_core::rng::Rng;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::stage::{Item, Stage, Timed};
use super::Start;

/// The parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Slicer {
    /// Bytes of a piece on average.
    average_size: i64,
    /// Largest deviation from that.
    size_variation: i64,
    /// Time from one piece to the next, in microseconds.
    delay: i64,
}

#[derive(Debug)]
pub(super) struct Slices {
    smallest: u64,
    largest: u64,
    delay: Duration,
    random: Rng,
    /// The earliest time of the next piece.
    next_at: Instant,
}

impl Slicer {
    pub(super) fn stage(&self, start: Start) -> Slices {
        let [average, variation, delay] = [self.average_size, self.size_variation, self.delay]
            .map(|number| u64::try_from(number).unwrap_or(0));
        Slices {
            smallest: average.saturating_sub(variation).max(1),
            largest: average.saturating_add(variation).max(1),
            delay: Duration::from_micros(delay).min(super::FOREVER),
            random: start.random,
            next_at: start.now,
        }
    }
}

impl Stage for Slices {
    fn take(&mut self, timed: Timed, out: &mut Vec<Timed>) {
        let Timed { at, item } = timed;
        let mut at = at.max(self.next_at);
        let Item::Data(mut bytes) = item else {
            out.push(Timed { at, item });
            return;
        };
        while !bytes.is_empty() {
            let len = self.smallest + self.random.below((self.largest - self.smallest).saturating_add(1));
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len());
            out.push(Timed { at, item: Item::Data(bytes.split_to(len)) });
            at += self.delay;
        }
        self.next_at = at;
    }
}
