//! What hosts tell each other in a virtual run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::event::{Event, EventBus, HOST_STARTED, HOST_STOPPED, HostId, MIXER_SOURCE, RUN_STARTED, Source};
use crate::host::{DrivenHost, EmulatedHost, Outbox};
use crate::plan::{HostShape, Plan, Reaction};
use crate::rng::Seed;
use crate::time::Time;

/// No more events are told in a run: hosts that set each other off without end fall silent then.
const EVENTS_MAX: usize = 2_000_000;

/// All events that cross from one host to another, in the order in which they are heard.
#[derive(Debug, Default)]
pub struct EventLog {
    events: Vec<LoggedEvent>,
    by_name: IndexMap<Arc<str>, Vec<u32>>,
}

#[derive(Debug)]
struct LoggedEvent {
    event: Arc<Event>,
    /// Who has heard it already; none for the run itself.
    emitter: Option<HostId>,
}

impl EventLog {
    /// Drives the hosts whose events others hear, and writes down what they say.
    pub(super) fn record(plan: &Plan, seed: Seed, start: Time, until: Time) -> Self {
        let mut bus = EventBus::default();
        for (id, host) in (0..).zip(&plan.hosts) {
            bus.subscribe(id, host.shape.listeners.iter().map(|listener| &listener.subscription));
        }
        let mut emitters = Emitters::new(plan, &bus, seed, start);
        let mut events = emitters.drive(&bus, until);
        events.sort_by(|a, b| a.event.order(&b.event));
        let mut by_name: IndexMap<Arc<str>, Vec<u32>> = IndexMap::new();
        for (n, logged) in (0..).zip(&events) {
            by_name.entry(Arc::clone(&logged.event.name)).or_default().push(n);
        }
        Self { events, by_name }
    }

    /// What a host hears of it.
    pub(super) fn mail(&self, id: HostId, shape: &HostShape) -> Vec<Arc<Event>> {
        let mut heard: Vec<u32> = Vec::new();
        for listener in &shape.listeners {
            let subscription = &listener.subscription;
            let events = self.by_name.get(&subscription.event).map_or(&[][..], Vec::as_slice);
            match &subscription.source {
                Source::Own => {}
                Source::Any => heard.extend(events),
                Source::Named(source) => {
                    let is_from = |n: &&u32| self.events[**n as usize].event.source == *source;
                    heard.extend(events.iter().filter(is_from));
                }
            }
        }
        heard.sort_unstable();
        heard.dedup();
        let events = heard.into_iter().map(|n| &self.events[n as usize]);
        events.filter(|logged| logged.emitter != Some(id)).map(|logged| Arc::clone(&logged.event)).collect()
    }

    /// The events, in the order in which they happen.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().map(|logged| &*logged.event)
    }
}

/// The hosts whose events others hear.
struct Emitters {
    hosts: IndexMap<HostId, DrivenHost>,
    log: Vec<LoggedEvent>,
}

impl Emitters {
    fn new(plan: &Plan, bus: &EventBus, seed: Seed, start: Time) -> Self {
        let mut known: IndexMap<*const HostShape, bool> = IndexMap::new();
        let mut hosts = IndexMap::new();
        for (id, host) in (0..).zip(&plan.hosts) {
            let has_audience =
                known.entry(Arc::as_ptr(&host.shape)).or_insert_with(|| has_audience(&host.shape, bus));
            if *has_audience {
                hosts.insert(id, DrivenHost::new(EmulatedHost::new(Arc::clone(host), seed, start)));
            }
        }
        let mut emitters = Self { hosts, log: Vec::new() };
        let (name, source) = (RUN_STARTED.into(), MIXER_SOURCE.into());
        let event = Event { name, source, data: serde_json::Value::Null, time: start, sequence: 0, hops: 0 };
        emitters.publish(bus, event, None, &mut BinaryHeap::new());
        emitters
    }

    /// Drives them together, each moment after the one before.
    fn drive(&mut self, bus: &EventBus, until: Time) -> Vec<LoggedEvent> {
        let mut out = Outbox::default();
        let mut due: BinaryHeap<Reverse<(Time, HostId)>> =
            self.hosts.iter().map(|(id, host)| Reverse((host.due(), *id))).collect();
        while let Some(Reverse((at, id))) = due.pop() {
            if at > until || at == Time::NEVER {
                break;
            }
            let Some(host) = self.hosts.get_mut(&id) else { continue };
            // An entry that mail has made out of date finds nothing due, or what it was made for.
            if host.step(at, &mut out).is_none() {
                continue;
            }
            due.push(Reverse((host.due(), id)));
            for event in std::mem::take(&mut out.events) {
                self.publish(bus, event, Some(id), &mut due);
            }
        }
        std::mem::take(&mut self.log)
    }

    fn publish(
        &mut self,
        bus: &EventBus,
        event: Event,
        emitter: Option<HostId>,
        due: &mut BinaryHeap<Reverse<(Time, HostId)>>,
    ) {
        if self.log.len() >= EVENTS_MAX {
            return;
        }
        let event = Arc::new(event);
        let mut is_heard = false;
        for listener in bus.listeners(&event, emitter) {
            is_heard = true;
            if let Some(host) = self.hosts.get_mut(&listener) {
                let before = host.due();
                host.post([Arc::clone(&event)]);
                if host.due() < before {
                    due.push(Reverse((host.due(), listener)));
                }
            }
        }
        if is_heard {
            self.log.push(LoggedEvent { event, emitter });
        }
    }
}

/// Whether a host of this shape may emit something that others hear.
fn has_audience(shape: &HostShape, bus: &EventBus) -> bool {
    let reactions = shape.listeners.iter().filter_map(|listener| match &listener.reaction {
        Reaction::Emit(event) => Some(&**event),
        _ => None,
    });
    let lifecycle = [HOST_STARTED, HOST_STOPPED].into_iter();
    let dirt = shape.faults.iter().flat_map(|dirt| &dirt.events).map(|event| &**event);
    let announced: Vec<_> = shape.all_metrics().flat_map(|metric| metric.scenario.emits()).collect();
    let is_heard = |event: &str| bus.has_listeners(event);
    reactions.chain(lifecycle).chain(dirt).any(is_heard)
        || announced.iter().any(|emission| emission.event.as_deref().is_none_or(is_heard))
}
