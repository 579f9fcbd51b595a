//! Who emits which events, and who waits for one that never comes.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::Resolver;
use crate::error::{SourceSpan, suggestion};
use crate::event::{LIFECYCLE, MIXER_SOURCE, Source, Subscription};
use crate::scenario::ScenarioPlan;

/// What is heard, and where that is written; what is emitted, and in whose name.
#[derive(Default)]
pub(super) struct Events {
    heard: IndexMap<Subscription, SourceSpan>,
    emitted: IndexSet<Arc<str>>,
    sources: IndexSet<Arc<str>>,
    /// Set where something emits an event whose name is calculated.
    emits_any: bool,
}

impl Events {
    pub(super) fn hears(&mut self, subscription: &Subscription, span: SourceSpan) {
        if !self.heard.contains_key(subscription) {
            self.heard.insert(subscription.clone(), span);
        }
    }

    pub(super) fn emits(&mut self, event: &Arc<str>) {
        self.emitted.insert(Arc::clone(event));
    }

    /// What a scenario hears and emits; what it hears without having been told so is written where it is.
    pub(super) fn note(&mut self, scenario: &ScenarioPlan, span: SourceSpan) {
        for subscription in scenario.subscriptions() {
            self.hears(&subscription, span);
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

impl Resolver<'_> {
    /// An event that nobody emits, or that comes from a host that is not there, is probably misspelt.
    pub(super) fn warn_of_events_that_never_come(&mut self) {
        let known: Vec<&str> = self.events.emitted.iter().map(|event| &**event).chain(LIFECYCLE).collect();
        for (Subscription { event, source }, span) in &self.events.heard {
            if !known.contains(&&**event) && !self.events.emits_any {
                let hint = suggestion(event, &known);
                self.problems.warning(*span, format!("nobody emits {event:?}, so it is never heard{hint}"));
            }
            if let Source::Named(host) = source
                && !self.host_names.contains(host)
                && !self.events.sources.contains(host)
                && **host != *MIXER_SOURCE
            {
                let hosts: Vec<&str> = self.host_names.iter().map(|name| &**name).collect();
                let hint = suggestion(host, &hosts);
                self.problems
                    .warning(*span, format!("there is no host {host:?} to hear {event:?} from{hint}"));
            }
        }
    }
}
