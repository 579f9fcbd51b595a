//! PidAllocator, as Linux gives them: one after the other, and from the beginning again when they are used up.

use std::collections::BTreeSet;

use crate::random::Random;

/// Below are those that Linux keeps for what starts at boot: `RESERVED_PIDS` in `kernel/pid.c`.
const FIRST: u32 = 300;
/// `PID_MAX_LIMIT` of 64-bit Linux (`include/linux/threads.h`): no pid is as large.
pub(crate) const END: u32 = 4_194_304;
/// How far the next pid is at most: the host has others, who come and go between.
const GAP_MAX: u64 = 7;

/// The pids in use, and where the next one is looked for.
#[derive(Clone, Debug)]
pub(crate) struct PidAllocator {
    taken: BTreeSet<u32>,
    next: u32,
}

impl PidAllocator {
    pub(crate) const fn new() -> Self {
        Self { taken: BTreeSet::new(), next: FIRST }
    }

    /// A pid that nobody has. There must be one, which [`crate::Settings`] sees to.
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
    fn pids_begin_anew_at_the_end_and_pass_over_those_in_use() {
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
