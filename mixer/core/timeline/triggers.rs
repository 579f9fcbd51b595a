//! Triggers: the events on which faults of the run begin.

use std::sync::Arc;

use indexmap::IndexMap;

use super::sent_action::SentAction;
use crate::event::{Event, Subscription};
use crate::plan::{Action, Plan, RunFault};

/// The faults that begin on events, by the names of these. Most runs have none.
#[derive(Debug, Default)]
pub struct Triggers(IndexMap<Arc<str>, Vec<(Subscription, Arc<RunFault>)>>);

impl Triggers {
    /// Those of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut triggers = Self::default();
        for fault in &plan.faults {
            for subscription in &fault.on {
                let of_event = triggers.0.entry(Arc::clone(&subscription.event)).or_default();
                of_event.push((subscription.clone(), Arc::clone(fault)));
            }
        }
        triggers
    }

    /// `true` if no event begins a fault.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `true` if an event of this name, from some source, begins a fault.
    #[must_use]
    pub fn has(&self, event: &str) -> bool {
        self.0.contains_key(event)
    }

    /// The actions that begin faults on an event, in the config's order. The event's source sends them as it emits the event.
    #[must_use]
    pub fn actions(&self, event: &Event) -> Vec<SentAction> {
        let mut actions: Vec<SentAction> = Vec::new();
        for (subscription, fault) in self.0.get(&event.name).into_iter().flatten() {
            let (id, lasts) = (Arc::clone(&fault.id), fault.times.lasts);
            let action = Action::BeginFault { fault: id, lasts };
            // One that names the event twice begins once.
            if subscription.matches(event, "") && actions.last().is_none_or(|last| last.action != action) {
                let (time, source, sequence) = (event.time, Arc::clone(&event.source), event.sequence);
                actions.push(SentAction { action, time, source, sequence });
            }
        }
        actions
    }
}
