//! `bandwidth`: a connection passes only so many bytes in a second.

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::stage::{Item, Stage, Timed};
use super::{piece_len, transfer_time};

/// The parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Bandwidth {
    /// Rate, in kB/s; no limit if it is 0 or negative.
    rate: i64,
}

#[derive(Debug)]
pub(super) struct Throttle {
    /// `None` for no limit.
    rate: Option<u64>,
    /// The time at which all bytes so far have passed.
    free_at: Instant,
}

impl Bandwidth {
    pub(super) fn stage(&self, now: Instant) -> Throttle {
        Throttle { rate: u64::try_from(self.rate).ok().filter(|rate| *rate > 0), free_at: now }
    }
}

impl Stage for Throttle {
    fn take(&mut self, timed: Timed, out: &mut Vec<Timed>) {
        throttle(self.rate, &mut self.free_at, timed, out);
    }
}

/// Passes an item at a rate that is free from this time on.
pub(super) fn throttle(rate: Option<u64>, free_at: &mut Instant, timed: Timed, out: &mut Vec<Timed>) {
    let Timed { at, item } = timed;
    let (Some(rate), Item::Data(mut bytes)) = (rate, item.clone()) else {
        out.push(Timed { at, item });
        return;
    };
    *free_at = at.max(*free_at);
    while !bytes.is_empty() {
        let piece = bytes.split_to(bytes.len().min(piece_len(rate)));
        *free_at += transfer_time(piece.len(), rate);
        out.push(Timed { at: *free_at, item: Item::Data(piece) });
    }
}
