//! A host's mail: events and actions on their way to it.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::event::{DELIVERY_DELAY, Event};
use crate::time::Time;
use crate::timeline::SentAction;

/// An event or an action on its way to a host.
#[derive(Clone, Debug, PartialEq)]
pub enum Mail {
    /// An event that the host listens to.
    Event(Arc<Event>),
    /// An action of the host.
    Action(Arc<SentAction>),
}

impl Mail {
    /// The moment at which it was sent.
    #[must_use]
    pub fn time(&self) -> Time {
        match self {
            Self::Event(event) => event.time,
            Self::Action(sent) => sent.time,
        }
    }

    /// The moment at which it is to be handled.
    #[must_use]
    pub fn acts_at(&self) -> Time {
        self.time() + DELIVERY_DELAY
    }

    /// The order of handling: by time; at one instant actions before events; then by source and sequence.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let by_time = self.time().cmp(&other.time());
        by_time.then_with(|| match (self, other) {
            (Self::Event(event), Self::Event(other)) => event.order(other),
            (Self::Action(sent), Self::Action(other)) => sent.order(other),
            (Self::Action(_), Self::Event(_)) => Ordering::Less,
            (Self::Event(_), Self::Action(_)) => Ordering::Greater,
        })
    }
}

impl From<Arc<Event>> for Mail {
    fn from(event: Arc<Event>) -> Self {
        Self::Event(event)
    }
}

impl From<Arc<SentAction>> for Mail {
    fn from(sent: Arc<SentAction>) -> Self {
        Self::Action(sent)
    }
}
