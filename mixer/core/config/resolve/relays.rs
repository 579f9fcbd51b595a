//! Relations between the metrics of one host: duplicates, relays, links, and the order of updates.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::metrics::Draft;
use super::resolver::Resolver;
use crate::error::{SourceSpan, suggestion};

/// Labels as Prometheus compares them: sorted, and without empty ones.
pub(super) type LabelSet = Vec<(String, String)>;

pub(super) fn label_set<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> LabelSet {
    let given = labels.filter(|(_, value)| !value.is_empty());
    let mut set: LabelSet = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    set.sort();
    set
}

/// An error that is among the problems already.
struct Refused;

/// A host's metrics by name: the index of the first one, and those of the others.
pub(super) struct ByName<'n>(IndexMap<&'n str, (usize, Vec<usize>)>);

impl<'n> ByName<'n> {
    pub(super) fn of(names: impl Iterator<Item = &'n str>) -> Self {
        let mut by_name: IndexMap<&str, (usize, Vec<usize>)> = IndexMap::new();
        for (index, name) in names.enumerate() {
            by_name.entry(name).and_modify(|(_, more)| more.push(index)).or_insert((index, Vec::new()));
        }
        Self(by_name)
    }

    /// The indices of all metrics of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = usize> {
        self.0
            .get(name)
            .into_iter()
            .flat_map(|(first, more)| std::iter::once(*first).chain(more.iter().copied()))
    }

    /// All names, each once.
    pub(super) fn names(&self) -> Vec<&'n str> {
        self.0.keys().copied().collect()
    }

    /// The index of the only metric of this name. `to` is the verb in the error.
    pub(super) fn place(&self, name: &str, to: &str) -> Result<usize, String> {
        match self.0.get(name) {
            Some((index, more)) if more.is_empty() => Ok(*index),
            Some(_) => {
                Err(format!("the host has more than one metric {name:?}; {to} one with a name of its own"))
            }
            None => {
                let hint = suggestion(name, &self.names());
                Err(format!("the host has no metric {name:?} to {to}{hint}"))
            }
        }
    }
}

impl<'a> Resolver<'a> {
    /// Removes duplicates: of two metrics with the same name and labels the later one stays.
    pub(super) fn without_duplicates(&mut self, drafts: Vec<Draft<'a>>) -> Vec<Draft<'a>> {
        let mut last: IndexMap<(Arc<str>, LabelSet), usize> = IndexMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            let key = (Arc::clone(&draft.plan.name), label_set(draft.plan.labels.iter()));
            let replaced = last.insert(key, index);
            if replaced.is_some_and(|earlier| drafts[earlier].layer == draft.layer) {
                let name = &draft.plan.name;
                self.problems.warning(
                    draft.template.name.span,
                    format!("metric {name:?} comes twice on a host with the same labels; the later one wins"),
                );
            }
        }
        let kept: IndexSet<usize> = last.into_values().collect();
        drafts
            .into_iter()
            .enumerate()
            .filter(|(index, _)| kept.contains(index))
            .map(|(_, draft)| draft)
            .collect()
    }

    /// Links relays to their sources, and moves each metric behind its source.
    pub(super) fn in_order(&mut self, drafts: Vec<Draft<'a>>) -> Option<Vec<Draft<'a>>> {
        let by_name = ByName::of(drafts.iter().map(|draft| &*draft.plan.name));
        let sources: Vec<_> = drafts.iter().map(|draft| self.source_of(draft, &by_name)).collect();
        let sources = sources.into_iter().collect::<Result<Vec<_>, Refused>>().ok()?;
        self.check_linked(&drafts)?;
        let order = match update_order(&sources) {
            Ok(order) => order,
            Err(stuck) => {
                let (name, place) = (&drafts[stuck].plan.name, drafts[stuck].template.name.span);
                self.problems.error(
                    place,
                    format!("metric {name:?} relays its own value through other metrics; remove one relay of the cycle"),
                );
                return None;
            }
        };
        let mut place_of = vec![usize::MAX; drafts.len()];
        for (place, index) in order.iter().enumerate() {
            place_of[*index] = place;
        }
        let mut links = Vec::with_capacity(drafts.len());
        for draft in &drafts {
            let linked = self.linked(&draft.links, &by_name, draft.template.name.span)?;
            links.push(linked.into_iter().map(|index| place_of[index]).collect());
        }
        let mut drafts: Vec<Option<Draft<'a>>> = drafts.into_iter().map(Some).collect();
        let ordered = order.iter().filter_map(|index| {
            let mut draft = drafts[*index].take()?;
            draft.plan.source = sources[*index].map(|source| place_of[source]);
            draft.plan.links = std::mem::take(&mut links[*index]);
            Some(draft)
        });
        Some(ordered.collect())
    }

    fn source_of(&mut self, draft: &Draft<'_>, by_name: &ByName<'_>) -> Result<Option<usize>, Refused> {
        let Some(wanted) = draft.plan.scenario.source_metric() else { return Ok(None) };
        let place =
            draft.template.scenario.as_ref().map_or(draft.template.name.span, |scenario| scenario.span);
        by_name.place(wanted, "relay").map(Some).map_err(|error| {
            self.problems.error(place, error);
            Refused
        })
    }

    /// The indices of linked metrics.
    pub(super) fn linked(
        &mut self,
        links: &IndexSet<String>,
        by_name: &ByName<'_>,
        span: SourceSpan,
    ) -> Option<Vec<usize>> {
        let places = links.iter().map(|link| by_name.place(link, "link"));
        let places = places.map(|place| place.map_err(|error| self.problems.error(span, error)).ok());
        places.collect::<Vec<_>>().into_iter().collect()
    }

    /// Refuses `linked_metrics` that differ from the relays, from which they follow.
    fn check_linked(&mut self, drafts: &[Draft<'_>]) -> Option<()> {
        let relay = |draft: &Draft<'_>| {
            let source = draft.plan.scenario.source_metric()?;
            Some((draft.plan.name.to_string(), source.to_string()))
        };
        let relays: IndexSet<(String, String)> = drafts.iter().filter_map(relay).collect();
        for draft in drafts {
            for linked in &draft.template.linked_metrics {
                let wanted = self.value("linked_metrics", linked)?;
                let name = &draft.plan.name;
                if !relays.contains(&(wanted.clone(), name.to_string())) {
                    self.problems.error(
                        linked.span,
                        format!("no metric {wanted:?} relays {name:?}; linked_metrics may be left out"),
                    );
                }
            }
        }
        Some(())
    }
}

/// The order in which metrics are updated, by the source of each: all that wait for nothing or for one before them
/// first, in their own order, then those that waited for these, and so on. The error is the first metric that waits for
/// itself.
fn update_order(sources: &[Option<usize>]) -> Result<Vec<usize>, usize> {
    const UNKNOWN: usize = usize::MAX;
    const OPEN: usize = usize::MAX - 1;
    let mut rounds = vec![UNKNOWN; sources.len()];
    let mut chain = Vec::new();
    let mut is_stuck = false;
    for first in 0..sources.len() {
        // Down to a metric whose round is known, then back up.
        let mut next = Some(first);
        while let Some(index) = next.filter(|index| rounds[*index] == UNKNOWN) {
            rounds[index] = OPEN;
            chain.push(index);
            next = sources[index];
        }
        let mut below = next.map(|source| (source, rounds[source]));
        while let Some(index) = chain.pop() {
            rounds[index] = match below {
                None => 0,
                Some((_, OPEN)) => OPEN,
                Some((source, round)) => round + usize::from(source > index),
            };
            is_stuck |= rounds[index] == OPEN;
            below = Some((index, rounds[index]));
        }
    }
    if is_stuck && let Some(stuck) = rounds.iter().position(|round| *round == OPEN) {
        return Err(stuck);
    }
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|index| rounds[*index]);
    Ok(order)
}
