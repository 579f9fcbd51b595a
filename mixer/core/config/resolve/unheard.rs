//! Warnings about listeners whose event is misspelt, and errors about those that listen to an event's old name.

use indexmap::IndexSet;

use super::resolver::Resolver;
use crate::error::{nearest, suggestion};
use crate::event::{
    CLIENT_SOURCE, FAULT_FINISHED, FAULT_STARTED, LIFECYCLE, MIXER_SOURCE, PHASE_FINISHED, PHASE_STARTED,
    Source, Subscription, TURN_FINISHED,
};
use crate::fault::renamed_event;

/// The event of a simulation that was emitted to its hosts once, and the one that they hear.
const BEFORE_THE_HOSTS: (&str, &str) = ("simulation_created", "simulation_started");

impl Resolver<'_> {
    /// Warns of subscriptions to events that nothing emits and that are called much like one that comes, or that come from
    /// unknown hosts: they are probably misspelt.
    pub(super) fn warn_of_events_that_never_come(&mut self) {
        let of_timeline = self.template.timeline.as_ref();
        let has_faults = !self.template.faults.is_empty()
            || of_timeline.is_some_and(|timeline| !timeline.faults.is_empty());
        let of_faults = |event: &&str| [FAULT_STARTED, FAULT_FINISHED].contains(event);
        let of_phases = |event: &&str| [PHASE_STARTED, PHASE_FINISHED, TURN_FINISHED].contains(event);
        let built_in = LIFECYCLE.into_iter().filter(|event| {
            (has_faults || !of_faults(event)) && (of_timeline.is_some() || !of_phases(event))
        });
        let emitted = self.events.emitted.iter().map(|event| &**event);
        let known: IndexSet<&str> = emitted.chain(built_in).collect();
        let names: Vec<&str> = known.iter().copied().collect();
        for (Subscription { event, source }, span) in &self.events.subscriptions {
            if self.problems.is_full() || self.problems.is_over() {
                // Further ones would not be kept.
                return;
            }
            let is_known = known.contains(&**event);
            if let Some(name) = renamed_event(event).filter(|_| !is_known) {
                self.problems.error(*span, format!("event {event:?} is called {name} now"));
            } else if !is_known && **event == *BEFORE_THE_HOSTS.0 && !is_of_clients(source) {
                let (event, heard) = BEFORE_THE_HOSTS;
                self.problems
                    .error(*span, format!("event {event:?} comes before the hosts; listen to {heard}"));
            } else if !is_known
                && !self.events.emits_any
                && !is_of_clients(source)
                && let Some(name) = nearest(event, &names)
            {
                // Any other event may come from a client of the API.
                let message = format!("event {event:?} is never emitted; did you mean {name:?}?");
                self.problems.warning(*span, message);
            }
            if let Source::Named(host) = source
                && !self.host_names.contains(host)
                && !self.events.sources.contains(host)
                && **host != *MIXER_SOURCE
                && !is_of_clients(source)
            {
                let hosts = self.host_names.iter().map(|name| &**name);
                let sources: Vec<&str> = hosts.chain([CLIENT_SOURCE]).collect();
                let hint = suggestion(host, &sources);
                self.problems.warning(
                    *span,
                    format!("event {event:?} is expected from host {host:?}, which does not exist{hint}"),
                );
            }
        }
    }
}

/// `true` for events of the control API's clients, of which a config knows nothing.
fn is_of_clients(source: &Source) -> bool {
    matches!(source, Source::Named(name) if **name == *CLIENT_SOURCE)
}
