//! Which events hosts listen to, and what happens then.

use indexmap::{IndexMap, IndexSet};

use super::{EventView, ListenedEvent, RunHandle};
use promemu_core::event::{Event, LIFECYCLE};
use promemu_core::plan::{FaultKind, FaultPlan, HostShape, Reaction};
use promemu_core::time::Span;

/// So many listeners of an event are named.
const EXAMPLES_MAX: usize = 10;
/// So many effects of an event are told.
const EFFECTS_MAX: usize = 20;

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        Self {
            name: event.name.to_string(),
            source: event.source.to_string(),
            data: event.data.clone(),
            time: event.time.rfc3339(),
            time_unix: event.time.unix_millis_secs(),
            sequence: event.sequence,
        }
    }
}

impl RunHandle {
    /// The events that hosts listen to, in the config's order.
    #[must_use]
    pub fn listened_events(&self) -> Vec<ListenedEvent> {
        let fleet = self.fleet();
        let mut known: IndexMap<&str, (usize, Vec<String>, IndexSet<String>)> = IndexMap::new();
        let mut of_shapes: IndexMap<*const HostShape, Vec<usize>> = IndexMap::new();
        for host in &fleet.plan().hosts {
            // Hosts share their shapes, so each is gone through once.
            let events = of_shapes.entry(&raw const *host.shape).or_insert_with(|| {
                let mut places = IndexSet::new();
                for listener in &host.shape.listeners {
                    let entry = known.entry(&listener.subscription.event);
                    places.insert(entry.index());
                    let (_, _, effects) = entry.or_default();
                    if effects.len() < EFFECTS_MAX {
                        effects.insert(effect(&host.shape, &listener.reaction));
                    }
                }
                places.into_iter().collect()
            });
            for event in events {
                let Some((_, (hearers, examples, _))) = known.get_index_mut(*event) else { continue };
                *hearers += 1;
                if examples.len() < EXAMPLES_MAX {
                    examples.push(host.name.to_string());
                }
            }
        }
        let view = |(name, (hearers, examples, effects)): (&str, (usize, Vec<String>, IndexSet<String>))| {
            let is_lifecycle = LIFECYCLE.contains(&name);
            let (name, effects) = (name.to_owned(), effects.into_iter().collect());
            ListenedEvent { name, hearers, examples, effects, is_lifecycle }
        };
        known.into_iter().map(view).collect()
    }
}

/// What happens, in words.
fn effect(shape: &HostShape, reaction: &Reaction) -> String {
    let metric = |index: usize| &*shape.metrics[index].name;
    match reaction {
        Reaction::Update(index) => format!("update {}", metric(*index)),
        Reaction::Emit(name) => format!("emit {name}"),
        Reaction::StartMetric(index) => format!("start {}", metric(*index)),
        Reaction::StopMetric(index) => format!("stop {}", metric(*index)),
        Reaction::OpenFault(index) => format!("open {}", dirt(&shape.faults[*index])),
        Reaction::CloseFault(index) => format!("close {}", shape.faults[*index].kind.name()),
        Reaction::ReplaceMembers(index) => format!("replace {}", shape.pools[*index].name),
        Reaction::NotifyMembers(index) => format!("tell {}", shape.pools[*index].name),
    }
}

/// A kind of dirt with its parameters, in words.
fn dirt(plan: &FaultPlan) -> String {
    let name = plan.kind.name();
    let what = match plan.kind {
        FaultKind::Late(by) | FaultKind::OutOfOrder(by) => format!("{name} by {by}"),
        FaultKind::ClockSkew { ahead, behind } => format!("{name} ahead {ahead}, behind {behind}"),
        FaultKind::Down | FaultKind::Gap | FaultKind::CounterReset | FaultKind::Nan => name.to_owned(),
    };
    let window = if plan.window == Span::FOREVER { String::new() } else { format!(" for {}", plan.window) };
    let chance = if plan.probability < 1.0 {
        format!(" with probability {}", plan.probability)
    } else {
        String::new()
    };
    format!("{what}{window}{chance}")
}
