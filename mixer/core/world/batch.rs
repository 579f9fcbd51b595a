//! Many worlds of one plan in lock step.
//!
//! An event takes [`DELIVERY_DELAY`] from host to host, so hosts are independent of each other for that long. Time passes in
//! windows of that length: in a window each host is advanced alone, and its events are handed out at the window's end.

use std::sync::Arc;

use super::layout::Layout;
use super::outside_mail::OutsideMail;
use super::selection::Selection;
use crate::error::Error;
use crate::event::{DELIVERY_DELAY, Event, HostId, MIXER_SOURCE, RUN_FINISHED, RUN_STARTED};
use crate::host::{DrivenHost, EmulatedHost, Mail, Outbox, UpdateCounts};
use crate::plan::{Action, Plan};
use crate::rng::Seed;
use crate::series::LabelBlock;
use crate::time::{Span, Time};
use crate::timeline::SentAction;

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
}

/// All that a snapshot copies.
#[derive(Debug)]
pub(super) struct State {
    now: Time,
    /// World by world, in the layout's order.
    hosts: Vec<DrivenHost>,
    /// The time at which each host is due.
    due: Vec<Time>,
    /// For each world what came from outside of hosts so far.
    outside: Vec<Vec<OutsideMail>>,
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
    /// One world for each seed, all at `start`.
    #[must_use]
    pub fn new(plan: Arc<Plan>, seeds: &[u64], start: Time) -> Self {
        Self::with_layout(Layout::of_all(plan), seeds, start)
    }

    /// As [`Self::new`], with only those hosts whose events others may hear.
    pub(crate) fn of_heard_hosts(plan: Arc<Plan>, seeds: &[u64], start: Time) -> Self {
        Self::with_layout(Layout::of_heard(plan), seeds, start)
    }

    fn with_layout(layout: Layout, seeds: &[u64], start: Time) -> Self {
        let plans = || layout.ids.iter().map(|id| Arc::clone(&layout.plan.hosts[*id as usize]));
        let hosts = seeds.iter().flat_map(|seed| {
            plans().map(|plan| DrivenHost::new(EmulatedHost::new(plan, Seed::new(*seed), start)))
        });
        let hosts: Vec<DrivenHost> = hosts.collect();
        let state = State {
            now: start,
            due: hosts.iter().map(DrivenHost::due).collect(),
            hosts,
            outside: vec![Vec::new(); seeds.len()],
            counts: UpdateCounts::default(),
        };
        let mut batch =
            Self { layout: Arc::new(layout), start, state, out: Outbox::default(), sent: Vec::new() };
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
        let mut begin = self.due();
        while begin <= to && begin != Time::NEVER {
            let next = self.pass_window(to, to.min(begin + WINDOW), visit);
            begin = next.min(self.hand_out(record));
        }
        self.state.now = self.state.now.max(to);
    }

    /// Advances each host alone to the end of the window, or to `to` if it is alone. Returns the time at which the next one
    /// is due.
    fn pass_window(&mut self, to: Time, end: Time, visit: &mut impl FnMut(&Step<'_>)) -> Time {
        let Self { layout, state: State { hosts, due, counts, .. }, out, sent, .. } = self;
        let Layout { bus, ids, is_alone, .. } = &**layout;
        let mut next = Time::NEVER;
        let worlds = hosts.chunks_mut(ids.len().max(1)).zip(due.chunks_mut(ids.len().max(1)));
        for (world, (hosts, due)) in worlds.enumerate() {
            for (((driven, due), id), is_alone) in hosts.iter_mut().zip(due).zip(ids).zip(is_alone) {
                let until = if *is_alone { to } else { end };
                if *due <= until {
                    while let Some(at) = driven.step(until, out) {
                        counts.add(out);
                        visit(&Step { at, world, host: *id, driven, out });
                        if !out.events.is_empty() {
                            let heard = out.events.drain(..).filter(|event| bus.is_heard(event, Some(*id)));
                            let send = |event| Sent { world, event: Arc::new(event), emitter: Some(*id) };
                            sent.extend(heard.map(send));
                        }
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
        if self.sent.is_empty() {
            return Time::NEVER;
        }
        let mut sent = std::mem::take(&mut self.sent);
        sent.sort_by(|a, b| a.world.cmp(&b.world).then_with(|| a.event.order(&b.event)));
        let mut next = Time::NEVER;
        for sent in &sent {
            next = next.min(self.deliver(sent));
            record(&sent.event, sent.emitter);
        }
        sent.clear();
        self.sent = sent;
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

    /// Emits an event of the run itself.
    fn send_own(&mut self, world: usize, name: &str) {
        self.send_from_outside(world, name, MIXER_SOURCE, serde_json::Value::Null);
    }

    /// Emits an event from outside now. A source that is a host's name makes it that host's event, which the host itself
    /// handles, too.
    pub fn inject(&mut self, world: usize, name: &str, source: &str, data: serde_json::Value) {
        let event = self.send_from_outside(world, name, source, data);
        let own =
            self.layout.id_of(source).and_then(|id| self.layout.places[id as usize].map(|place| (id, place)));
        if let Some((id, place)) = own {
            let plan = &self.layout.plan.hosts[id as usize];
            let place = world * self.layout.ids.len() + place as usize;
            // The others have it already, and so has this host if it hears any source.
            let hears_own = plan.shape.listeners_to(&event, &plan.name).next().is_some();
            let State { hosts, due, .. } = &mut self.state;
            if hears_own
                && due[place] != Time::NEVER
                && !self.layout.bus.listeners(&event, None).any(|other| other == id)
            {
                hosts[place].post([event]);
                due[place] = hosts[place].due();
            }
        }
    }

    fn send_from_outside(
        &mut self,
        world: usize,
        name: &str,
        source: &str,
        data: serde_json::Value,
    ) -> Arc<Event> {
        let (time, sequence) = (self.state.now, self.state.outside[world].len() as u64);
        let (name, source) = (name.into(), source.into());
        let event = Arc::new(Event { name, source, data, time, sequence, hops: 0 });
        let mail = Mail::Event(Arc::clone(&event));
        self.state.outside[world].push(OutsideMail { to: None, mail });
        self.deliver(&Sent { world, event: Arc::clone(&event), emitter: None });
        event
    }

    /// Has a host of a world carry out an action. It acts after the delay of an event, or when the host starts. An event
    /// to emit is injected as one of the host.
    pub fn act(&mut self, world: usize, host: HostId, source: &str, action: Action) {
        let Some(plan) = self.layout.plan.hosts.get(host as usize).cloned() else { return };
        if let Action::Emit(event) = action {
            return self.inject(world, &event, &plan.name, serde_json::Value::Null);
        }
        let (time, sequence) = (self.state.now, self.state.outside[world].len() as u64);
        let sent = Arc::new(SentAction { action, time, source: source.into(), sequence });
        let mail = Mail::Action(Arc::clone(&sent));
        self.state.outside[world].push(OutsideMail { to: Some(host), mail });
        let Some(place) = self.layout.places[host as usize] else { return };
        let place = world * self.layout.ids.len() + place as usize;
        let State { hosts, due, .. } = &mut self.state;
        if due[place] != Time::NEVER {
            hosts[place].post_actions([sent]);
            due[place] = hosts[place].due();
        }
    }

    /// What came into a world from outside of its hosts so far, in order: the start and the end of its run, and what was
    /// injected.
    #[must_use]
    pub fn outside(&self, world: usize) -> &[OutsideMail] {
        &self.state.outside[world]
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
        Ok(Self { now: self.now, hosts, due, outside, counts: self.counts })
    }

    pub(super) const fn now(&self) -> Time {
        self.now
    }
}
