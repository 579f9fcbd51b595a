//! `timeout`: no byte passes, and the connection closes after a time without one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::stage::{Item, Stage, Timed};
use super::millis;

/// The parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Timeout {
    /// Time until the connection closes, in milliseconds, from the last byte that was lost; 0 if it stays open until the
    /// toxic is removed.
    timeout: i64,
}

#[derive(Debug)]
pub(super) struct Silence {
    timeout: Option<Duration>,
    closes_at: Option<Instant>,
}

impl Timeout {
    pub(super) fn stage(&self, now: Instant) -> Silence {
        let timeout = Some(millis(self.timeout)).filter(|timeout| !timeout.is_zero());
        Silence { timeout, closes_at: timeout.map(|timeout| now + timeout) }
    }
}

impl Stage for Silence {
    fn take(&mut self, timed: Timed, out: &mut Vec<Timed>) {
        match timed.item {
            Item::Data(_) => self.closes_at = self.timeout.map(|timeout| timed.at + timeout),
            Item::End => out.push(Timed { item: Item::Close, ..timed }),
            Item::Close | Item::Reset => out.push(timed),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.closes_at
    }

    fn expire(&mut self, out: &mut Vec<Timed>) {
        out.extend(self.closes_at.take().map(|at| Timed { at, item: Item::Close }));
    }

    fn closes_when_removed(&self) -> bool {
        true
    }
}
