//! The step from one fleet to the fleet of another plan.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use promemu_core::event::HostId;
use promemu_core::plan::Plan;

use super::live_fleet::Fleet;
use super::mailbox::Mailbox;

impl Fleet {
    /// The fleet of another plan. `kept` has for each of its hosts the one here that it continues, if any; `alive` says
    /// which of these still run. They keep their state, series and events.
    pub(crate) fn successor(
        &self,
        plan: Plan,
        kept: &[Option<HostId>],
        alive: impl Fn(HostId) -> bool,
    ) -> Self {
        let next = Self::of_plan(plan, self.clock, Arc::clone(&self.counters));
        for (id, from) in (0..).zip(kept) {
            if let Some(from) = *from {
                next.inherit(id, self, from, alive(from));
            }
        }
        next
    }

    fn inherit(&self, id: HostId, old: &Self, from: HostId, is_alive: bool) {
        let (state, known) = (self.state(id), old.state(from));
        state.started_at_nanos.store(known.started_at_nanos.load(Ordering::Relaxed), Ordering::Relaxed);
        state.has_ended.store(!is_alive, Ordering::Relaxed);
        state.is_stopped.store(known.is_stopped.load(Ordering::Relaxed), Ordering::Relaxed);
        if !is_alive {
            return;
        }
        self.inherit_commands(id, old, from);
        let (mailbox, waiting) = (self.mailbox(id), old.mailbox(from));
        let (mut mail, mut waiting) = (mailbox.mail(), waiting.mail());
        mail.is_overflowing = waiting.is_overflowing;
        mail.events = std::mem::take(&mut waiting.events);
        drop(waiting);
        Mailbox::wake_with(mail);
        let ((job, row), (old_job, old_row)) = (self.place(id), old.place(from));
        job.store().inherit_host(row, &old_job.store(), old_row);
    }
}
