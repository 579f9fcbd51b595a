//! `limit_data`: a connection closes after a number of bytes.

use serde::{Deserialize, Serialize};

use super::super::stage::{Item, Stage, Timed};

/// The parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct LimitData {
    /// Number of bytes.
    bytes: i64,
}

#[derive(Debug)]
pub(super) struct Limit {
    bytes_max: u64,
    bytes_passed: u64,
}

impl LimitData {
    pub(super) fn stage(&self, bytes_passed: u64) -> Limit {
        Limit { bytes_max: u64::try_from(self.bytes).unwrap_or(0), bytes_passed }
    }
}

impl Stage for Limit {
    fn take(&mut self, timed: Timed, out: &mut Vec<Timed>) {
        let Timed { at, item } = timed;
        let Item::Data(mut bytes) = item else {
            out.push(Timed { at, item });
            return;
        };
        let left = self.bytes_max.saturating_sub(self.bytes_passed);
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        self.bytes_passed += bytes.len() as u64;
        if !bytes.is_empty() {
            out.push(Timed { at, item: Item::Data(bytes) });
        }
        if self.bytes_passed >= self.bytes_max {
            out.push(Timed { at, item: Item::Close });
        }
    }

    fn bytes_passed(&self) -> u64 {
        self.bytes_passed
    }
}
