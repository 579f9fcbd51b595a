//! The events that hosts listen to, and their effects.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use promemu_core::event::{Event, LIFECYCLE};
use promemu_core::number::Shown;
use promemu_core::plan::{Action, HostShape, Plan};
use promemu_core::time::Span;

use super::run_handle::RunHandle;
use super::views::{EventView, ListenedEvent};

/// The most listeners of an event that are named.
const EXAMPLES_MAX: usize = 10;
/// The most effects of an event that are listed.
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
    /// The events that hosts listen to, and those that begin faults of hosts, in the config's order.
    #[must_use]
    pub fn listened_events(&self) -> Vec<ListenedEvent> {
        let fleet = self.fleet();
        let hosts: Vec<_> = fleet.hosts().map(|(_, host)| host).collect();
        let mut known: IndexMap<&str, (usize, Vec<String>, IndexSet<String>)> = IndexMap::new();
        let mut of_shapes: IndexMap<*const HostShape, Vec<usize>> = IndexMap::new();
        for host in &hosts {
            // Hosts share their shapes, so each shape is visited once.
            let events = of_shapes.entry(&raw const *host.shape).or_insert_with(|| {
                let mut known_events = IndexSet::new();
                for listener in &host.shape.listeners {
                    let entry = known.entry(&listener.subscription.event);
                    known_events.insert(entry.index());
                    let (_, _, effects) = entry.or_default();
                    if effects.len() < EFFECTS_MAX {
                        effects.insert(effect(fleet.plan(), &host.shape, &listener.action));
                    }
                }
                known_events.into_iter().collect()
            });
            for event in events {
                let Some((_, (listeners, examples, _))) = known.get_index_mut(*event) else { continue };
                *listeners += 1;
                if examples.len() < EXAMPLES_MAX {
                    examples.push(host.name.to_string());
                }
            }
        }
        let begun = fleet.plan().faults.iter().flat_map(|fault| fault.on.iter().map(move |on| (fault, on)));
        for (fault, on) in begun {
            let action = Action::BeginFault { fault: Arc::clone(&fault.id), lasts: fault.times.lasts };
            let (listeners, examples, effects) = known.entry(&on.event).or_default();
            effects.insert(format!("begin fault {}", fault.id));
            let reached: Vec<_> = hosts.iter().filter(|host| action.concerns(host)).collect();
            *listeners = reached.len().max(*listeners);
            if examples.is_empty() {
                examples.extend(reached.iter().take(EXAMPLES_MAX).map(|host| host.name.to_string()));
            }
        }
        let view =
            |(name, (listeners, examples, effects)): (&str, (usize, Vec<String>, IndexSet<String>))| {
                let is_lifecycle = LIFECYCLE.contains(&name);
                let (name, effects) = (name.to_owned(), effects.into_iter().collect());
                ListenedEvent { name, hearers: listeners, examples, effects, is_lifecycle }
            };
        known.into_iter().map(view).collect()
    }
}

/// The action in words.
fn effect(plan: &Plan, shape: &HostShape, action: &Action) -> String {
    let metric = |index: usize| &*shape.metrics[index].name;
    match action {
        Action::Update(index) => format!("update {}", metric(*index)),
        Action::Emit(name) => format!("emit {name}"),
        Action::StartMetric(index) => format!("start {}", metric(*index)),
        Action::StopMetric(index) => format!("stop {}", metric(*index)),
        Action::Override { metric: index, value, lasts, .. } => {
            format!("override {} by {}{}", metric(*index), Shown(*value), for_span(*lasts))
        }
        Action::Release { metric: index } => format!("release {}", metric(*index)),
        Action::Lever { lever, value, lasts } => {
            format!("move lever {} to {}{}", plan.levers[*lever].name, Shown(*value), for_span(*lasts))
        }
        Action::ReleaseLever { lever } => format!("release lever {}", plan.levers[*lever].name),
        Action::Down { lasts } => format!("take the host down{}", for_span(*lasts)),
        Action::Up => "bring the host up".to_owned(),
        Action::BeginFault { fault, .. } => format!("begin fault {fault}"),
        Action::EndFault { fault } => format!("end fault {fault}"),
        Action::SkipTo { phase, .. } => format!("skip to phase {phase}"),
        Action::Stop => "stop the host".to_owned(),
        Action::OpenFault(index) => format!("open {}", shape.faults[*index].describe()),
        Action::CloseFault(index) => format!("close {}", shape.faults[*index].fault.name()),
        Action::ReplaceMembers(index) => format!("replace {}", shape.pools[*index].name),
        Action::NotifyMembers(index) => format!("notify {}", shape.pools[*index].name),
    }
}

/// A length of time in words; nothing if it is endless.
fn for_span(span: Span) -> String {
    if span == Span::FOREVER { String::new() } else { format!(" for {span}") }
}
