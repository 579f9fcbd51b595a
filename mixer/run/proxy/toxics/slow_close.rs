//! `slow_close`: the end of a connection arrives later.

use serde::{Deserialize, Serialize};

use super::super::stage::{Item, Stage, Timed};
use super::millis;

/// The parameters, which are all that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct SlowClose {
    /// Delay, in milliseconds.
    delay: i64,
}

impl Stage for SlowClose {
    fn take(&mut self, mut timed: Timed, out: &mut Vec<Timed>) {
        if !matches!(timed.item, Item::Data(_)) {
            timed.at += millis(self.delay);
        }
        out.push(timed);
    }
}
