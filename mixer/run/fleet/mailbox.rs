//! A mailbox: the events on their way to one host, and the host itself while it sleeps.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use promemu_core::event::Event;

/// Maximum number of events that wait for a host: more than one host may emit in a second. Only a host that is held up for
/// long loses events.
pub(crate) const MAILBOX_MAX: usize = 16_384;

/// A host that sleeps.
pub(super) trait Sleeper: Debug + Send + 'static {
    /// Gives it a turn.
    fn wake(self: Box<Self>);
}

/// Events on their way to one host, and the host while it waits for them.
#[derive(Debug, Default)]
pub(crate) struct Mailbox(Mutex<Mail>);

#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) events: Vec<Arc<Event>>,
    /// The host; `None` while it works or waits for its turn.
    sleeper: Option<Box<dyn Sleeper>>,
    /// `true` if something came that the host has not looked at.
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

    /// As [`Self::wake`], but leaves it to the caller to give the host its turn, together with others.
    pub(super) fn sleeper(&self) -> Option<Box<dyn Sleeper>> {
        Self::rouse(self.mail())
    }

    fn rouse(mut mail: MutexGuard<'_, Mail>) -> Option<Box<dyn Sleeper>> {
        mail.is_woken = true;
        mail.sleeper.take()
    }

    /// `true` if something has come since this was last asked.
    pub(super) fn is_woken(&self) -> bool {
        std::mem::take(&mut self.mail().is_woken)
    }

    /// Lets the host sleep until something comes. Gives it back if something has come already.
    pub(super) fn sleep<S: Sleeper>(&self, host: Box<S>) -> Option<Box<S>> {
        let mut mail = self.mail();
        if mail.is_woken {
            return Some(host);
        }
        mail.sleeper = Some(host);
        None
    }
}
