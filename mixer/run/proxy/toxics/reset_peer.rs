//! `reset_peer`: the first bytes of a connection are lost, and it is reset.

use serde::{Deserialize, Serialize};

use super::super::stage::{Item, Stage, Timed};
use super::millis;

/// The parameters, which are all that it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct ResetPeer {
    /// Time from the first bytes, or from the end of the connection, to the reset, in milliseconds.
    timeout: i64,
}

impl Stage for ResetPeer {
    fn take(&mut self, timed: Timed, out: &mut Vec<Timed>) {
        // Whatever follows comes after the reset.
        out.push(Timed { at: timed.at + millis(self.timeout), item: Item::Reset });
    }
}
