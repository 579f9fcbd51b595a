//! The events below a chart: those that its metrics emit or listen to.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use promemu_core::event::{Event, Source};
use promemu_core::fault::FaultPlan;
use promemu_core::plan::{Action, HostShape, Plan, PoolPlan, RunPart};
use promemu_core::time::{Span, Time};

use super::selection::{SelectedFamily, SelectedSeries, with_sources};

/// An event that may be marked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EventRecord {
    pub(super) time: Time,
    pub(super) name: Arc<str>,
    pub(super) source: Arc<str>,
}

impl EventRecord {
    pub(super) fn new(event: &Event) -> Self {
        Self { time: event.time, name: Arc::clone(&event.name), source: Arc::clone(&event.source) }
    }
}

/// The times of the events of one name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Marks {
    pub(super) name: Arc<str>,
    pub(super) times: Vec<Time>,
}

/// The events that concern a family's series, in a chart of this length. `events` are sorted and unique.
pub(super) fn marks(plan: &Plan, family: &SelectedFamily, events: &[EventRecord], span: Span) -> Vec<Marks> {
    let mut hosts: IndexSet<&str> = IndexSet::new();
    let mut concerns: IndexSet<(Arc<str>, Source)> = IndexSet::new();
    let mut known: IndexSet<(*const HostShape, usize)> = IndexSet::new();
    let mut of_run: IndexSet<(*const RunPart, Option<usize>)> = IndexSet::new();
    for series in &family.series {
        let shape = series.shape(plan);
        hosts.insert(&series.host(plan).name);
        if known.insert((shape, series.metric)) {
            with_sources(shape, series.metric).for_each(|metric| add_concerns(shape, metric, &mut concerns));
            add_concerns_of_pools(plan, *series, &mut concerns);
        }
        // Metrics of pools have none of their own, but members vanish with their host.
        let metric = series.slot.is_none().then_some(series.metric);
        let part = series.host(plan).run.as_ref();
        if let Some(part) = part.filter(|part| of_run.insert((Arc::as_ptr(part), metric))) {
            let drawn = part.shown.iter().filter(|fault| metric.is_some() || fault.metrics.is_empty());
            // The others are on throughout their strip.
            for fault in drawn.filter(|fault| fault.pulses.is_some() || fault.probability < 1.0) {
                add_concern_of_fault(fault, series.metric, &mut concerns);
            }
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

/// `true` if marks would be a mere line, as of an event of every update: they cover half of the chart, without a gap of a
/// thirtieth of it.
fn is_everywhere(times: &[Time], span: Span) -> bool {
    let [first, .., last] = times else { return false };
    let has_gap = times.windows(2).any(|pair| pair[1].since(pair[0]).times(30) >= span);
    last.since(*first).times(2) >= span && !has_gap
}

/// Adds the events that a metric listens to or emits.
fn add_concerns(shape: &HostShape, metric: usize, concerns: &mut IndexSet<(Arc<str>, Source)>) {
    for listener in &shape.listeners {
        match listener.action {
            Action::Update(target) | Action::StartMetric(target) | Action::StopMetric(target)
                if target == metric =>
            {
                let subscription = &listener.subscription;
                concerns.insert((Arc::clone(&subscription.event), subscription.source.clone()));
            }
            _ => {}
        }
    }
    shape.faults.iter().for_each(|fault| add_concern_of_fault(fault, metric, concerns));
    for emitted in shape.metrics[metric].scenario.emits() {
        if let Some(event) = emitted.event {
            concerns.insert((event, emitted.source.map_or(Source::Own, Source::Named)));
        }
    }
}

/// Adds the events of a fault that the metric shows.
fn add_concern_of_fault(fault: &FaultPlan, metric: usize, concerns: &mut IndexSet<(Arc<str>, Source)>) {
    // A fault without metrics is one of all metrics.
    if fault.metrics.is_empty() || fault.metrics.contains(&metric) {
        concerns.extend(fault.events.iter().map(|event| (Arc::clone(event), Source::Own)));
    }
}

/// Adds the events that replace the pool's members, and those that its workload listens to or emits.
fn add_concerns_of_pools(plan: &Plan, series: SelectedSeries, concerns: &mut IndexSet<(Arc<str>, Source)>) {
    let Some((pool, _)) = series.slot else { return };
    let shape = &series.host(plan).shape;
    if let PoolPlan { model: Some(model), .. } = &shape.pools[pool] {
        let subscribed = model.subscriptions().map(|subscription| (subscription.event, subscription.source));
        let emitted = model.model.model().emits.iter().map(|event| (Arc::clone(event), Source::Own));
        concerns.extend(subscribed.chain(emitted));
    }
    for listener in &shape.listeners {
        if matches!(listener.action, Action::ReplaceMembers(replaced) if replaced == pool) {
            concerns.insert((Arc::clone(&listener.subscription.event), listener.subscription.source.clone()));
        }
    }
}

/// The places of each kind of event, each place once. Kinds with the same places are one, with all their names.
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
    fn events_without_gaps_are_not_marked() {
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
