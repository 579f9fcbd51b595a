//! The slots of all pools of a host that are due, and those that changed. A slot is looked at only when it is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slot::Slot;
use crate::time::Time;

/// Due and changed slots, each by its pool and its number.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    /// Time at which a slot is due, or was when it was put there.
    queue: BinaryHeap<Reverse<(Time, u32, u32)>>,
    pub(super) changed: Vec<(usize, usize)>,
}

impl Agenda {
    /// Time at which the first slot is due.
    pub(super) fn due(&self) -> Time {
        self.queue.peek().map_or(Time::NEVER, |Reverse((time, ..))| *time)
    }

    /// Queues a slot for its due time, unless it is queued for an earlier one.
    pub(super) fn queue(&mut self, (pool, number): (usize, usize), slot: &mut Slot) {
        // Configs have fewer pools and slots than this.
        if let (Ok(pool), Ok(number)) = (u32::try_from(pool), u32::try_from(number))
            && slot.due < slot.queued
        {
            slot.queued = slot.due;
            self.queue.push(Reverse((slot.due, pool, number)));
        }
    }

    /// The next slot that is due now, with the time it was queued for.
    pub(super) fn next_due(&mut self, now: Time) -> Option<(Time, usize, usize)> {
        let Reverse((time, ..)) = self.queue.peek()?;
        if *time > now {
            return None;
        }
        let Reverse((time, pool, number)) = self.queue.pop()?;
        Some((time, pool as usize, number as usize))
    }

    /// Notes that outputs are to look at a slot.
    pub(super) fn mark(&mut self, (pool, number): (usize, usize), slot: &mut Slot) {
        if !std::mem::replace(&mut slot.is_changed, true) {
            self.changed.push((pool, number));
        }
    }

    /// Number of entries.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.changed.len()
    }
}
