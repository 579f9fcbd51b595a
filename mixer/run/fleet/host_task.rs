//! One host's life in a task: it sleeps until something is due or mail comes, lets the time pass that was
//! due, and comes out of the task alive if it is to go on in another fleet.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use crate::fleet::{Fleet, MAILBOX_MAX, Order};
use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, EmulatedHost, Outbox};
use promemu_core::plan::HostPlan;
use promemu_core::time::{Speed, Time};

thread_local! {
    /// One outbox per thread serves all hosts that run on it.
    static OUTBOX: RefCell<Outbox> = RefCell::default();
}

/// A host, and where it lives.
#[derive(Debug)]
pub(crate) struct HostTask {
    host: DrivenHost,
    has_begun: bool,
    stay: Option<Membership>,
}

/// A host's stay in a fleet. However its task ends, its series leave, unless it is handed over.
#[derive(Debug)]
struct Membership {
    fleet: Arc<Fleet>,
    id: HostId,
    is_present: bool,
    is_handed_over: bool,
}

impl Membership {
    /// Counts the host in.
    fn begin(&mut self, at: Time) {
        self.is_present = true;
        self.fleet.begun(self.id, at);
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.is_present {
            self.fleet.ended(self.id);
        } else if !self.is_handed_over {
            self.fleet.lost(self.id);
        }
    }
}

impl HostTask {
    /// The life of a host that waits for its start.
    pub(crate) const fn new(host: EmulatedHost) -> Self {
        Self { host: DrivenHost::new(host), has_begun: false, stay: None }
    }

    /// The life of a host that comes out of the past.
    pub(crate) fn resumed(host: DrivenHost) -> Self {
        Self { has_begun: host.host().has_begun(), host, stay: None }
    }

    pub(crate) const fn host(&self) -> &DrivenHost {
        &self.host
    }

    /// Whether nothing will happen any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.host.due() == Time::NEVER
    }

    /// The same life in another fleet, where the host has this plan, equal to its own.
    pub(crate) fn with_plan(self, plan: Arc<HostPlan>) -> Self {
        Self { host: self.host.with_plan(plan), ..self }
    }

    /// Lives as host `id` of the fleet, from now on present there if it has begun before. Gives the life back
    /// if it is handed over, and nothing if it has ended.
    ///
    /// There is one such future per host: all that need not be in it is in the box.
    pub(crate) fn lived(
        mut self: Box<Self>,
        fleet: Arc<Fleet>,
        id: HostId,
    ) -> impl Future<Output = Option<(HostId, Box<Self>)>> + Send {
        if fleet.clock().speed() == Speed::NORMAL {
            self.host.go_live();
        }
        let mut stay = Membership { fleet, id, is_present: false, is_handed_over: false };
        if self.has_begun {
            stay.begin(self.host.host().starts_at());
        }
        self.stay = Some(stay);
        async move {
            while !self.has_ended() {
                let mut sleep = pin!(self.sleep());
                poll_fn(|cx| self.poll_awake(sleep.as_mut(), cx)).await;
                match self.order() {
                    None => with_outbox(|out| self.go_on(out)),
                    Some(Order::End) => {
                        with_outbox(|out| self.end(out));
                        return None;
                    }
                    Some(Order::HandOver) => {
                        let stay = self.stay.as_mut()?;
                        (stay.is_present, stay.is_handed_over) = (false, true);
                        return Some((stay.id, self));
                    }
                }
            }
            None
        }
    }

    /// Sleeps until something is due.
    fn sleep(&self) -> Sleep {
        let due = self.stay.as_ref().map(|stay| stay.fleet.clock().instant_of(self.host.due()));
        tokio::time::sleep_until(due.map_or_else(Instant::now, Instant::from_std))
    }

    /// Ready when something is due or mail has come.
    fn poll_awake(&self, sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.stay {
            Some(stay) if stay.fleet.poll_mail(stay.id, cx).is_pending() => sleep.poll(cx),
            _ => Poll::Ready(()),
        }
    }

    fn order(&self) -> Option<Order> {
        self.stay.as_ref().and_then(|stay| stay.fleet.order(stay.id))
    }

    /// Lets everything happen that is due by now, each thing at its own time.
    fn go_on(&mut self, out: &mut Outbox) {
        let Self { host, has_begun, stay } = self;
        let Some(stay) = stay else { return };
        let starts_at = host.host().starts_at();
        let now = stay.fleet.clock().now();
        if now < starts_at {
            stay.fleet.drop_early_events(stay.id, starts_at);
            return;
        }
        if !stay.is_present {
            *has_begun = true;
            stay.begin(starts_at);
        }
        let (fleet, id) = (&stay.fleet, stay.id);
        fleet.note_lateness(host.due(), now);
        fleet.count_skipped(host.skip_overdue(now));
        // What is in the mailbox counts against its bound until there is room here.
        if host.waiting() < MAILBOX_MAX {
            host.post(fleet.take_events(id));
        }
        loop {
            while host.step(now, out).is_some() {
                fleet.carry_out(id, host.host(), out);
            }
            let Some(orders) = fleet.take_orders(id) else { break };
            host.apply(&orders, now);
        }
    }

    fn end(&mut self, out: &mut Outbox) {
        if let Some(Membership { fleet, id, .. }) = &self.stay {
            self.host.stop(fleet.clock().now(), out);
            fleet.carry_out(*id, self.host.host(), out);
        }
    }
}

fn with_outbox(work: impl FnOnce(&mut Outbox)) {
    OUTBOX.with_borrow_mut(|out| {
        out.clear();
        work(out);
    });
}
