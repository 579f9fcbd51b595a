//! Events under a chart: those that its metrics emit, or hear.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use promemu_core::event::{Event, Source};
use promemu_core::plan::{HostShape, Plan, PoolPlan, Reaction};
use promemu_core::time::{Span, Time};

use super::selection::{SelectedFamily, SelectedSeries, with_sources};

/// An event as it is marked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Happened {
    pub(super) time: Time,
    pub(super) name: Arc<str>,
    pub(super) source: Arc<str>,
}

impl Happened {
    pub(super) fn new(event: &Event) -> Self {
        Self { time: event.time, name: Arc::clone(&event.name), source: Arc::clone(&event.source) }
    }
}

/// One kind of event, and when it happens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Marks {
    pub(super) name: Arc<str>,
    pub(super) times: Vec<Time>,
}

/// The events that concern a family's series, in a chart of so much time; `events` are sorted, and each is there once.
pub(super) fn marks(plan: &Plan, family: &SelectedFamily, events: &[Happened], span: Span) -> Vec<Marks> {
    let mut hosts: IndexSet<&str> = IndexSet::new();
    let mut concerns: IndexSet<(Arc<str>, Source)> = IndexSet::new();
    let mut known: IndexSet<(*const HostShape, usize)> = IndexSet::new();
    for series in &family.series {
        let shape = series.shape(plan);
        hosts.insert(&series.host(plan).name);
        if known.insert((shape, series.metric)) {
            with_sources(shape, series.metric).for_each(|metric| add_concerns(shape, metric, &mut concerns));
            add_concerns_of_pools(plan, *series, &mut concerns);
        }
    }
    let mut kinds: IndexMap<&Arc<str>, Vec<Time>> = IndexMap::new();
    for event in events {
        let is_concern = |(name, source): &(Arc<str>, Source)| {
            *name == event.name
                && match source {
                    Source::Own => hosts.contains(&*event.source),
                    Source::Any => true,
                    Source::Named(source) => *source == event.source,
                }
        };
        if concerns.iter().any(is_concern) {
            kinds.entry(&event.name).or_default().push(event.time);
        }
    }
    kinds.retain(|_, times| !is_everywhere(times, span));
    kinds.into_iter().map(|(name, times)| Marks { name: Arc::clone(name), times }).collect()
}

/// Whether marks would be a line that says nothing, as of what is emitted with every update: they are there for half of
/// the chart, and nowhere is a gap of a thirtieth of it between them.
fn is_everywhere(times: &[Time], span: Span) -> bool {
    let [first, .., last] = times else { return false };
    let has_gap = times.windows(2).any(|pair| pair[1].since(pair[0]).times(30) >= span);
    last.since(*first).times(2) >= span && !has_gap
}

/// What a metric hears, and what it emits.
fn add_concerns(shape: &HostShape, metric: usize, concerns: &mut IndexSet<(Arc<str>, Source)>) {
    for listener in &shape.listeners {
        match listener.reaction {
            Reaction::Update(heard) | Reaction::StartMetric(heard) | Reaction::StopMetric(heard)
                if heard == metric =>
            {
                let subscription = &listener.subscription;
                concerns.insert((Arc::clone(&subscription.event), subscription.source.clone()));
            }
            _ => {}
        }
    }
    for dirt in &shape.faults {
        // What is about the whole host is about each of its metrics.
        if dirt.metrics.is_empty() || dirt.metrics.contains(&metric) {
            concerns.extend(dirt.events.iter().map(|event| (Arc::clone(event), Source::Own)));
        }
    }
    for emitted in shape.metrics[metric].scenario.emits() {
        if let Some(event) = emitted.event {
            concerns.insert((event, emitted.source.map_or(Source::Own, Source::Named)));
        }
    }
}

/// What replaces those who live in its pools, and what the workload that fills them hears and emits.
fn add_concerns_of_pools(plan: &Plan, series: SelectedSeries, concerns: &mut IndexSet<(Arc<str>, Source)>) {
    let Some((kind, _)) = series.slot else { return };
    let shape = &series.host(plan).shape;
    if let PoolPlan { model: Some(model), .. } = &shape.pools[kind] {
        let heard = model.subscriptions().map(|subscription| (subscription.event, subscription.source));
        let emitted = model.workload.workload().emits.iter().map(|event| (Arc::clone(event), Source::Own));
        concerns.extend(heard.chain(emitted));
    }
    for listener in &shape.listeners {
        if matches!(listener.reaction, Reaction::ReplaceMembers(replaced) if replaced == kind) {
            concerns.insert((Arc::clone(&listener.subscription.event), listener.subscription.source.clone()));
        }
    }
}

/// The kinds of events by the places where they stand, each place once. Kinds that always stand in the same
/// places are one.
pub(super) fn by_place(marks: &[Marks], place: impl Fn(Time) -> usize) -> Vec<(String, Vec<usize>)> {
    let mut kinds: IndexMap<Vec<usize>, String> = IndexMap::new();
    for Marks { name, times } in marks {
        let mut places: Vec<usize> = times.iter().map(|time| place(*time)).collect();
        places.dedup();
        let names = kinds.entry(places).or_default();
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(name);
    }
    kinds.into_iter().map(|(places, names)| (names, places)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_all_the_time_is_not_marked() {
        let minutes = |times: &[u64]| -> Vec<Time> {
            times.iter().map(|minute| Time::from_unix_secs(60 * minute)).collect()
        };
        let is = |times: &[u64]| is_everywhere(&minutes(times), Span::from_secs(3600));
        let every = |minutes: usize, until| (0..until).step_by(minutes).collect::<Vec<u64>>();
        assert!(is(&every(1, 60)) && is(&every(1, 31)));
        assert!(!is(&every(2, 60)), "there are gaps between them");
        assert!(!is(&every(1, 30)), "it ends");
        assert!(!is(&[]) && !is(&[5]) && !is(&[5, 6]));
    }
}
