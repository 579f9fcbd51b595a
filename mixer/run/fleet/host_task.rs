//! The task of one host: it sleeps until something is due or an event comes, and advances the host to the time that was
//! due. It gives the host back alive if that is to go on in another fleet.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, Sleep};
use tracing::error;

use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, Outbox};
use promemu_core::interrupt::interruptible;
use promemu_core::plan::HostPlan;
use promemu_core::rng::Seed;
use promemu_core::time::{Speed, Time};
use promemu_core::timeline::SentAction;

use super::host_table::Exit;
use super::live_fleet::Fleet;
use super::mailbox::MAILBOX_MAX;
use super::task_ends::TaskEnds;

/// A host that is this long at it without having caught up lets others have their turn. It ends a turn between two steps, so
/// it changes no value.
const TURN_MAX: Duration = Duration::from_millis(5);

thread_local! {
    /// One outbox per thread serves all hosts that run on it.
    static OUTBOX: RefCell<Outbox> = RefCell::default();
}

/// A host and its membership in a fleet.
#[derive(Debug)]
pub(crate) struct HostTask {
    host: DrivenHost,
    has_begun: bool,
    /// The actions of the run log from this number on are new to it.
    log_position: u64,
    membership: Option<Membership>,
}

/// The end of a host's task.
#[derive(Debug)]
pub(super) enum HostEnd {
    /// The host has ended, too.
    Over,
    /// The host is to go on in another fleet.
    HandedOver(HostId, Box<HostTask>),
}

/// A host's membership in a fleet. However its task ends, its series leave, unless it is handed over.
#[derive(Debug)]
struct Membership {
    fleet: Arc<Fleet>,
    ends: Arc<TaskEnds<HostEnd>>,
    id: HostId,
    is_present: bool,
    is_handed_over: bool,
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.is_handed_over {
            return;
        }
        if self.is_present {
            self.fleet.mark_ended(self.id);
        } else {
            self.fleet.mark_gone(self.id);
        }
        if std::thread::panicking() {
            let _in_run = self.fleet.counters.log_span.enter();
            error!(host = %self.fleet.host(self.id).name, "host task ended by a bug; the other hosts go on");
        }
        self.ends.add(HostEnd::Over);
    }
}

impl HostTask {
    /// The task of a host that begins in the middle of a run, at a position in its log.
    pub(crate) fn joining((host, log_position): (DrivenHost, u64)) -> Self {
        Self { host, has_begun: false, log_position, membership: None }
    }

    /// The task of a host that comes out of the history.
    pub(crate) fn resumed(host: DrivenHost) -> Self {
        Self { has_begun: host.host().has_begun(), host, log_position: 0, membership: None }
    }

    pub(crate) const fn host(&self) -> &DrivenHost {
        &self.host
    }

    /// `true` if nothing is due any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.host.due() == Time::NEVER
    }

    /// The same host with another plan, as [`DrivenHost::with_plan`].
    pub(crate) fn with_plan(self, plan: Arc<HostPlan>, seed: Seed, now: Time) -> Self {
        Self { host: self.host.with_plan(plan, seed, now), ..self }
    }

    /// The same host with actions that it may know already.
    pub(crate) fn with_actions(mut self, actions: Vec<Arc<SentAction>>) -> Self {
        self.host.post_actions(actions);
        self
    }

    /// Runs the host as a member of the fleet, present at once if it has started before. Its end is added to
    /// `ends`.
    ///
    /// There is one such future per host: all state that need not be in it is in the box.
    pub(crate) fn run(
        mut self: Box<Self>,
        fleet: Arc<Fleet>,
        ends: Arc<TaskEnds<HostEnd>>,
        id: HostId,
    ) -> impl Future<Output = ()> + Send {
        if fleet.clock().speed() == Speed::NORMAL {
            self.host.go_live();
        }
        if self.has_begun {
            fleet.mark_started(id, self.host.host().starts_at());
            fleet.note_standing_overrides(id, self.host.host());
        }
        let is_present = self.has_begun;
        self.membership = Some(Membership { fleet, ends, id, is_present, is_handed_over: false });
        async move {
            while !self.has_ended() {
                let mut sleep = pin!(self.sleep());
                poll_fn(|cx| self.poll_awake(sleep.as_mut(), cx)).await;
                match self.exit() {
                    None if with_outbox(|out| self.catch_up(out)) => {}
                    // Others have their turn first.
                    None => yield_now().await,
                    Some(Exit::End) => {
                        with_outbox(|out| self.end(out));
                        return;
                    }
                    Some(Exit::HandOver) => return self.hand_over(),
                }
            }
        }
    }

    /// Leaves the fleet alive.
    fn hand_over(mut self: Box<Self>) {
        let Some(mut membership) = self.membership.take() else { return };
        membership.is_handed_over = true;
        membership.ends.add(HostEnd::HandedOver(membership.id, self));
    }

    /// Sleeps until something is due.
    fn sleep(&self) -> Sleep {
        let due = self.membership.as_ref().map(|of| of.fleet.clock().instant_of(self.host.due()));
        tokio::time::sleep_until(due.unwrap_or_else(Instant::now))
    }

    /// Ready when something is due or has come to the mailbox.
    fn poll_awake(&self, sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        match &self.membership {
            Some(of) if of.fleet.mailbox(of.id).poll(cx).is_pending() => sleep.poll(cx),
            _ => Poll::Ready(()),
        }
    }

    fn exit(&self) -> Option<Exit> {
        self.membership.as_ref().and_then(|of| of.fleet.table().exit(of.id))
    }

    /// Advances the host through everything that is due by now, each at its own time. Gives `false` if its turn is over
    /// before that.
    fn catch_up(&mut self, out: &mut Outbox) -> bool {
        let Self { host, has_begun, log_position, membership } = self;
        let Some(Membership { fleet, id, is_present, .. }) = membership else { return true };
        let (id, now) = (*id, fleet.clock().now());
        let starts_at = host.host().starts_at();
        if now < starts_at {
            fleet.drop_early_events(id, starts_at);
            return true;
        }
        if !*is_present {
            (*has_begun, *is_present) = (true, true);
            fleet.mark_begun(id, starts_at);
        }
        fleet.observe_lateness(host.due(), now);
        fleet.count_skipped(host.skip_overdue(now));
        // Events in the mailbox count against its bound until there is room here.
        if host.waiting() < MAILBOX_MAX {
            host.post(fleet.take_events(id));
        }
        fleet.read_actions(id, host, log_position);
        let cuts_steps = &fleet.table().cuts_steps;
        let begin = Instant::now();
        while interruptible(cuts_steps, || host.step(now, out)).is_some() {
            if cuts_steps.load(Ordering::Relaxed) {
                return true;
            }
            fleet.carry_out(id, host.host(), out);
            if begin.elapsed() >= TURN_MAX {
                return false;
            }
        }
        true
    }

    fn end(&mut self, out: &mut Outbox) {
        if let Some(Membership { fleet, id, .. }) = &self.membership {
            interruptible(&fleet.table().cuts_ends, || self.host.stop(fleet.clock().now(), out));
            fleet.carry_out(*id, self.host.host(), out);
        }
    }
}

fn with_outbox<R>(work: impl FnOnce(&mut Outbox) -> R) -> R {
    OUTBOX.with_borrow_mut(|out| {
        out.clear();
        work(out)
    })
}
