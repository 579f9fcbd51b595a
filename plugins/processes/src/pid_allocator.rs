//! Pids in the order of Linux: ascending, and from the start again after the last one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// Lower pids are reserved for processes started at boot: `RESERVED_PIDS` in `kernel/pid.c`.
const FIRST: u32 = 300;
/// First number that is no pid: `PID_MAX_LIMIT` of 64-bit Linux (`include/linux/threads.h`).
pub(crate) const END: u32 = 4_194_304;
/// Maximum distance to the next pid, as other processes of the host take pids in between.
const GAP_MAX: u64 = 7;

/// The pids in use, and the start of the search for the next one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PidAllocator {
    taken: BTreeSet<u32>,
    next: u32,
}

impl PidAllocator {
    pub(crate) const fn new() -> Self {
        Self { taken: BTreeSet::new(), next: FIRST }
    }

    /// A pid that is not in use. There must be one, which [`crate::Settings`] ensures.
    #[expect(clippy::cast_possible_truncation, reason = "a gap is small")]
    pub(crate) fn take(&mut self, random: &mut Random) -> u32 {
        self.next += random.between(1, GAP_MAX) as u32;
        loop {
            if self.next >= END {
                self.next = FIRST;
            }
            if self.taken.insert(self.next) {
                return self.next;
            }
            self.next += 1;
        }
    }

    pub(crate) fn release(&mut self, pid: u32) {
        self.taken.remove(&pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_wrap_around_and_skip_those_in_use() {
        let (mut pids, mut random) = (PidAllocator::new(), Random::new(7, 0, 0));
        let first = pids.take(&mut random);
        assert!(first > FIRST);
        let mut last = first;
        let mut has_wrapped = false;
        for _ in 0..2_100_000 {
            let pid = pids.take(&mut random);
            assert!((FIRST..END).contains(&pid) && pid != first);
            has_wrapped |= pid < last;
            last = pid;
            pids.release(pid);
        }
        assert!(has_wrapped);
        pids.release(first);
        assert_eq!(pids.taken.len(), 0);
    }
}
