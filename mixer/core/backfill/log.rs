//! The events that pass between hosts in a virtual run: its first pass.
//!
//! Only hosts that may emit an event with a listener elsewhere are driven; the log is complete for all others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::event::{Event, EventBus, HOST_STARTED, HOST_STOPPED, HostId, MIXER_SOURCE, RUN_STARTED, Source};
use crate::host::{DrivenHost, EmulatedHost, Outbox};
use crate::plan::{Action, HostShape, Plan};
use crate::rng::Seed;
use crate::time::Time;

/// The largest number of events in a log. It ends a run of hosts that trigger each other without end.
const EVENTS_MAX: usize = 2_000_000;

/// All events that pass from one host to another, in order of delivery.
#[derive(Debug, Default)]
pub struct EventLog {
    events: Vec<LoggedEvent>,
    by_name: IndexMap<Arc<str>, Vec<u32>>,
}

#[derive(Debug)]
struct LoggedEvent {
    event: Arc<Event>,
    /// The host that delivers it to itself; `None` for the mixer's events.
    emitter: Option<HostId>,
}

impl EventLog {
    /// Drives the hosts whose events others listen to, and records the events.
    pub(super) fn record(plan: &Plan, seed: Seed, start: Time, until: Time) -> Self {
        let mut bus = EventBus::default();
        for (id, host) in (0..).zip(&plan.hosts) {
            bus.subscribe(id, host.shape.subscriptions());
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

    /// The events that a host listens to.
    pub(super) fn mail(&self, id: HostId, shape: &HostShape) -> Vec<Arc<Event>> {
        let mut indexes: Vec<u32> = Vec::new();
        for listener in &shape.listeners {
            let subscription = &listener.subscription;
            let events = self.by_name.get(&subscription.event).map_or(&[][..], Vec::as_slice);
            match &subscription.source {
                Source::Own => {}
                Source::Any => indexes.extend(events),
                Source::Named(source) => {
                    let is_from = |n: &&u32| self.events[**n as usize].event.source == *source;
                    indexes.extend(events.iter().filter(is_from));
                }
            }
        }
        indexes.sort_unstable();
        indexes.dedup();
        let events = indexes.into_iter().map(|n| &self.events[n as usize]);
        events.filter(|logged| logged.emitter != Some(id)).map(|logged| Arc::clone(&logged.event)).collect()
    }

    /// The events in order of emission.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().map(|logged| &*logged.event)
    }
}

/// The hosts whose events others listen to.
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

    /// Drives them together in order of time, and returns the log.
    fn drive(&mut self, bus: &EventBus, until: Time) -> Vec<LoggedEvent> {
        let mut out = Outbox::default();
        let mut due: BinaryHeap<Reverse<(Time, HostId)>> =
            self.hosts.iter().map(|(id, host)| Reverse((host.due(), *id))).collect();
        while let Some(Reverse((at, id))) = due.pop() {
            if at > until || at == Time::NEVER {
                break;
            }
            let Some(host) = self.hosts.get_mut(&id) else { continue };
            // New mail leaves outdated entries in the heap. They find nothing due, or the step they stand for.
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
        let mut has_listener = false;
        for listener in bus.listeners(&event, emitter) {
            has_listener = true;
            if let Some(host) = self.hosts.get_mut(&listener) {
                let before = host.due();
                host.post([Arc::clone(&event)]);
                if host.due() < before {
                    due.push(Reverse((host.due(), listener)));
                }
            }
        }
        if has_listener {
            self.log.push(LoggedEvent { event, emitter });
        }
    }
}

/// `true` if a host of this shape may emit an event that another host listens to.
fn has_audience(shape: &HostShape, bus: &EventBus) -> bool {
    let reactions = shape.listeners.iter().filter_map(|listener| match &listener.action {
        Action::Emit(event) => Some(&**event),
        _ => None,
    });
    let lifecycle = [HOST_STARTED, HOST_STOPPED].into_iter();
    let faults = shape.faults.iter().flat_map(|faults| &faults.events).map(|event| &**event);
    let declared: Vec<_> = shape.all_metrics().flat_map(|metric| metric.scenario.emits()).collect();
    let is_heard = |event: &str| bus.has_listeners(event);
    reactions.chain(lifecycle).chain(faults).any(is_heard)
        || declared.iter().any(|declared| declared.event.as_deref().is_none_or(is_heard))
}
