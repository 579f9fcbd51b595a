//! Events, subscriptions, and the index of listeners.
//!
//! The [`EventBus`] maps (event, source) to hosts and nothing more: it owns no queues and does no I/O.
//! A host delivers its own events to itself, so the bus routes only events that cross hosts.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::time::{Span, Time};

/// Emitted by a host at its start.
pub const HOST_STARTED: &str = "host_started";
/// Emitted by a host at the end of its ttl or of the run.
pub const HOST_STOPPED: &str = "host_stopped";
/// Emitted by the mixer after each round that pushed something.
pub const METRICS_PUSHED: &str = "metrics_pushed";
/// Emitted by the mixer before the first host starts.
pub const RUN_STARTED: &str = "run_started";
/// Emitted by the mixer after the last host has stopped.
pub const RUN_FINISHED: &str = "run_finished";

/// Emitted by the mixer when a fault of the run begins; the data is the fault's id.
pub const FAULT_STARTED: &str = "fault_started";
/// Emitted by the mixer when a fault of the run ends; the data is the fault's id.
pub const FAULT_FINISHED: &str = "fault_finished";

/// Emitted by the mixer when a phase of the timeline begins; the data is its name.
pub const PHASE_STARTED: &str = "phase_started";
/// Emitted by the mixer when a phase of the timeline ends; the data is its name.
pub const PHASE_FINISHED: &str = "phase_finished";
/// Emitted when a turn of the timeline is over; not by a skip out of its last phase.
pub const TURN_FINISHED: &str = "turn_finished";
/// Tells listeners outside of the run of an action of a client; the data has its fields. Hosts do not hear it.
pub const CLIENT_ACTION: &str = "client_action";

/// The readings of what is done for real have changed.
pub const EFFECTS_CHANGED: &str = "effects_changed";
/// The run is about to end, and has done for real all that it is for.
pub const SCENARIO_SUCCEEDED: &str = "scenario_succeeded";
/// The run is about to end, and has not done for real all that it is for.
pub const SCENARIO_FAILED: &str = "scenario_failed";

/// The events of begins and ends of faults and phases.
pub const EDGE_EVENTS: [&str; 5] =
    [FAULT_STARTED, FAULT_FINISHED, PHASE_STARTED, PHASE_FINISHED, TURN_FINISHED];

/// The built-in events of hosts and the mixer.
pub const LIFECYCLE: [&str; 13] = [
    HOST_STARTED,
    HOST_STOPPED,
    METRICS_PUSHED,
    RUN_STARTED,
    RUN_FINISHED,
    FAULT_STARTED,
    FAULT_FINISHED,
    PHASE_STARTED,
    PHASE_FINISHED,
    TURN_FINISHED,
    EFFECTS_CHANGED,
    SCENARIO_SUCCEEDED,
    SCENARIO_FAILED,
];

/// The source of the events that the mixer emits.
pub const MIXER_SOURCE: &str = "promemu";
/// The source of events and actions of clients of the control API, unless they give another one.
pub const CLIENT_SOURCE: &str = "api";

/// Emulated time that an event takes from one host to another. The real delivery takes less, so an event arrives at
/// the same emulated moment in a live run and in a virtual one.
pub const DELIVERY_DELAY: Span = Span::from_nanos(50_000_000);

/// Maximum size of an event's data in memory, as [`data_bytes`] counts it.
pub const EVENT_DATA_BYTES_MAX: usize = 64 << 10;

/// Memory of an event without its texts and data.
const EVENT_BYTES: usize = 160;

/// Memory of an event's data, in bytes: 32 for each value, 64 for each field, and the lengths of texts.
#[must_use]
pub fn data_bytes(data: &serde_json::Value) -> usize {
    const VALUE: usize = 32;
    const FIELD: usize = 64;
    VALUE
        + match data {
            serde_json::Value::String(text) => text.len(),
            serde_json::Value::Array(items) => items.iter().map(data_bytes).sum(),
            serde_json::Value::Object(fields) => {
                fields.iter().map(|(name, value)| FIELD + name.len() + data_bytes(value)).sum()
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => 0,
        }
}

/// A named occurrence at a moment of emulated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The event's name.
    pub name: Arc<str>,
    /// The name of the host that emitted it, [`MIXER_SOURCE`], or the name that a client gave.
    pub source: Arc<str>,
    /// The payload; null for most events.
    pub data: serde_json::Value,
    /// The moment of emission.
    pub time: Time,
    /// The order of emission: counted per host, and for all events from outside of hosts together.
    pub sequence: u64,
    /// The length of the chain of events that caused it: 0 unless another event did.
    pub hops: u8,
}

impl Event {
    /// Memory that it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        EVENT_BYTES + self.name.len() + self.source.len() + data_bytes(&self.data)
    }

    /// The order of delivery: by time, then source, then sequence.
    #[must_use]
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, &self.source, self.sequence).cmp(&(other.time, &other.source, other.sequence))
    }
}

/// The hosts whose events a subscription matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The subscriber's own.
    Own,
    /// Any host's, and the mixer's.
    Any,
    /// One host's, or the mixer's.
    Named(Arc<str>),
}

/// An event to listen to, written `event` or `event@source`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// The event's name.
    pub event: Arc<str>,
    /// The accepted sources.
    pub source: Source,
}

impl Subscription {
    /// Reads `event`, `event@own`, `event@any` or `event@HOST`. Without a source the subscription matches any
    /// source; for [`HOST_STARTED`] and [`HOST_STOPPED`] it matches the subscriber's own.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (event, source) = text.split_once('@').unwrap_or((text, ""));
        let source = match source {
            "" if event == HOST_STARTED || event == HOST_STOPPED => Source::Own,
            "" | "any" => Source::Any,
            "own" => Source::Own,
            name => Source::Named(name.into()),
        };
        Self { event: event.into(), source }
    }

    /// The order of subscriptions to one event, the narrowest first: one host's, then the own, then any.
    #[must_use]
    pub const fn breadth(&self) -> u8 {
        match &self.source {
            Source::Named(_) => 0,
            Source::Own => 1,
            Source::Any => 2,
        }
    }

    /// `true` if the event is one that the subscriber called `own_name` listens to.
    #[must_use]
    pub fn matches(&self, event: &Event, own_name: &str) -> bool {
        *self.event == *event.name
            && match &self.source {
                Source::Own => *event.source == *own_name,
                Source::Any => true,
                Source::Named(name) => *event.source == **name,
            }
    }
}

impl std::fmt::Display for Subscription {
    /// As a config writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.event)?;
        match &self.source {
            Source::Any => Ok(()),
            Source::Own => f.write_str("@own"),
            Source::Named(name) => write!(f, "@{name}"),
        }
    }
}

/// A host's index in the present plan; edits move it.
pub type HostId = u32;

#[derive(Debug, Default)]
struct Topic {
    any: Vec<HostId>,
    by_source: IndexMap<Arc<str>, Vec<HostId>>,
}

/// Routes events to the hosts that listen to them.
#[derive(Debug, Default)]
pub struct EventBus {
    topics: IndexMap<Arc<str>, Topic>,
}

impl EventBus {
    /// Adds a host's subscriptions. Those to its own events are skipped.
    pub fn subscribe<'a>(&mut self, host: HostId, subscriptions: impl IntoIterator<Item = &'a Subscription>) {
        for subscription in subscriptions {
            let hosts = match &subscription.source {
                Source::Own => continue,
                Source::Any => &mut self.topic(&subscription.event).any,
                Source::Named(name) => {
                    self.topic(&subscription.event).by_source.entry(Arc::clone(name)).or_default()
                }
            };
            // Hosts mostly come in the order of their ids.
            if hosts.last().is_none_or(|last| *last < host) {
                hosts.push(host);
            } else if let Err(place) = hosts.binary_search(&host) {
                hosts.insert(place, host);
            }
        }
    }

    /// Gives back the room for further subscriptions.
    pub fn shrink(&mut self) {
        for Topic { any, by_source } in self.topics.values_mut() {
            any.shrink_to_fit();
            by_source.values_mut().for_each(Vec::shrink_to_fit);
        }
    }

    /// Removes a host's subscriptions.
    pub fn unsubscribe<'a>(
        &mut self,
        host: HostId,
        subscriptions: impl IntoIterator<Item = &'a Subscription>,
    ) {
        for subscription in subscriptions {
            let Some(topic) = self.topics.get_mut(&subscription.event) else { continue };
            let hosts = match &subscription.source {
                Source::Own => continue,
                Source::Any => &mut topic.any,
                Source::Named(name) => match topic.by_source.get_mut(name) {
                    Some(hosts) => hosts,
                    None => continue,
                },
            };
            if let Ok(place) = hosts.binary_search(&host) {
                hosts.remove(place);
            }
        }
    }

    fn topic(&mut self, event: &Arc<str>) -> &mut Topic {
        self.topics.entry(Arc::clone(event)).or_default()
    }

    /// `true` if any host listens to an event of this name from another source.
    #[must_use]
    pub fn has_listeners(&self, name: &str) -> bool {
        self.topics.contains_key(name)
    }

    /// `true` if a host other than the emitter listens to the event.
    #[must_use]
    pub fn is_heard(&self, event: &Event, emitter: Option<HostId>) -> bool {
        self.listeners(event, emitter).next().is_some()
    }

    /// The hosts that listen to `event`, each once, without the emitter.
    pub fn listeners(&self, event: &Event, emitter: Option<HostId>) -> impl Iterator<Item = HostId> {
        let topic = self.topics.get(&event.name);
        let any = topic.map_or(&[][..], |t| &t.any);
        let named = topic.and_then(|t| t.by_source.get(&event.source)).map_or(&[][..], Vec::as_slice);
        let named = named.iter().filter(|host| any.binary_search(host).is_err());
        any.iter().chain(named).copied().filter(move |host| Some(*host) != emitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, source: &str) -> Event {
        Event {
            name: name.into(),
            source: source.into(),
            data: serde_json::Value::Null,
            time: Time::from_unix_secs(1),
            sequence: 0,
            hops: 0,
        }
    }

    #[test]
    fn data_costs_its_values_fields_and_texts() {
        let bytes = |text: &str| data_bytes(&serde_json::from_str(text).unwrap());
        assert_eq!(bytes("null"), 32);
        assert_eq!(bytes("\"four\""), 36);
        assert_eq!(bytes("[1, [], true]"), 4 * 32);
        assert_eq!(bytes("{ \"ab\": 1 }"), 32 + 64 + 2 + 32);
    }

    #[test]
    fn lifecycle_events_default_to_own_and_others_to_any() {
        assert_eq!(Subscription::parse("host_started").source, Source::Own);
        assert_eq!(Subscription::parse("host_started@any").source, Source::Any);
        assert_eq!(Subscription::parse("boost").source, Source::Any);
        assert_eq!(Subscription::parse("boost@web-1").source, Source::Named("web-1".into()));
    }

    #[test]
    fn the_bus_reaches_each_listener_once_and_never_the_emitter() {
        let mut bus = EventBus::default();
        let subscriptions = [Subscription::parse("boost"), Subscription::parse("boost@web-1")];
        for host in 0..3 {
            bus.subscribe(host, &subscriptions);
        }
        bus.subscribe(3, [&Subscription::parse("boost@web-1")]);
        bus.subscribe(4, [&Subscription::parse("boost@own")]);
        let listeners: Vec<_> = bus.listeners(&event("boost", "web-1"), Some(1)).collect();
        assert_eq!(listeners, [0, 2, 3]);
        assert_eq!(bus.listeners(&event("boost", "web-2"), None).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(bus.listeners(&event("unknown", "web-2"), None).count(), 0);
        bus.unsubscribe(1, &subscriptions);
        assert_eq!(bus.listeners(&event("boost", "web-1"), None).collect::<Vec<_>>(), [0, 2, 3]);
        bus.subscribe(1, &subscriptions);
        assert_eq!(bus.listeners(&event("boost", "web-1"), None).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
