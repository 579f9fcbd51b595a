//! The hosts of a world in memory, and the events that pass between them. Worlds of one plan share a layout.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use crate::event::{EventBus, HostId, Source};
use crate::plan::{Action, HostPlan, HostShape, Plan, RunPart};
use crate::timeline::{Triggers, edge_events};

/// The order of hosts. Hosts of one shape are neighbours.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) plan: Arc<Plan>,
    pub(super) bus: EventBus,
    /// The host of each place.
    pub(super) ids: Box<[HostId]>,
    /// The place of each host; `None` for one that is left out.
    pub(super) places: Box<[Option<u32>]>,
    /// `true` for each place whose host hears no other and is heard by none.
    pub(super) is_alone: Box<[bool]>,
    /// `true` if a host listens to begins or ends of phases or faults, or to events of the timeline.
    pub(super) hears_edges: bool,
    /// The events that begin faults.
    pub(super) triggers: Triggers,
    names: OnceLock<IndexMap<Arc<str>, HostId>>,
}

impl Layout {
    /// All hosts of the plan.
    pub(super) fn of_all(plan: Arc<Plan>) -> Self {
        Self::new(plan, |_| true)
    }

    /// The hosts whose events other hosts may hear.
    pub(super) fn of_heard(plan: Arc<Plan>) -> Self {
        Self::new(plan, |is_heard| is_heard)
    }

    fn new(plan: Arc<Plan>, is_kept: impl Fn(bool) -> bool) -> Self {
        let mut bus = EventBus::default();
        for (id, host) in (0..).zip(&plan.hosts) {
            bus.subscribe(id, host.shape.subscriptions());
        }
        let triggers = Triggers::of(&plan);
        let levers_are_read = plan.hosts.iter().any(|host| host.shape.reads_levers);
        let levers_move = levers_are_read && plan.hosts.iter().any(|host| moves_levers(&host.shape));
        let mut known: IndexMap<(*const HostShape, Option<*const RunPart>), (bool, bool)> = IndexMap::new();
        let (mut ids, mut is_alone) = (Vec::new(), Vec::new());
        let mut places = vec![None; plan.hosts.len()];
        for id in plan.jobs.iter().flat_map(|job| &job.hosts).copied() {
            let host = &plan.hosts[id as usize];
            let shape = &host.shape;
            let key = (Arc::as_ptr(shape), host.run.as_ref().map(Arc::as_ptr));
            let (hears, is_heard) = *known.entry(key).or_insert_with(|| {
                let is_moved = levers_move && shape.reads_levers;
                let hears = hears_others(shape) || is_moved || (!triggers.is_empty() && host.run.is_some());
                let is_heard = may_be_heard(host, &bus, &triggers);
                (hears, is_heard || (levers_are_read && moves_levers(shape)))
            });
            if is_kept(is_heard) {
                places[id as usize] = u32::try_from(ids.len()).ok();
                ids.push(id);
                is_alone.push(!hears && !is_heard);
            }
        }
        let hears_edges = edge_events(&plan).any(|event| bus.has_listeners(event) || triggers.has(event));
        let (ids, places, is_alone) = (ids.into(), places.into(), is_alone.into());
        Self { plan, bus, ids, places, is_alone, hears_edges, triggers, names: OnceLock::new() }
    }

    /// The host of this name.
    pub(super) fn id_of(&self, name: &str) -> Option<HostId> {
        let named = || (0..).zip(&self.plan.hosts).map(|(id, host)| (Arc::clone(&host.name), id)).collect();
        self.names.get_or_init(named).get(name).copied()
    }
}

fn hears_others(shape: &HostShape) -> bool {
    shape.subscriptions().any(|subscription| subscription.source != Source::Own)
}

/// `true` if a host of this shape may send an action on a lever.
fn moves_levers(shape: &HostShape) -> bool {
    let is_move = |action: &Action| matches!(action, Action::Lever { .. } | Action::ReleaseLever { .. });
    shape.listeners.iter().any(|listener| is_move(&listener.action))
}

/// `true` if the host may emit an event that another host listens to, or that begins a fault.
fn may_be_heard(host: &HostPlan, bus: &EventBus, triggers: &Triggers) -> bool {
    let is_heard = |event: Arc<str>| bus.has_listeners(&event) || triggers.has(&event);
    host.emissions().any(|event| event.is_none_or(is_heard))
}
