//! One host, with the events of a log on their way to it.

use std::sync::Arc;

use super::Backfill;
use super::samples::{Grid, HostSamples};
use crate::event::{DELIVERY_DELAY, HostId};
use crate::host::{DrivenHost, Outbox};
use crate::time::Time;

/// Number of events that are read from the log at once.
const READ_AHEAD: usize = 256;

/// A host that hears what it heard in the run of a log. It reads the log a little ahead.
#[derive(Debug)]
pub struct ReplayedHost<'a> {
    host: DrivenHost,
    run: &'a Backfill,
    /// The events that it hears, as indices into the log.
    mail: Vec<u32>,
    /// Number of these that it has got.
    read: usize,
}

impl<'a> ReplayedHost<'a> {
    pub(super) fn new(id: HostId, mut host: DrivenHost, run: &'a Backfill) -> Self {
        let log = run.log();
        let actions: Vec<_> = log.actions_for(host.host().plan()).collect();
        host.post_actions(actions);
        let mail = log.mail(id, host.host().plan());
        let mut host = Self { host, run, mail, read: 0 };
        host.read_ahead();
        host
    }

    /// The host.
    #[must_use]
    pub const fn driven(&self) -> &DrivenHost {
        &self.host
    }

    /// Notes what is kept of its samples.
    pub(super) fn note(&self, grid: &Grid, samples: &HostSamples) {
        if let Some(recent) = &self.run.recent {
            recent.take(&self.run.plan, self.host.host().plan(), grid, samples);
        }
    }

    /// As [`DrivenHost::due`].
    #[must_use]
    pub fn due(&self) -> Time {
        self.host.due()
    }

    /// As [`DrivenHost::step`].
    pub fn step(&mut self, until: Time, out: &mut Outbox) -> Option<Time> {
        let at = self.host.step(until, out);
        if self.read < self.mail.len() {
            self.read_ahead();
        }
        at
    }

    /// The host alone, with all events that are still on their way.
    #[must_use]
    pub fn into_host(mut self) -> DrivenHost {
        while self.read < self.mail.len() {
            self.read_some();
        }
        self.host
    }

    /// Has all events there that the next step handles.
    fn read_ahead(&mut self) {
        while self.read < self.mail.len() {
            let due = self.host.due();
            let newest = self.mail[..self.read].last().map(|index| self.run.log.time_of(*index));
            if due == Time::NEVER || newest.is_some_and(|time| time + DELIVERY_DELAY > due) {
                break;
            }
            self.read_some();
        }
    }

    fn read_some(&mut self) {
        let end = self.mail.len().min(self.read + READ_AHEAD);
        let events = self.mail[self.read..end].iter().map(|index| Arc::new(self.run.log.event(*index)));
        self.host.post(events);
        self.read = end;
    }
}
