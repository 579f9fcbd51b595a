//! The metrics of one host among themselves: duplicates, relays, and the order in which they are updated.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::Resolver;
use super::metrics::Draft;
use crate::error::suggestion;
use crate::series::LabelBlock;

/// Labels as Prometheus tells series apart: in no order, and an empty one is none.
type LabelSet = Vec<(String, String)>;

fn label_set(labels: &LabelBlock) -> LabelSet {
    let given = labels.iter().filter(|(_, value)| !value.is_empty());
    let mut set: LabelSet = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    set.sort();
    set
}

/// What was wrong is among the problems.
struct Refused;

impl<'a> Resolver<'a> {
    /// Of two metrics with the same name and labels the later one wins.
    pub(super) fn without_duplicates(&mut self, drafts: Vec<Draft<'a>>) -> Vec<Draft<'a>> {
        let mut last: IndexMap<(Arc<str>, LabelSet), usize> = IndexMap::new();
        for (index, draft) in drafts.iter().enumerate() {
            let key = (Arc::clone(&draft.plan.name), label_set(&draft.plan.labels));
            if last.insert(key, index).is_some() {
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

    /// Links relays to their sources, and puts each metric behind its source.
    pub(super) fn in_order(&mut self, drafts: Vec<Draft<'a>>) -> Option<Vec<Draft<'a>>> {
        let sources = drafts
            .iter()
            .map(|draft| self.source_of(draft, &drafts))
            .collect::<Result<Vec<_>, Refused>>()
            .ok()?;
        for draft in &drafts {
            self.check_linked(draft, &drafts)?;
        }
        let mut order: Vec<usize> = Vec::with_capacity(drafts.len());
        while order.len() < drafts.len() {
            let before = order.len();
            for (index, source) in sources.iter().enumerate() {
                if !order.contains(&index) && source.is_none_or(|source| order.contains(&source)) {
                    order.push(index);
                }
            }
            if order.len() == before {
                let stuck = (0..drafts.len()).find(|index| !order.contains(index))?;
                let (name, place) = (&drafts[stuck].plan.name, drafts[stuck].template.name.span);
                self.problems.error(
                    place,
                    format!("metric {name:?} is relayed from itself, through others; break the circle"),
                );
                return None;
            }
        }
        let place_of = |index: usize| order.iter().position(|at| *at == index);
        let mut drafts: Vec<Option<Draft<'a>>> = drafts.into_iter().map(Some).collect();
        let ordered = order.iter().filter_map(|index| {
            let mut draft = drafts[*index].take()?;
            draft.plan.source = sources[*index].and_then(place_of);
            Some(draft)
        });
        Some(ordered.collect())
    }

    fn source_of(&mut self, draft: &Draft<'_>, drafts: &[Draft<'_>]) -> Result<Option<usize>, Refused> {
        let Some(wanted) = draft.plan.scenario.source_metric() else { return Ok(None) };
        let place =
            draft.template.scenario.as_ref().map_or(draft.template.name.span, |scenario| scenario.span);
        let mut found = drafts.iter().enumerate().filter(|(_, other)| &*other.plan.name == wanted);
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(Some(index)),
            (None, _) => {
                let known: Vec<&str> = drafts.iter().map(|other| &*other.plan.name).collect();
                let hint = suggestion(wanted, &known);
                self.problems.error(place, format!("the host has no metric {wanted:?} to relay{hint}"));
                Err(Refused)
            }
            (Some(_), Some(_)) => {
                self.problems.error(
                    place,
                    format!("the host has more than one metric {wanted:?}; relay one with a name of its own"),
                );
                Err(Refused)
            }
        }
    }

    /// `linked_metrics` follows from the relays; where it is written, it must say the same.
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
