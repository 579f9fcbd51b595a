//! Actions on their way to hosts.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::event::DELIVERY_DELAY;
use crate::fault::Course;
use crate::plan::Action;
use crate::time::Time;

/// An action on its way to a host.
#[derive(Clone, Debug, PartialEq)]
pub struct SentAction {
    /// The action.
    pub action: Action,
    /// The moment at which it was sent.
    pub time: Time,
    /// The name of the host that sent it, or of a sender outside of the run.
    pub source: Arc<str>,
    /// The order of sending: counted per source.
    pub sequence: u64,
}

impl SentAction {
    /// The moment at which it acts, in all hosts.
    #[must_use]
    pub fn acts_at(&self) -> Time {
        self.time + DELIVERY_DELAY
    }

    /// The order in which actions act: by time, then source, then sequence.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        (self.time, &self.source, self.sequence).cmp(&(other.time, &other.source, other.sequence))
    }

    /// Changes a course if it is an action on the timeline or on a fault. Returns `false` if it makes no difference.
    pub fn change(&self, course: &mut Course) -> bool {
        let from = self.acts_at();
        match &self.action {
            Action::BeginFault { fault, lasts } => course.begin(fault, from, from + *lasts),
            Action::EndFault { fault } => course.end(fault, from),
            Action::SkipTo { origin, .. } => course.skip(from, *origin),
            _ => false,
        }
    }

    /// `true` for the begin of a fault that this course knows already: it makes no difference.
    #[must_use]
    pub fn is_known(&self, course: &Course) -> bool {
        let from = self.acts_at();
        matches!(&self.action, Action::BeginFault { fault, lasts } if course.knows_begin(fault, from, from + *lasts))
    }

    /// Gives an action on a lever the lever's index in another plan. Gives `false` if the lever is not there.
    #[must_use]
    pub fn renumber_lever(self: &mut Arc<Self>, index_of: impl Fn(usize) -> Option<usize>) -> bool {
        let (Action::Lever { lever, .. } | Action::ReleaseLever { lever }) = self.action else { return true };
        let Some(index) = index_of(lever) else { return false };
        if index != lever
            && let Action::Lever { lever, .. } | Action::ReleaseLever { lever } =
                &mut Arc::make_mut(self).action
        {
            *lever = index;
        }
        true
    }
}
