//! A mailbox: the events on their way to one host, and the waker of its task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use promemu_core::event::Event;

/// Maximum number of events that wait for a host: more than one host may emit in a second. Only a host that is held up for
/// long loses events.
pub(crate) const MAILBOX_MAX: usize = 16_384;

/// Events on their way to one host, and the host's task while it waits for them.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(Mutex<Mail>);

#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) events: Vec<Arc<Event>>,
    /// Waker of the host's task; `None` while it works.
    sleeper: Option<Waker>,
    /// `true` if something came that the task has not looked at.
    is_woken: bool,
    pub(super) is_overflowing: bool,
}

impl Mailbox {
    pub(super) fn mail(&self) -> MutexGuard<'_, Mail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        Self::wake_with(self.mail());
    }

    pub(super) fn wake_with(mail: MutexGuard<'_, Mail>) {
        if let Some(sleeper) = Self::rouse(mail) {
            sleeper.wake();
        }
    }

    /// As [`Self::wake`], but leaves it to the caller to wake the task, together with others.
    pub(super) fn sleeper(&self) -> Option<Waker> {
        Self::rouse(self.mail())
    }

    fn rouse(mut mail: MutexGuard<'_, Mail>) -> Option<Waker> {
        mail.is_woken = true;
        mail.sleeper.take()
    }

    /// Ready if something has come since this was last ready. Otherwise the task is woken when it comes.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut mail = self.mail();
        if std::mem::take(&mut mail.is_woken) {
            return Poll::Ready(());
        }
        if mail.sleeper.as_ref().is_none_or(|sleeper| !sleeper.will_wake(cx.waker())) {
            mail.sleeper = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}
