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

/// A host's metrics by name: the index of the first one, and `true` if it is the only one.
pub(super) struct ByName<'n>(IndexMap<&'n str, (usize, bool)>);

impl<'n> ByName<'n> {
    pub(super) fn of(names: impl Iterator<Item = &'n str>) -> Self {
        let mut by_name: IndexMap<&str, (usize, bool)> = IndexMap::new();
        for (index, name) in names.enumerate() {
            by_name.entry(name).and_modify(|found| found.1 = false).or_insert((index, true));
        }
        Self(by_name)
    }

    /// The index of the only metric of this name. `to` is the verb in the error.
    pub(super) fn place(&self, name: &str, to: &str) -> Result<usize, String> {
        match self.0.get(name) {
            Some((index, true)) => Ok(*index),
            Some((_, false)) => {
                Err(format!("the host has more than one metric {name:?}; {to} one with a name of its own"))
            }
            None => {
                let known: Vec<&str> = self.0.keys().copied().collect();
                let hint = suggestion(name, &known);
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
        for draft in &drafts {
            self.check_linked(draft, &drafts)?;
        }
        let mut order: Vec<usize> = Vec::with_capacity(drafts.len());
        let mut place_of = vec![usize::MAX; drafts.len()];
        while order.len() < drafts.len() {
            let before = order.len();
            for (index, source) in sources.iter().enumerate() {
                let is_ready = source.is_none_or(|source| place_of[source] != usize::MAX);
                if place_of[index] == usize::MAX && is_ready {
                    place_of[index] = order.len();
                    order.push(index);
                }
            }
            if order.len() == before {
                let stuck = place_of.iter().position(|place| *place == usize::MAX)?;
                let (name, place) = (&drafts[stuck].plan.name, drafts[stuck].template.name.span);
                self.problems.error(
                    place,
                    format!("metric {name:?} relays its own value through other metrics; remove one relay of the cycle"),
                );
                return None;
            }
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
        links: &[String],
        by_name: &ByName<'_>,
        span: SourceSpan,
    ) -> Option<Vec<usize>> {
        let places = links.iter().map(|link| by_name.place(link, "link"));
        let places = places.map(|place| place.map_err(|error| self.problems.error(span, error)).ok());
        places.collect::<Vec<_>>().into_iter().collect()
    }

    /// Refuses `linked_metrics` that differ from the relays, from which they follow.
    fn check_linked(&mut self, draft: &Draft<'_>, drafts: &[Draft<'_>]) -> Option<()> {
        for linked in &draft.template.linked_metrics {
            let wanted = self.value("linked_metrics", linked)?;
            let is_relay = |other: &Draft<'_>| {
                *other.plan.name == *wanted && other.plan.scenario.source_metric() == Some(&draft.plan.name)
            };
            if !drafts.iter().any(is_relay) {
                let name = &draft.plan.name;
                self.problems.error(
                    linked.span,
                    format!("no metric {wanted:?} relays {name:?}; linked_metrics may be left out"),
                );
            }
        }
        Some(())
    }
}
