//! Actions and events that come to worlds from outside of their hosts: of the run, of its faults, of whoever holds them.

use std::sync::Arc;

use super::{Sent, State, WorldBatch};
use crate::event::{Event, HostId, MIXER_SOURCE};
use crate::fault::Course;
use crate::plan::Action;
use crate::time::Time;
use crate::timeline::{LogFull, RunLog, SentAction, Targets, run_edges_at};

impl WorldBatch {
    /// Has hosts of a world carry out an action. It acts after the delay of an event, or when a host starts. An event to
    /// emit is injected as one of each host. Fails if the world's log is full.
    pub fn act(
        &mut self,
        world: usize,
        targets: &Targets,
        source: &str,
        action: Action,
    ) -> Result<(), LogFull> {
        if let Action::Emit(event) = action {
            let plan = Arc::clone(&self.layout.plan);
            for host in plan.hosts.iter().filter(|host| targets.reach(host)) {
                self.inject(world, &event, &host.name, serde_json::Value::Null);
            }
            return Ok(());
        }
        let sequence = self.state.logs[world].end();
        let sent = SentAction { action, time: self.state.now, source: source.into(), sequence };
        self.post_action(world, targets, &Arc::new(sent)).map(drop)
    }

    /// Logs an action and posts it. Returns the time at which the first of its hosts is due.
    pub(crate) fn post_action(
        &mut self,
        world: usize,
        targets: &Targets,
        sent: &Arc<SentAction>,
    ) -> Result<Time, LogFull> {
        let Self { layout, state, .. } = self;
        let State { hosts, due, logs, courses, .. } = state;
        logs[world].append(targets.clone(), Arc::clone(sent))?;
        if sent.change(&mut courses[world]) {
            courses[world].forget_before(sent.time);
            state.is_course_changed = true;
        }
        let width = layout.ids.len();
        let (hosts, due) = (&mut hosts[world * width..], &mut due[world * width..]);
        let mut next = Time::NEVER;
        for (host, due) in hosts.iter_mut().zip(due).take(width) {
            let is_reached = sent.action.concerns(host.host().plan()) && targets.reach(host.host().plan());
            if *due != Time::NEVER && is_reached {
                host.post_actions([Arc::clone(sent)]);
                *due = host.due();
                next = next.min(*due);
            }
        }
        Ok(next)
    }

    /// The times of a world's phases and faults, as planned and as changed so far.
    #[must_use]
    pub fn course(&self, world: usize) -> &Course {
        &self.state.courses[world]
    }

    /// The actions and the injected events of a world so far.
    #[must_use]
    pub fn log(&self, world: usize) -> &RunLog {
        &self.state.logs[world]
    }

    /// Emits an event of the run itself.
    pub(super) fn send_own(&mut self, world: usize, name: &str) {
        let event = self.send_from_outside(world, name, MIXER_SOURCE, serde_json::Value::Null);
        self.state.outside[world].push(event);
    }

    /// Emits an event from outside now. A source that is a host's name makes it that host's event, which the host itself
    /// handles, too.
    pub fn inject(&mut self, world: usize, name: &str, source: &str, data: serde_json::Value) {
        let event = self.send_from_outside(world, name, source, data);
        self.state.outside[world].push(Arc::clone(&event));
        self.state.logs[world].append_event(Arc::clone(&event));
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
        let (time, sequence) = (self.state.now, self.state.outside_counts[world]);
        self.state.outside_counts[world] += 1;
        let (name, source) = (name.into(), source.into());
        let event = Arc::new(Event { name, source, data, time, sequence, hops: 0 });
        self.deliver(&Sent { world, event: Arc::clone(&event), emitter: None });
        self.trigger(world, &event);
        event
    }

    /// `true` if a host may listen to an event from outside.
    pub(crate) fn hears(&self, event: &Event) -> bool {
        self.layout.bus.is_heard(event, None) || self.layout.id_of(&event.source).is_some()
    }

    /// The events from outside of a world's hosts so far, in order: the start and the end of its run, and those that were
    /// injected. Begins and ends of its phases and faults follow from the plan.
    #[must_use]
    pub fn outside_events(&self, world: usize) -> &[Arc<Event>] {
        &self.state.outside[world]
    }

    /// Emits the events of phases and faults that begin or end at this moment, and those of the timeline.
    pub(super) fn tell_edges(&mut self, at: Time, record: &mut impl FnMut(&Event, Option<HostId>)) {
        self.state.told_to = at;
        let plan = Arc::clone(&self.layout.plan);
        for world in 0..self.worlds() {
            for edge in run_edges_at(&plan, &self.state.courses[world], at) {
                let event = self.send_from_outside(world, &edge.event, MIXER_SOURCE, edge.data());
                record(&event, None);
            }
        }
    }
}
