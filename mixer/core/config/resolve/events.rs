//! The events that a config emits and listens to.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::error::SourceSpan;
use crate::event::Subscription;
use crate::scenario::ScenarioPlan;

/// Subscriptions with their places, emitted events, and the sources of events.
#[derive(Default)]
pub(super) struct Events {
    pub(super) subscriptions: IndexMap<Subscription, SourceSpan>,
    pub(super) emitted: IndexSet<Arc<str>>,
    pub(super) sources: IndexSet<Arc<str>>,
    /// Set if an emitted event's name is calculated.
    pub(super) emits_any: bool,
}

impl Events {
    pub(super) fn subscribe(&mut self, subscription: &Subscription, span: SourceSpan) {
        if !self.subscriptions.contains_key(subscription) {
            self.subscriptions.insert(subscription.clone(), span);
        }
    }

    pub(super) fn emit(&mut self, event: &Arc<str>) {
        self.emitted.insert(Arc::clone(event));
    }

    /// Adds the subscriptions and events of a scenario; `span` is its place.
    pub(super) fn note(&mut self, scenario: &ScenarioPlan, span: SourceSpan) {
        for subscription in scenario.subscriptions() {
            self.subscribe(&subscription, span);
        }
        for emission in scenario.emits() {
            self.sources.extend(emission.source);
            match emission.event {
                Some(event) => drop(self.emitted.insert(event)),
                None => self.emits_any = true,
            }
        }
    }
}
