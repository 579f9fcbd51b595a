//! The events that pass between hosts in a virtual run: its first pass.
//!
//! Only hosts that may emit an event with a listener elsewhere are driven, as a world; the log is complete for all others.
//! There may be very many events, so an event is kept as one small record.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::RunTimes;
use crate::error::Error;
use crate::event::{Event, HostId, MIXER_SOURCE, RUN_FINISHED, RUN_STARTED, Source};
use crate::fault::Course;
use crate::interrupt::is_interrupted;
use crate::plan::{HostPlan, Plan};
use crate::plural::plural;
use crate::rng::Seed;
use crate::time::{Span, Time};
use crate::timeline::{LoggedAction, RunLog, SentAction, edge_events};
use crate::world::WorldBatch;

/// The largest number of events in a log. Each takes 36 bytes, plus its data.
const EVENTS_MAX: usize = 100_000_000;

/// Number of events that take as much memory as an action, with what the course of the run knows of it.
const EVENTS_PER_ACTION: usize = 8;

/// Time after which the size of a log is looked at again.
const CHECK_INTERVAL: Span = Span::from_secs(60);

/// The number of the null data, which most events have.
const NO_DATA: u32 = u32::MAX;

/// Number of data that are looked at for equal ones.
const DATA_COMPARED: usize = 4;

/// All events that pass from one host to another, or come from outside, in order of delivery.
#[derive(Debug, Default)]
pub struct EventLog {
    records: Vec<Record>,
    /// The events of each name, as indices into the records.
    by_name: IndexMap<Arc<str>, Vec<u32>>,
    /// Sources, each with the host that handles the event itself; `None` for events from outside of hosts.
    sources: IndexSet<(Option<HostId>, Arc<str>)>,
    data: Vec<serde_json::Value>,
    /// The actions for hosts.
    actions: Vec<LoggedAction>,
    /// The times of the run's phases and faults.
    course: Option<Course>,
}

/// One event. Names, sources and data are indices.
#[derive(Debug)]
struct Record {
    time: Time,
    sequence: u64,
    name: u32,
    source: u32,
    data: u32,
    hops: u8,
}

const _: () = assert!(size_of::<Record>() == 32);

impl EventLog {
    /// Drives the hosts whose events others listen to, and records the events. Those from outside are in order of time.
    pub(super) fn record(
        plan: &Arc<Plan>,
        seed: u64,
        times: RunTimes,
        outside: &RunLog,
    ) -> Result<Self, Error> {
        Self::record_at_most(EVENTS_MAX, plan, seed, times, outside)
    }

    pub(super) fn record_at_most(
        events_max: usize,
        plan: &Arc<Plan>,
        seed: u64,
        times: RunTimes,
        outside: &RunLog,
    ) -> Result<Self, Error> {
        let RunTimes { start, until, timeline_start } = times;
        let world = WorldBatch::of_heard_hosts(Arc::clone(plan), &[seed], start, timeline_start);
        let (mut world, mut log) = (world, Self::default());
        log.push_outside(&world);
        if !outside.is_complete() {
            return Err(Error::Run("the log of the run was too long: its begin is forgotten".to_owned()));
        }
        let mut actions = outside.actions().to_vec();
        actions.sort_by(|a, b| a.sent.order(&b.sent));
        let mut actions = actions.into_iter().peekable();
        let mut events = outside.events().iter().filter(|event| !is_of_run(plan, event)).peekable();
        loop {
            let action_at = actions.peek().map_or(Time::NEVER, |logged| logged.sent.time);
            let event_at = events.peek().map_or(Time::NEVER, |event| event.time);
            let at = action_at.min(event_at);
            if at > until || at == Time::NEVER {
                break;
            }
            log.pass(&mut world, at, events_max)?;
            if let Some(LoggedAction { targets, sent, .. }) = actions.next_if(|_| action_at == at) {
                world.post_action(0, &targets, &sent).map_err(|full| Error::Run(full.to_string()))?;
            } else if let Some(event) = events.next() {
                world.inject(0, &event.name, &event.source, event.data.clone());
                log.push_outside(&world);
            }
        }
        log.pass(&mut world, until, events_max)?;
        log.actions = world.log(0).actions().to_vec();
        log.course = Some(world.log(0).course(timeline_start, Seed::new(seed)));
        log.records.shrink_to_fit();
        log.by_name.values_mut().for_each(Vec::shrink_to_fit);
        Ok(log)
    }

    /// Drives the hosts to a time.
    fn pass(&mut self, world: &mut WorldBatch, until: Time, events_max: usize) -> Result<(), Error> {
        while world.now() < until {
            let next = until.min(world.now().max(world.due()) + CHECK_INTERVAL);
            world.advance_recorded(next, &mut |_| {}, &mut |event, emitter| self.push(event, emitter));
            self.check_size(world, events_max)?;
            if is_interrupted() {
                break;
            }
        }
        Ok(())
    }

    /// Refuses a log that would take too much memory.
    fn check_size(&self, world: &WorldBatch, events_max: usize) -> Result<(), Error> {
        let at = world.now().rfc3339();
        let actions_max = events_max / EVENTS_PER_ACTION;
        if world.log(0).actions().len() > actions_max {
            let times = plural(actions_max, "time", "times");
            return Err(Error::Run(format!(
                "events begin faults, and hosts move levers, more than {times} by {at}; end the range earlier, or have \
                 fewer events"
            )));
        }
        if self.records.len() > events_max {
            let events = plural(events_max, "event", "events");
            return Err(Error::Run(format!(
                "hosts send each other more than {events} by {at}; end the range earlier, or have fewer events"
            )));
        }
        Ok(())
    }

    /// Adds the last event from outside of a world.
    fn push_outside(&mut self, world: &WorldBatch) {
        if let Some(event) = world.outside_events(0).last().filter(|event| world.hears(event)) {
            self.push(event, None);
        }
    }

    fn push(&mut self, event: &Event, emitter: Option<HostId>) {
        // Configs have fewer names, sources and events than this.
        let index = |at: usize| u32::try_from(at).unwrap_or(NO_DATA);
        let number = index(self.records.len());
        let name = match self.by_name.get_index_of(&event.name) {
            Some(name) => name,
            None => self.by_name.insert_full(Arc::clone(&event.name), Vec::new()).0,
        };
        self.by_name[name].push(number);
        let source = self.sources.insert_full((emitter, Arc::clone(&event.source))).0;
        let data = self.data_of(&event.data).map_or(NO_DATA, index);
        let Event { time, sequence, hops, .. } = *event;
        self.records.push(Record { time, sequence, name: index(name), source: index(source), data, hops });
    }

    /// The index of data; `None` for null.
    fn data_of(&mut self, data: &serde_json::Value) -> Option<usize> {
        if data.is_null() {
            return None;
        }
        let compared = self.data.len().saturating_sub(DATA_COMPARED);
        let known = self.data[compared..].iter().position(|known| known == data);
        Some(known.map_or_else(
            || {
                self.data.push(data.clone());
                self.data.len() - 1
            },
            |known| compared + known,
        ))
    }

    /// The times of the run's phases and faults; `None` before it is recorded.
    pub(super) const fn course(&self) -> Option<&Course> {
        self.course.as_ref()
    }

    /// The log of a live run that goes on from here: all actions, and the events from outside that another log has.
    #[must_use]
    pub fn run_log(&self, outside: &RunLog) -> RunLog {
        let mut log = RunLog::unbounded();
        for LoggedAction { targets, sent, .. } in &self.actions {
            // A log without bounds is never full.
            let _has_room = log.append(targets.clone(), Arc::clone(sent)).is_ok();
        }
        outside.events().iter().for_each(|event| log.append_event(Arc::clone(event)));
        log
    }

    /// The actions for a host.
    pub(super) fn actions_for(&self, host: &HostPlan) -> impl Iterator<Item = Arc<SentAction>> {
        let reaching = self
            .actions
            .iter()
            .filter(|LoggedAction { sent, targets, .. }| sent.action.concerns(host) && targets.reach(host));
        reaching.map(|logged| Arc::clone(&logged.sent))
    }

    /// The events that a host listens to and does not handle by itself, as indices.
    pub(super) fn mail(&self, id: HostId, host: &HostPlan) -> Vec<u32> {
        let mut indexes: Vec<u32> = Vec::new();
        for listener in &host.shape.listeners {
            let subscription = &listener.subscription;
            let events = self.by_name.get(&subscription.event).map_or(&[][..], Vec::as_slice);
            let is_from = |n: &&u32, name: &Arc<str>| self.source_of(**n).1 == *name;
            match &subscription.source {
                Source::Own => indexes.extend(events.iter().filter(|n| is_from(n, &host.name))),
                Source::Any => indexes.extend(events),
                Source::Named(source) => indexes.extend(events.iter().filter(|n| is_from(n, source))),
            }
        }
        indexes.retain(|n| self.source_of(*n).0 != Some(id));
        indexes.sort_unstable();
        indexes.dedup();
        indexes.shrink_to_fit();
        indexes
    }

    fn source_of(&self, index: u32) -> &(Option<HostId>, Arc<str>) {
        &self.sources[self.records[index as usize].source as usize]
    }

    /// The time of an event.
    pub(super) fn time_of(&self, index: u32) -> Time {
        self.records[index as usize].time
    }

    /// An event.
    pub(super) fn event(&self, index: u32) -> Event {
        let Record { time, sequence, name, source, data, hops } = self.records[index as usize];
        let name =
            self.by_name.get_index(name as usize).map(|(name, _)| Arc::clone(name)).unwrap_or_default();
        let source = Arc::clone(&self.sources[source as usize].1);
        let data = self.data.get(data as usize).cloned().unwrap_or_default();
        Event { name, source, data, time, sequence, hops }
    }

    /// The events in order of emission.
    pub fn iter(&self) -> impl Iterator<Item = Event> {
        (0..).take(self.records.len()).map(|index| self.event(index))
    }

    /// Number of events.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// `true` if there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Memory that the events take, in bytes, without their data.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let indexes: usize = self.by_name.values().map(Vec::capacity).sum();
        self.records.capacity() * size_of::<Record>() + indexes * size_of::<u32>()
    }
}

/// `true` for an event that every run emits by itself.
fn is_of_run(plan: &Plan, event: &Event) -> bool {
    *event.source == *MIXER_SOURCE
        && [RUN_STARTED, RUN_FINISHED].into_iter().chain(edge_events(plan)).any(|name| *name == *event.name)
}
