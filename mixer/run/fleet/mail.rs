//! Events on their way: mailboxes between the hosts of a fleet, and what puts something into them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tracing::{debug, warn};

use super::Fleet;
use promemu_core::event::{Event, HostId, MIXER_SOURCE};
use promemu_core::host::START_SPREAD;
use promemu_core::time::Time;

/// More events than this wait for no host; the newest are dropped and counted.
pub(crate) const MAILBOX_MAX: usize = 256;

/// Events on their way to one host, and the host's task while it waits for them.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(Mutex<Mail>);

#[derive(Debug, Default)]
pub(crate) struct Mail {
    pub(crate) events: Vec<Arc<Event>>,
    /// Who waits; nobody while the host is at work.
    sleeper: Option<Waker>,
    /// Whether something came that the host has not looked at.
    is_woken: bool,
    pub(crate) is_overflowing: bool,
}

impl Mailbox {
    pub(crate) fn mail(&self) -> MutexGuard<'_, Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self) {
        Self::wake_with(self.mail());
    }

    pub(crate) fn wake_with(mut mail: MutexGuard<'_, Mail>) {
        mail.is_woken = true;
        let sleeper = mail.sleeper.take();
        drop(mail);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }
}

impl Fleet {
    /// Ready when something has come for the host since this was last so; else its task is woken then.
    pub(crate) fn poll_mail(&self, id: HostId, cx: &Context<'_>) -> Poll<()> {
        let mut mail = self.mailboxes[id as usize].mail();
        if std::mem::take(&mut mail.is_woken) {
            return Poll::Ready(());
        }
        if mail.sleeper.as_ref().is_none_or(|sleeper| !sleeper.will_wake(cx.waker())) {
            mail.sleeper = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Emits an event of the mixer itself; gives its time.
    pub(crate) fn publish_own(&self, name: &str) -> Time {
        let sequence = self.counters.own_events.fetch_add(1, Ordering::Relaxed);
        let data = serde_json::Value::Null;
        let time = self.clock.now();
        self.publish(
            Event { name: name.into(), source: MIXER_SOURCE.into(), data, time, sequence, hops: 0 },
            None,
        );
        time
    }

    /// Puts an event into the mailboxes of those that listen, and gives how many there are; never waits.
    pub(crate) fn publish(&self, event: Event, emitter: Option<HostId>) -> usize {
        debug!(event = &*event.name, source = &*event.source, "event");
        self.counters.tally.events.inc();
        let event = Arc::new(event);
        self.counters.audience.tell(&event);
        self.bus.listeners(&event, emitter).filter(|host| self.deliver(*host, &event)).count()
    }

    /// Before a host's start only what comes right before it is kept, such as the start of the run.
    pub(crate) fn drop_early_events(&self, id: HostId, starts_at: Time) {
        let mut mail = self.mailboxes[id as usize].mail();
        mail.events.retain(|event| starts_at.since(event.time) <= START_SPREAD);
    }

    /// The events that wait for a host.
    pub(crate) fn take_events(&self, id: HostId) -> Vec<Arc<Event>> {
        let mut mail = self.mailboxes[id as usize].mail();
        mail.is_overflowing &= mail.events.is_empty();
        std::mem::take(&mut mail.events)
    }

    /// An event of a name, from a source that may be a host, which then hears what it listens to of its own.
    /// Gives how many hosts hear it, and when it happened.
    pub(crate) fn publish_for(&self, name: &str, source: &str, data: serde_json::Value) -> (usize, Time) {
        let sequence = self.counters.own_events.fetch_add(1, Ordering::Relaxed);
        let time = self.clock.now();
        let event = Event { name: name.into(), source: source.into(), data, time, sequence, hops: 0 };
        let own = self.id_of(source);
        let hears_itself = own.filter(|id| {
            let plan = &self.plan.hosts[*id as usize];
            plan.shape.listeners_to(&event, &plan.name).next().is_some()
        });
        let copy = hears_itself.map(|id| (id, Arc::new(event.clone())));
        let heard = self.publish(event, own);
        let by_itself = copy.is_some_and(|(id, event)| self.deliver(id, &event));
        (heard + usize::from(by_itself), time)
    }

    /// Puts an event into a host's mailbox; says whether there was room and somebody to hear it.
    fn deliver(&self, host: HostId, event: &Arc<Event>) -> bool {
        if self.has_ended(host) {
            return false;
        }
        let mut mail = self.mailboxes[host as usize].mail();
        if mail.events.len() < MAILBOX_MAX {
            mail.events.push(Arc::clone(event));
            Mailbox::wake_with(mail);
            return true;
        }
        let is_first = !std::mem::replace(&mut mail.is_overflowing, true);
        drop(mail);
        self.counters.tally.events_dropped.inc();
        if is_first {
            let name = &self.plan.hosts[host as usize].name;
            warn!("host {name:?} has {MAILBOX_MAX} events waiting; more are dropped until it has caught up");
        }
        false
    }
}
