//! Many worlds of one plan in lock step.
//!
//! An event takes [`DELIVERY_DELAY`] from host to host, so hosts are independent of each other for that long. Time passes in
//! windows of that length: in a window each host is advanced alone, and its events are handed out at the window's end.

mod outside;

use std::sync::Arc;

use super::layout::Layout;
use super::selection::Selection;
use crate::error::Error;
use crate::event::{DELIVERY_DELAY, Event, HostId, RUN_FINISHED, RUN_STARTED};
use crate::fault::Course;
use crate::host::{DrivenHost, EmulatedHost, Outbox, UpdateCounts};
use crate::interrupt::is_interrupted;
use crate::plan::Plan;
use crate::rng::Seed;
use crate::series::LabelBlock;
use crate::time::{Span, Time};
use crate::timeline::{LogFull, RunLog, SentAction, Targets, next_run_edge};

/// The longest time in which no host hears an event of that time.
const WINDOW: Span = DELIVERY_DELAY.minus(Span::from_nanos(1));

/// Worlds of one plan that advance together.
#[derive(Debug)]
pub struct WorldBatch {
    layout: Arc<Layout>,
    start: Time,
    state: State,
    out: Outbox,
    /// Events of the present window that others hear.
    sent: Vec<Sent>,
    /// Actions of the present window for all hosts of a world.
    moves: Vec<(usize, Arc<SentAction>)>,
}

/// All that a snapshot copies.
#[derive(Debug)]
pub(super) struct State {
    now: Time,
    /// World by world, in the layout's order.
    hosts: Vec<DrivenHost>,
    /// The time at which each host is due.
    due: Vec<Time>,
    /// For each world the events from outside of hosts so far, without those of faults: there may be very many.
    outside: Vec<Vec<Arc<Event>>>,
    /// For each world the number of all events from outside of hosts so far.
    outside_counts: Vec<u64>,
    /// For each world the actions and the injected events so far.
    logs: Vec<RunLog>,
    /// For each world the times of its phases and faults, as changed so far.
    courses: Vec<Course>,
    /// `true` if a course has changed since the next edge was looked for.
    is_course_changed: bool,
    /// Faults of the run up to this moment are told.
    told_to: Time,
    counts: UpdateCounts,
}

/// An event on its way to the hosts of its world.
#[derive(Debug)]
struct Sent {
    world: usize,
    event: Arc<Event>,
    /// The host that handles it itself; `None` for an event from outside of hosts.
    emitter: Option<HostId>,
}

/// One step of one host.
#[derive(Debug)]
pub struct Step<'a> {
    /// The emulated time.
    pub at: Time,
    /// The world.
    pub world: usize,
    /// The host.
    pub host: HostId,
    /// The host after the step.
    pub driven: &'a DrivenHost,
    /// The results of the step.
    pub out: &'a Outbox,
}

impl WorldBatch {
    /// One world for each seed, all at `start`. Generators, which have no virtual time, are refused.
    pub fn new(plan: Arc<Plan>, seeds: &[u64], start: Time) -> Result<Self, Error> {
        plan.refuse_real_work()?;
        Ok(Self::with_layout(Layout::of_all(plan), seeds, (start, start)))
    }

    /// As [`Self::new`] of a plan without generators, with only those hosts whose events others may hear. Phases and faults count
    /// from `timeline_start`.
    pub(crate) fn of_heard_hosts(plan: Arc<Plan>, seeds: &[u64], start: Time, timeline_start: Time) -> Self {
        let mut batch = Self::with_layout(Layout::of_heard(plan), seeds, (start, timeline_start));
        batch.state.logs.fill(RunLog::unbounded());
        batch
    }

    fn with_layout(layout: Layout, seeds: &[u64], (start, timeline_start): (Time, Time)) -> Self {
        let plans = || layout.ids.iter().map(|id| Arc::clone(&layout.plan.hosts[*id as usize]));
        let hosts = seeds.iter().flat_map(|seed| {
            plans().map(|plan| {
                let host = EmulatedHost::new(plan, Seed::new(*seed), start);
                DrivenHost::new(host.in_run_since(timeline_start))
            })
        });
        let hosts: Vec<DrivenHost> = hosts.collect();
        let state = State {
            now: start,
            due: hosts.iter().map(DrivenHost::due).collect(),
            hosts,
            outside: vec![Vec::new(); seeds.len()],
            outside_counts: vec![0; seeds.len()],
            logs: vec![RunLog::default(); seeds.len()],
            courses: seeds.iter().map(|seed| Course::new(timeline_start, Seed::new(*seed))).collect(),
            is_course_changed: false,
            told_to: start.before(Span::from_nanos(1)),
            counts: UpdateCounts::default(),
        };
        let mut batch = Self {
            layout: Arc::new(layout),
            start,
            state,
            out: Outbox::default(),
            sent: Vec::new(),
            moves: Vec::new(),
        };
        (0..seeds.len()).for_each(|world| batch.send_own(world, RUN_STARTED));
        batch
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.layout.plan
    }

    /// Start of the worlds.
    #[must_use]
    pub const fn start(&self) -> Time {
        self.start
    }

    /// The emulated time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.state.now
    }

    /// Number of worlds.
    #[must_use]
    pub const fn worlds(&self) -> usize {
        self.state.outside.len()
    }

    /// Counts of all worlds so far.
    #[must_use]
    pub const fn counts(&self) -> UpdateCounts {
        self.state.counts
    }

    /// Time at which something is due next in any world; [`Time::NEVER`] when all hosts have ended.
    #[must_use]
    pub fn due(&self) -> Time {
        self.state.due.iter().copied().min().unwrap_or(Time::NEVER)
    }

    /// Lets time pass to `to`, with everything that is due by then.
    pub fn advance(&mut self, to: Time) {
        self.advance_with(to, |_| {});
    }

    /// As [`Self::advance`]; `visit` is called after each step of a host. Steps of one host come in order of time, those of
    /// different hosts in no order.
    pub fn advance_with(&mut self, to: Time, mut visit: impl FnMut(&Step<'_>)) {
        self.advance_recorded(to, &mut visit, &mut |_, _| {});
    }

    /// As [`Self::advance_with`]; `record` gets the events that are handed to others, each with
    /// its emitter, in their order.
    pub(crate) fn advance_recorded(
        &mut self,
        to: Time,
        visit: &mut impl FnMut(&Step<'_>),
        record: &mut impl FnMut(&Event, Option<HostId>),
    ) {
        loop {
            let edge = self.next_edge();
            let is_told = edge <= to && edge != Time::NEVER;
            if !self.pass(if is_told { edge } else { to }, visit, record) {
                continue;
            }
            if !is_told {
                return;
            }
            self.tell_edges(edge, record);
        }
    }

    /// The next edge of any world that is to be told.
    fn next_edge(&self) -> Time {
        if !self.layout.hears_edges {
            return Time::NEVER;
        }
        let State { courses, told_to, .. } = &self.state;
        let mut edges = courses.iter().map(|course| next_run_edge(&self.layout.plan, course, *told_to));
        let has_jitter = self.layout.plan.faults.iter().any(|fault| fault.times.jitter > Span::ZERO);
        if has_jitter || courses.iter().any(Course::is_changed) {
            return edges.min().unwrap_or(Time::NEVER);
        }
        // All worlds have the same.
        edges.next().unwrap_or(Time::NEVER)
    }

    /// Lets time pass to `to`, by when no phase or fault of the run begins or ends. Returns `false` if the time stops before,
    /// as an action has changed the times of phases or faults.
    fn pass(
        &mut self,
        to: Time,
        visit: &mut impl FnMut(&Step<'_>),
        record: &mut impl FnMut(&Event, Option<HostId>),
    ) -> bool {
        self.state.is_course_changed = false;
        let mut begin = self.due();
        while begin <= to && begin != Time::NEVER && !is_interrupted() {
            let end = to.min(begin + WINDOW);
            let next = self.pass_window(to, end, visit);
            begin = next.min(self.hand_out(record));
            if self.state.is_course_changed && end < to {
                self.state.now = self.state.now.max(end);
                return false;
            }
        }
        self.state.now = self.state.now.max(to);
        true
    }

    /// Advances each host alone to the end of the window, or to `to` if it is alone. Returns the time at which the next one
    /// is due.
    fn pass_window(&mut self, to: Time, end: Time, visit: &mut impl FnMut(&Step<'_>)) -> Time {
        let Self { layout, state: State { hosts, due, counts, .. }, out, sent, moves, .. } = self;
        let Layout { bus, ids, is_alone, triggers, .. } = &**layout;
        let mut next = Time::NEVER;
        let worlds = hosts.chunks_mut(ids.len().max(1)).zip(due.chunks_mut(ids.len().max(1)));
        for (world, (hosts, due)) in worlds.enumerate() {
            for (((driven, due), id), is_alone) in hosts.iter_mut().zip(due).zip(ids).zip(is_alone) {
                let until = if *is_alone { to } else { end };
                if *due <= until {
                    while let Some(at) = driven.step(until, out).filter(|_| !is_interrupted()) {
                        counts.add(out);
                        visit(&Step { at, world, host: *id, driven, out });
                        if !out.events.is_empty() {
                            let heard = out
                                .events
                                .drain(..)
                                .filter(|event| bus.is_heard(event, Some(*id)) || triggers.has(&event.name));
                            let send = |event| Sent { world, event: Arc::new(event), emitter: Some(*id) };
                            sent.extend(heard.map(send));
                        }
                        if out.actions.is_empty() {
                            continue;
                        }
                        moves.extend(out.actions.drain(..).map(|moved| (world, Arc::new(moved))));
                    }
                    *due = driven.due();
                }
                next = next.min(*due);
            }
        }
        next
    }

    /// Hands out the events of a window. Returns the time at which the first of their hearers is due.
    fn hand_out(&mut self, record: &mut impl FnMut(&Event, Option<HostId>)) -> Time {
        let mut next = self.hand_out_moves();
        if self.sent.is_empty() {
            return next;
        }
        let mut sent = std::mem::take(&mut self.sent);
        sent.sort_by(|a, b| a.world.cmp(&b.world).then_with(|| a.event.order(&b.event)));
        for sent in &sent {
            next = next.min(self.deliver(sent)).min(self.trigger(sent.world, &sent.event));
            record(&sent.event, sent.emitter);
        }
        sent.clear();
        self.sent = sent;
        next
    }

    /// Begins the faults that begin on an event. Returns the time at which the first of their hosts is due.
    fn trigger(&mut self, world: usize, event: &Event) -> Time {
        let actions = self.layout.triggers.actions(event).into_iter();
        let posted = actions.map(|sent| self.post_own(world, sent));
        posted.min().unwrap_or(Time::NEVER)
    }

    /// Logs and posts an action of a host, unless it makes no difference. Returns the time at which the first of its hosts is
    /// due.
    fn post_own(&mut self, world: usize, sent: SentAction) -> Time {
        if sent.is_known(&self.state.courses[world]) {
            return Time::NEVER;
        }
        self.post_action(world, &Targets::All, &Arc::new(sent)).unwrap_or_else(|LogFull| {
            // As when too many events are sent: what is too much is left out and counted.
            self.state.counts.events_dropped += 1;
            Time::NEVER
        })
    }

    /// Logs and hands out the actions of a window. Returns the time at which the first of their hosts is due.
    fn hand_out_moves(&mut self) -> Time {
        let mut moves = std::mem::take(&mut self.moves);
        moves.sort_by(|(world, a), (other, b)| world.cmp(other).then_with(|| a.order(b)));
        let mut next = Time::NEVER;
        for (world, sent) in moves.drain(..) {
            match self.post_action(world, &Targets::All, &sent) {
                Ok(due) => next = next.min(due),
                // As when too many events are sent: what is too much is left out and counted.
                Err(LogFull) => self.state.counts.events_dropped += 1,
            }
        }
        self.moves = moves;
        next
    }

    /// Posts an event to the hosts that hear it. Returns the time at which the first of them is due.
    fn deliver(&mut self, sent: &Sent) -> Time {
        let Self { layout, state: State { hosts, due, .. }, .. } = self;
        let first = sent.world * layout.ids.len();
        let mut next = Time::NEVER;
        for id in layout.bus.listeners(&sent.event, sent.emitter) {
            let Some(place) = layout.places[id as usize] else { continue };
            let place = first + place as usize;
            if due[place] != Time::NEVER {
                hosts[place].post([Arc::clone(&sent.event)]);
                due[place] = hosts[place].due();
                next = next.min(due[place]);
            }
        }
        next
    }

    /// Ends all hosts now, as at the end of a run; `visit` gets each host that emits its last event.
    pub fn finish_with(&mut self, mut visit: impl FnMut(&Step<'_>)) {
        let Self { layout, state: State { now: at, hosts, due, counts, .. }, out, .. } = self;
        for (place, (driven, due)) in
            hosts.iter_mut().zip(due).enumerate().filter(|(_, (_, due))| **due != Time::NEVER)
        {
            let (world, host) = (place / layout.ids.len(), layout.ids[place % layout.ids.len()]);
            out.clear();
            driven.stop(*at, out);
            *due = Time::NEVER;
            counts.add(out);
            visit(&Step { at: *at, world, host, driven, out });
        }
        (0..self.worlds()).for_each(|world| self.send_own(world, RUN_FINISHED));
    }

    /// The host of a world; `None` if there is no such host.
    #[must_use]
    pub fn host(&self, world: usize, host: HostId) -> Option<&DrivenHost> {
        let place = (*self.layout.places.get(host as usize)?)? as usize;
        self.state.hosts.get(world * self.layout.ids.len() + place)
    }

    /// The hosts of the first world, in the order of the plan.
    pub(super) fn into_hosts(self) -> impl Iterator<Item = DrivenHost> {
        let mut hosts: Vec<Option<DrivenHost>> = self.state.hosts.into_iter().map(Some).collect();
        let Layout { places, .. } = &*self.layout;
        let places: Vec<usize> = places.iter().flatten().map(|place| *place as usize).collect();
        places.into_iter().filter_map(move |place| hosts[place].take())
    }

    /// The cells of a host as they are now; outputs see them with its next report. Empty if there is no such host.
    #[must_use]
    pub fn row(&self, world: usize, host: HostId) -> &[f64] {
        self.host(world, host).map_or(&[], |driven| driven.host().row())
    }

    /// The labels and the cells of a pool's member as they are now. `None` if the slot is empty or the host is down.
    #[must_use]
    pub fn member(
        &self,
        world: usize,
        host: HostId,
        pool: usize,
        slot: usize,
    ) -> Option<(&LabelBlock, &[f64])> {
        self.host(world, host)?.host().slot(pool, slot)
    }

    /// Appends the selected cells to `values`, world by world. Those that are absent are
    /// [`ABSENT`](crate::metric::ABSENT).
    pub fn observe(&self, selection: &Selection, values: &mut Vec<f64>) {
        let (layout, width) = (&self.layout, self.layout.ids.len());
        for hosts in self.state.hosts.chunks(width.max(1)) {
            selection
                .observe(|id| layout.places[id as usize].map(|place| hosts[place as usize].host()), values);
        }
    }

    /// A copy of all worlds. The error names the host, and its metric or pool whose plugin does not save its state.
    pub(super) fn state(&self) -> Result<State, Error> {
        self.state.try_clone()
    }

    pub(super) const fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Goes on from a state of the same plan.
    pub(super) fn put_state(&mut self, state: State) {
        self.state = state;
    }
}

impl State {
    pub(super) fn try_clone(&self) -> Result<Self, Error> {
        let hosts = self.hosts.iter().map(DrivenHost::try_clone).collect::<Result<_, _>>()?;
        let (due, outside) = (self.due.clone(), self.outside.clone());
        let (outside_counts, logs) = (self.outside_counts.clone(), self.logs.clone());
        let courses = self.courses.clone();
        Ok(Self { hosts, due, outside, outside_counts, logs, courses, ..*self })
    }

    pub(super) const fn now(&self) -> Time {
        self.now
    }
}
