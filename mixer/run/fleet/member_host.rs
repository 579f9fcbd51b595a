//! One host in its fleet: it sleeps until something is due or an event comes, and is then advanced to the time that was due. It
//! is given back alive if it is to go on in another fleet.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tracing::error;

use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, Outbox};
use promemu_core::interrupt::interruptible;
use promemu_core::plan::HostPlan;
use promemu_core::rng::Seed;
use promemu_core::time::{Speed, Time};
use promemu_core::timeline::SentAction;

use super::host_ends::HostEnds;
use super::host_table::Exit;
use super::live_fleet::Fleet;
use super::mailbox::{MAILBOX_MAX, Sleeper};
use super::turns::{Turn, Turns};

/// A host that is this long at it without having caught up lets others have their turn. It ends a turn between two steps, so
/// it changes no value.
const TURN_MAX: Duration = Duration::from_millis(5);

thread_local! {
    /// One outbox per thread serves all hosts that run on it.
    static OUTBOX: RefCell<Outbox> = RefCell::default();
}

/// A host and its membership in a fleet.
#[derive(Debug)]
pub(crate) struct MemberHost {
    host: DrivenHost,
    /// The actions of the run log from this number on are new to it.
    log_position: u64,
    /// The tick of its alarm; [`Time::NEVER`] for none.
    alarm: Time,
    membership: Option<Membership>,
}

/// The end of a host's membership.
#[derive(Debug)]
pub(super) enum HostEnd {
    /// The host has ended, too.
    Over,
    /// The host is to go on in another fleet.
    HandedOver(HostId, Box<MemberHost>),
}

/// Everything that the hosts of a fleet share.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) fleet: Arc<Fleet>,
    pub(super) turns: Arc<Turns<MemberHost>>,
    pub(super) ends: Arc<HostEnds<HostEnd>>,
}

/// A host's membership in a fleet. However it ends, the host's series leave, unless it is handed over.
struct Membership {
    of: Arc<Members>,
    id: HostId,
    is_present: bool,
    is_handed_over: bool,
}

impl fmt::Debug for Membership {
    // The fleet holds its sleeping hosts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.is_handed_over {
            return;
        }
        let Members { fleet, ends, .. } = &*self.of;
        if self.is_present {
            fleet.mark_ended(self.id);
        } else {
            fleet.mark_gone(self.id);
        }
        if std::thread::panicking() {
            let _in_run = fleet.counters.log_span.enter();
            error!(host = %fleet.host(self.id).name, "host ended by a bug; the other hosts go on");
        }
        ends.add(HostEnd::Over);
    }
}

impl MemberHost {
    /// A host that begins in the middle of a run, at a position in its log.
    pub(crate) fn joining((host, log_position): (DrivenHost, u64)) -> Self {
        Self { host, log_position, alarm: Time::NEVER, membership: None }
    }

    /// A host that comes out of the history, at a position in the run's log.
    pub(crate) fn resumed(host: DrivenHost, log_position: u64) -> Self {
        Self { host, log_position, alarm: Time::NEVER, membership: None }
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

    /// Makes the host a member of a fleet, present at once if it has started before.
    pub(super) fn join(mut self: Box<Self>, of: Arc<Members>, id: HostId) {
        let fleet = &of.fleet;
        if fleet.clock().speed() == Speed::NORMAL {
            self.host.go_live();
        }
        self.host.shed_row();
        let is_present = self.host.host().has_begun();
        if is_present {
            fleet.mark_started(id, self.host.host().starts_at());
            fleet.note_standing_overrides(id, self.host.host());
        }
        self.alarm = Time::NEVER;
        self.membership = Some(Membership { of, id, is_present, is_handed_over: false });
        self.wake();
    }

    /// Leaves the fleet alive.
    fn hand_over(mut self: Box<Self>) {
        let Some(mut membership) = self.membership.take() else { return };
        membership.is_handed_over = true;
        membership.of.ends.add(HostEnd::HandedOver(membership.id, self));
    }

    /// Sets the alarm that wakes the host when something of its own is due.
    fn set_alarm(&mut self) {
        let Some(Membership { of, id, .. }) = &self.membership else { return };
        let alarms = of.fleet.alarms();
        let tick = alarms.tick_of(self.host.due());
        if tick != self.alarm {
            alarms.set(*id, self.alarm, tick);
            self.alarm = tick;
        }
    }

    fn exit(&self) -> Option<Exit> {
        self.membership.as_ref().and_then(|own| own.of.fleet.table().exit(own.id))
    }

    /// Advances the host through everything that is due by now, each at its own time, unless its turn is over before
    /// that.
    fn catch_up(&mut self, out: &mut Outbox) {
        let Self { host, log_position, alarm, membership } = self;
        let Some(Membership { of, id, is_present, .. }) = membership else { return };
        let (fleet, id) = (&of.fleet, *id);
        let now = fleet.clock().now();
        if *alarm <= now {
            *alarm = Time::NEVER;
        }
        let starts_at = host.host().starts_at();
        if now < starts_at {
            fleet.drop_early_events(id, starts_at);
            return;
        }
        if !*is_present {
            *is_present = true;
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
                return;
            }
            fleet.carry_out(id, host.host(), out);
            if begin.elapsed() >= TURN_MAX {
                return;
            }
        }
    }

    fn end(&mut self, out: &mut Outbox) {
        if let Some(Membership { of, id, .. }) = &self.membership {
            let fleet = &of.fleet;
            interruptible(&fleet.table().cuts_ends, || self.host.stop(fleet.clock().now(), out));
            fleet.carry_out(*id, self.host.host(), out);
        }
    }
}

impl Sleeper for MemberHost {
    fn wake(self: Box<Self>) {
        if let Some(own) = &self.membership {
            Arc::clone(&own.of.turns).give(self);
        }
    }
}

impl Turn for MemberHost {
    /// Lets the host do what it was woken for, and then sleep or leave.
    fn take_turn(mut self: Box<Self>) -> Option<Box<Self>> {
        let own = self.membership.as_ref()?;
        let (of, id) = (Arc::clone(&own.of), own.id);
        let mailbox = of.fleet.mailbox(id);
        if mailbox.is_woken() && !self.has_ended() {
            match self.exit() {
                None => with_outbox(|out| self.catch_up(out)),
                Some(Exit::End) => {
                    with_outbox(|out| self.end(out));
                    return None;
                }
                Some(Exit::HandOver) => {
                    self.hand_over();
                    return None;
                }
            }
        }
        if self.has_ended() {
            return None;
        }
        self.set_alarm();
        mailbox.sleep(self)
    }
}

fn with_outbox<R>(work: impl FnOnce(&mut Outbox) -> R) -> R {
    OUTBOX.with_borrow_mut(|out| {
        out.clear();
        work(out)
    })
}
