//! The run log: what came to a run from outside of its hosts, by people, by the API and by listeners.
//!
//! With a plan and a seed it determines every value of a run. It is bounded: an action that finds no room is refused, an
//! event makes the oldest one be forgotten.

use std::sync::Arc;

use super::sent_action::SentAction;
use crate::event::Event;
use crate::plan::{Action, HostPlan, HostSelection};
use crate::time::{Span, Time};

/// Maximum number of actions that are kept.
pub const LOGGED_ACTIONS_MAX: usize = 10_000;

/// Maximum number of events that are kept.
pub const LOGGED_EVENTS_MAX: usize = 10_000;

/// The hosts that an action is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// All hosts.
    All,
    /// The hosts that match.
    Selected(HostSelection),
    /// The hosts of these names, which are sorted.
    Named(Arc<[Arc<str>]>),
}

impl Targets {
    /// One host.
    #[must_use]
    pub fn host(name: &Arc<str>) -> Self {
        Self::Named([Arc::clone(name)].into())
    }

    /// Some hosts.
    #[must_use]
    pub fn hosts(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        let mut names: Vec<Arc<str>> = names.into_iter().collect();
        names.sort_unstable();
        Self::Named(names.into())
    }

    /// `true` if the host is one of them.
    #[must_use]
    pub fn reach(&self, host: &HostPlan) -> bool {
        match self {
            Self::All => true,
            Self::Selected(hosts) => hosts.matches(host),
            Self::Named(names) => names.binary_search(&host.name).is_ok(),
        }
    }
}

/// An action in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedAction {
    /// Its number in the log: larger than those of all earlier ones.
    pub number: u64,
    /// Its hosts.
    pub targets: Targets,
    /// The action.
    pub sent: Arc<SentAction>,
}

impl LoggedAction {
    /// The end of its effect, if it has one of its own.
    fn ends_at(&self) -> Option<Time> {
        match self.sent.action {
            Action::Override { lasts, .. } | Action::Lever { lasts, .. } | Action::Down { lasts }
                if lasts != Span::FOREVER =>
            {
                Some(self.sent.acts_at() + lasts)
            }
            _ => None,
        }
    }
}

/// The log has no room for another action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the run log is full with {LOGGED_ACTIONS_MAX} actions that still hold; start another run")]
pub struct LogFull;

/// The log of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunLog {
    actions: Vec<LoggedAction>,
    events: Vec<Arc<Event>>,
    /// Number of actions so far.
    numbered: u64,
    /// Number of actions and events that were forgotten, and of changes of the plan.
    forgotten: u64,
}

impl RunLog {
    /// Appends an action.
    pub fn append(&mut self, targets: Targets, sent: Arc<SentAction>) -> Result<(), LogFull> {
        if self.actions.len() >= LOGGED_ACTIONS_MAX {
            self.forget_ended(sent.time);
        }
        if self.actions.len() >= LOGGED_ACTIONS_MAX {
            return Err(LogFull);
        }
        self.actions.push(LoggedAction { number: self.numbered, targets, sent });
        self.numbered += 1;
        Ok(())
    }

    /// Appends an event from outside.
    pub fn append_event(&mut self, event: Arc<Event>) {
        if self.events.len() >= LOGGED_EVENTS_MAX {
            // Forgotten in bulk, so that an event costs the same in the mean.
            self.events.drain(..LOGGED_EVENTS_MAX / 10);
            self.forgotten += (LOGGED_EVENTS_MAX / 10) as u64;
        }
        self.events.push(event);
    }

    /// All actions, in the order in which they were appended.
    #[must_use]
    pub fn actions(&self) -> &[LoggedAction] {
        &self.actions
    }

    /// All events from outside, in the order in which they were appended.
    #[must_use]
    pub fn events(&self) -> &[Arc<Event>] {
        &self.events
    }

    /// A number that is larger than those of all actions in it.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.numbered
    }

    /// The actions for a host from this number on.
    pub fn actions_for<'a>(
        &'a self,
        host: &'a HostPlan,
        from: u64,
    ) -> impl Iterator<Item = Arc<SentAction>> + 'a {
        let first = self.actions.partition_point(|logged| logged.number < from);
        let reaching = self.actions[first..]
            .iter()
            .filter(|LoggedAction { sent, targets, .. }| sent.action.concerns(host) && targets.reach(host));
        reaching.map(|logged| Arc::clone(&logged.sent))
    }

    /// `true` if nothing was forgotten, so that the log tells of the whole run.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.forgotten == 0
    }

    /// Gives the actions on levers their new indices, for a run that goes on with another plan. Those of a lever that is
    /// gone are forgotten. The log does not tell of the whole run any more.
    pub fn renumber_levers(&mut self, index_of: impl Fn(usize) -> Option<usize>) {
        self.actions.retain_mut(|logged| {
            let mut sent = SentAction::clone(&logged.sent);
            let (Action::Lever { lever, .. } | Action::ReleaseLever { lever }) = &mut sent.action else {
                return true;
            };
            let Some(index) = index_of(*lever) else { return false };
            if index != *lever {
                *lever = index;
                logged.sent = Arc::new(sent);
            }
            true
        });
        self.forgotten += 1;
    }

    /// Forgets the actions whose effect has ended by now.
    fn forget_ended(&mut self, now: Time) {
        let before = self.actions.len();
        self.actions.retain(|logged| logged.ends_at().is_none_or(|end| end > now));
        self.forgotten += (before - self.actions.len()) as u64;
    }
}
