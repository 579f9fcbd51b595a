//! One host's life in a task: it sleeps until something is due or mail comes, lets the time pass that was
//! due, and comes out of the task alive if it is to go on in another fleet.

use std::cell::RefCell;
use std::sync::Arc;

use super::hosts::{Fleet, MAILBOX_MAX, Order};
use crate::clock::Time;
use crate::event::HostId;
use crate::host::{DrivenHost, EmulatedHost, Outbox};
use crate::plan::HostPlan;

thread_local! {
    /// One outbox per thread serves all hosts that run on it.
    static OUTBOX: RefCell<Outbox> = RefCell::default();
}

/// A host, and whether it has begun.
#[derive(Debug)]
pub(super) struct Life {
    host: DrivenHost,
    has_begun: bool,
}

impl Life {
    /// The life of a host that waits for its start.
    pub(super) const fn new(host: EmulatedHost) -> Self {
        Self { host: DrivenHost::new(host), has_begun: false }
    }

    /// The life of a host that comes out of the past.
    pub(super) fn resumed(host: DrivenHost) -> Self {
        Self { has_begun: host.host().has_begun(), host }
    }

    pub(super) const fn host(&self) -> &DrivenHost {
        &self.host
    }

    /// Whether nothing will happen any more.
    pub(super) fn has_ended(&self) -> bool {
        self.host.due() == Time::NEVER
    }

    /// The same life in another fleet, where the host has this plan, equal to its own.
    pub(super) fn with_plan(self, plan: Arc<HostPlan>) -> Self {
        Self { host: self.host.with_plan(plan), ..self }
    }

    /// Lives as host `id` of the fleet, from now on present there if it has begun before. Gives the life back
    /// if it is handed over, and nothing if it has ended.
    pub(super) fn lived(
        self: Box<Self>,
        fleet: Arc<Fleet>,
        id: HostId,
    ) -> impl Future<Output = Option<(HostId, Box<Self>)>> + Send {
        let presence = self.has_begun.then(|| Presence::begin(&fleet, id, self.host.host().starts_at()));
        live(fleet, id, self, presence)
    }

    /// Lets everything happen that is due by now, each thing at its own time.
    fn catch_up(&mut self, fleet: &Fleet, id: HostId, out: &mut Outbox) {
        // What is in the mailbox counts against its bound until there is room here.
        if self.host.waiting() < MAILBOX_MAX {
            self.host.post(fleet.take_events(id));
        }
        let now = fleet.clock().now();
        while self.host.step(now, out).is_some() {
            fleet.carry_out(id, self.host.host(), out);
        }
    }

    fn end(&mut self, fleet: &Fleet, id: HostId, out: &mut Outbox) {
        self.host.stop(fleet.clock().now(), out);
        fleet.carry_out(id, self.host.host(), out);
    }
}

async fn live(
    fleet: Arc<Fleet>,
    id: HostId,
    mut life: Box<Life>,
    mut presence: Option<Presence>,
) -> Option<(HostId, Box<Life>)> {
    let mailbox = fleet.mailbox(id);
    let starts_at = life.host.host().starts_at();
    while life.host.due() != Time::NEVER {
        tokio::select! {
            biased;
            () = mailbox.wake.notified() => {}
            () = tokio::time::sleep_until(fleet.clock().instant_of(life.host.due()).into()) => {}
        }
        match fleet.order(id) {
            None => {}
            Some(Order::End) => {
                with_outbox(|out| life.end(&fleet, id, out));
                return None;
            }
            Some(Order::HandOver) => {
                if let Some(presence) = presence {
                    presence.hand_over();
                }
                return Some((id, life));
            }
        }
        let now = fleet.clock().now();
        if now < starts_at {
            fleet.drop_early_events(id, starts_at);
            continue;
        }
        if presence.is_none() {
            life.has_begun = true;
            presence = Some(Presence::begin(&fleet, id, starts_at));
        }
        fleet.note_lateness(life.host.due(), now);
        fleet.count_skipped(life.host.skip_overdue(now));
        with_outbox(|out| life.catch_up(&fleet, id, out));
    }
    None
}

fn with_outbox(work: impl FnOnce(&mut Outbox)) {
    OUTBOX.with_borrow_mut(|out| {
        out.clear();
        work(out);
    });
}

/// A host's presence in its fleet. However its task ends, its series leave, unless it is handed over.
struct Presence {
    fleet: Arc<Fleet>,
    id: HostId,
    is_handed_over: bool,
}

impl Presence {
    fn begin(fleet: &Arc<Fleet>, id: HostId, at: Time) -> Self {
        fleet.begun(id, at);
        Self { fleet: Arc::clone(fleet), id, is_handed_over: false }
    }

    fn hand_over(mut self) {
        self.is_handed_over = true;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if !self.is_handed_over {
            self.fleet.ended(self.id);
        }
    }
}
