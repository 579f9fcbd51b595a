//! Begins and ends of a run's phases and faults, and the events that tell of them.

use std::sync::Arc;

use crate::event::{
    EDGE_EVENTS, FAULT_FINISHED, FAULT_STARTED, PHASE_FINISHED, PHASE_STARTED, TURN_FINISHED,
};
use crate::fault::{Course, Timed};
use crate::plan::{PhasePlan, Plan, TimedEvent};
use crate::time::{Span, Time};

/// A begin or an end of a phase or fault, or an event of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEdge {
    /// Name of the event that tells of it.
    pub event: Arc<str>,
    /// The name of the phase, or the id of the fault; `None` for the end of a turn, and for another event.
    pub subject: Option<Arc<str>>,
}

impl RunEdge {
    /// The event's data.
    #[must_use]
    pub fn data(&self) -> serde_json::Value {
        self.subject.as_ref().map_or(serde_json::Value::Null, |subject| subject.to_string().into())
    }
}

/// The time of the first edge after this one; [`Time::NEVER`] if there is none.
#[must_use]
pub fn next_run_edge(plan: &Plan, course: &Course, after: Time) -> Time {
    let of_faults = plan.faults.iter().map(|fault| fault.timed());
    let of_phases = plan.timeline.phases.iter().map(PhasePlan::timed);
    let of_events = plan.timeline.events.iter().map(TimedEvent::timed);
    let all = of_faults.chain(of_phases).chain(of_events);
    all.map(|timed| course.next_edge(timed, after)).min().unwrap_or(Time::NEVER)
}

/// The edges at a moment: ends of faults, ends of phases, the end of a turn, begins of phases, begins of faults, and events, each in the
/// config's order.
#[must_use]
pub fn run_edges_at(plan: &Plan, course: &Course, at: Time) -> Vec<RunEdge> {
    let before = at.before(Span::from_nanos(1));
    let ends = |timed: Timed<'_>| course.last_window(timed, before).is_some_and(|(_, end)| end == at);
    let begins = |timed: Timed<'_>| course.last_window(timed, at).is_some_and(|(begin, _)| begin == at);
    let faults = || plan.faults.iter().map(|fault| (fault.timed(), &fault.id));
    let phases = || plan.timeline.phases.iter().map(|phase| (phase.timed(), &phase.name));
    let edge = |event: &'static str| {
        move |(_, subject): (Timed<'_>, &Arc<str>)| RunEdge {
            event: event.into(),
            subject: Some(Arc::clone(subject)),
        }
    };
    let mut edges: Vec<RunEdge> =
        faults().filter(|(timed, _)| ends(*timed)).map(edge(FAULT_FINISHED)).collect();
    edges.extend(phases().filter(|(timed, _)| ends(*timed)).map(edge(PHASE_FINISHED)));
    let is_over = |last: &PhasePlan| ends(last.timed()) && !course.skips_at(at);
    let is_over = plan.timeline.phases.last().is_some_and(is_over);
    edges.extend(is_over.then(|| RunEdge { event: TURN_FINISHED.into(), subject: None }));
    edges.extend(phases().filter(|(timed, _)| begins(*timed)).map(edge(PHASE_STARTED)));
    edges.extend(faults().filter(|(timed, _)| begins(*timed)).map(edge(FAULT_STARTED)));
    let events = plan.timeline.events.iter().filter(|event| begins(event.timed()));
    edges.extend(events.map(|event| RunEdge { event: Arc::clone(&event.name), subject: None }));
    edges
}

/// The begin and the end of each phase, and of each fault, that is on at a moment.
#[must_use]
pub fn active_edges(plan: &Plan, course: &Course, at: Time) -> Vec<[RunEdge; 2]> {
    let is_on = |timed: Timed<'_>| course.window(timed, at).is_some();
    let edges = |events: [&'static str; 2], subject: &Arc<str>| {
        events.map(|event| RunEdge { event: event.into(), subject: Some(Arc::clone(subject)) })
    };
    let phases = plan.timeline.phases.iter().filter(|phase| is_on(phase.timed()));
    let phases = phases.map(|phase| edges([PHASE_STARTED, PHASE_FINISHED], &phase.name));
    let faults = plan.faults.iter().filter(|fault| is_on(fault.timed()));
    phases.chain(faults.map(|fault| edges([FAULT_STARTED, FAULT_FINISHED], &fault.id))).collect()
}

/// The names of all events that tell of edges of the plan.
pub fn edge_events(plan: &Plan) -> impl Iterator<Item = &str> {
    let of_timeline = plan.timeline.events.iter().map(|event| &*event.name);
    EDGE_EVENTS.into_iter().chain(of_timeline)
}
