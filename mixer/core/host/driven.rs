//! A host with the events and actions on their way to it. Both drivers, live and virtual, drive hosts by it and so give the same
//! values.

use std::collections::VecDeque;
use std::sync::Arc;

use super::emulated_host::{EmulatedHost, START_SPREAD};
use super::mail::Mail;
use super::outbox::Outbox;
use crate::error::Error;
use crate::event::Event;
use crate::plan::HostPlan;
use crate::rng::Seed;
use crate::time::Time;
use crate::timeline::SentAction;

/// A host, the emulated time that it has reached, and the mail that it has not handled yet.
#[derive(Debug)]
pub struct DrivenHost {
    host: EmulatedHost,
    /// Time at which something of its own is due next.
    due: Time,
    /// The emulated time that it has reached.
    reached: Time,
    /// Most hosts have none most of the time, and then one word for it.
    waiting: Option<Box<Waiting>>,
}

/// Mail in the order in which it is handled.
#[derive(Clone, Debug, Default)]
struct Waiting {
    mail: VecDeque<Mail>,
}

impl DrivenHost {
    /// A host that waits for its start.
    #[must_use]
    pub const fn new(host: EmulatedHost) -> Self {
        let starts_at = host.starts_at();
        Self { host, due: starts_at, reached: starts_at, waiting: None }
    }

    /// As [`EmulatedHost::try_clone`], with the events on their way to it.
    pub fn try_clone(&self) -> Result<Self, Error> {
        Ok(Self { host: self.host.try_clone()?, waiting: self.waiting.clone(), ..*self })
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &EmulatedHost {
        &self.host
    }

    /// As [`EmulatedHost::go_live`].
    pub fn go_live(&mut self) {
        self.host.go_live();
    }

    /// As [`EmulatedHost::shed_row`].
    pub fn shed_row(&mut self) {
        self.host.shed_row();
    }

    /// As [`EmulatedHost::with_plan`].
    #[must_use]
    pub fn with_plan(mut self, plan: Arc<HostPlan>, seed: Seed, now: Time) -> Self {
        if let (Some(old), Some(new), Some(waiting)) = (&self.host.plan().run, &plan.run, &mut self.waiting) {
            waiting.mail.retain_mut(|mail| match mail {
                Mail::Action(sent) => sent.renumber_lever(|lever| new.index_in(old, lever)),
                Mail::Event(_) => true,
            });
        }
        let host = self.host.with_plan(plan, seed, now);
        // One that waits for its start has nothing due before.
        let due = if host.has_begun() { self.due.min(host.due()) } else { self.due };
        Self { host, due, ..self }
    }

    /// Time of its next step; [`Time::NEVER`] when it has ended.
    #[must_use]
    pub fn due(&self) -> Time {
        if self.due == Time::NEVER {
            return Time::NEVER;
        }
        let mail = self.mail().next().map_or(Time::NEVER, |mail| self.handled_at(mail));
        self.due.max(self.reached).min(mail)
    }

    /// Late mail is handled at once, and mail from before the start at the start.
    fn handled_at(&self, mail: &Mail) -> Time {
        mail.acts_at().max(self.reached)
    }

    fn mail(&self) -> impl Iterator<Item = &Mail> {
        self.waiting.iter().flat_map(|waiting| &waiting.mail)
    }

    /// Number of events that it has not handled yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.mail().filter(|mail| matches!(mail, Mail::Event(_))).count()
    }

    /// Hands it events. Those from long before its start are dropped.
    pub fn post(&mut self, events: impl IntoIterator<Item = Arc<Event>>) {
        let starts_at = self.host.starts_at();
        let is_kept = |event: &Arc<Event>| starts_at.since(event.time) <= START_SPREAD;
        self.add_mail(events.into_iter().filter(is_kept).map(Mail::Event));
    }

    /// Hands it actions, also those from before its start.
    pub fn post_actions(&mut self, actions: impl IntoIterator<Item = Arc<SentAction>>) {
        self.add_mail(actions.into_iter().map(Mail::Action));
    }

    fn add_mail(&mut self, added: impl Iterator<Item = Mail>) {
        let mut added = added.peekable();
        if added.peek().is_none() {
            return;
        }
        let Waiting { mail } = &mut **self.waiting.get_or_insert_default();
        let before = mail.len();
        mail.extend(added);
        let mail = mail.make_contiguous();
        if !mail[before.saturating_sub(1)..].is_sorted_by(|a, b| a.order(b).is_le()) {
            mail.sort_by(Mail::order);
        }
    }

    /// Advances the host to its next due time, if that comes by `until`, and gives the time. The outbox holds the
    /// results of this step only.
    pub fn step(&mut self, until: Time, out: &mut Outbox) -> Option<Time> {
        let at = self.due();
        if at > until || at == Time::NEVER {
            return None;
        }
        out.clear();
        let count = self.mail().take_while(|mail| mail.acts_at() <= at).count();
        match &mut self.waiting {
            Some(waiting) if count > 0 => {
                self.due = self.host.advance(at, &waiting.mail.make_contiguous()[..count], out);
                waiting.mail.drain(..count);
            }
            _ => self.due = self.host.advance(at, &[], out),
        }
        while let Some(part) = self.host.wanted_part() {
            self.host.take_part(part.read());
            self.due = self.host.due();
        }
        self.waiting.take_if(|waiting| waiting.mail.is_empty());
        self.reached = at;
        Some(at)
    }

    /// As [`EmulatedHost::skip_overdue`].
    pub fn skip_overdue(&mut self, now: Time) -> u64 {
        self.host.skip_overdue(now)
    }

    /// As [`EmulatedHost::stop`].
    pub fn stop(&mut self, now: Time, out: &mut Outbox) {
        self.host.stop(now.max(self.reached), out);
        self.due = Time::NEVER;
    }
}
