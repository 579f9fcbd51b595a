//! The series of a host so far, by family and labels: no pool may make one of them again.
//!
//! Texts that differ from member to member are taken to be able to equal any other.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::pool::try_text;
use crate::expression::TextFormula;
use crate::plan::{HostShape, MetricPlan};

/// Labels sorted by name; `None` for a text that differs between members.
type Labels = IndexMap<String, Option<String>>;

/// The family and the names of the labels: series that differ in these are never alike.
type Kind = (usize, Vec<String>);

/// The series of a host so far, and the names of its pools.
#[derive(Default)]
pub(super) struct HostSeries {
    pub(super) pool_names: IndexSet<Arc<str>>,
    /// The series of each kind by the labels that differ between members; these are mostly the same.
    kinds: IndexMap<Kind, IndexMap<Vec<bool>, IndexSet<Vec<String>>>>,
}

impl HostSeries {
    /// The series of a host without pools.
    pub(super) fn of(shape: &HostShape) -> Self {
        let mut series = Self::default();
        series.add(&[], shape);
        series
    }

    /// Adds the series of a pool.
    pub(super) fn add(&mut self, labels: &[(String, TextFormula)], shape: &HostShape) {
        let of_pool = texts(labels);
        for metric in &shape.metrics {
            let labels = all_labels(&of_pool, metric);
            let (kind, varying, fixed) = parts(metric.family, labels);
            self.kinds.entry(kind).or_default().entry(varying).or_default().insert(fixed);
        }
    }

    /// The first metric of a pool that may have a series of another pool, or of the host.
    pub(super) fn first_alike<'m>(
        &self,
        labels: &[(String, TextFormula)],
        shape: &'m HostShape,
    ) -> Option<&'m MetricPlan> {
        let of_pool = texts(labels);
        shape.metrics.iter().find(|metric| {
            let (kind, varying, fixed) = parts(metric.family, all_labels(&of_pool, metric));
            self.kinds.get(&kind).is_some_and(|known| {
                known.iter().any(|(other_varying, others)| {
                    if *other_varying == varying {
                        return others.contains(&fixed);
                    }
                    others.iter().any(|other| may_be_alike((&varying, &fixed), (other_varying, other)))
                })
            })
        })
    }
}

/// The labels of a pool with their texts.
fn texts(labels: &[(String, TextFormula)]) -> Labels {
    let text = |text: &TextFormula| if text.varies() { None } else { try_text(text).ok() };
    labels.iter().map(|(name, formula)| (name.clone(), text(formula))).collect()
}

fn all_labels(of_pool: &Labels, metric: &MetricPlan) -> Labels {
    let mut labels = of_pool.clone();
    labels.extend(metric.labels.iter().map(|(name, text)| (name.to_owned(), Some(text.to_owned()))));
    labels.sort_keys();
    labels
}

/// The kind, the labels that vary, and the texts of those that do not.
fn parts(family: usize, labels: Labels) -> (Kind, Vec<bool>, Vec<String>) {
    let (names, texts): (Vec<String>, Vec<Option<String>>) = labels.into_iter().unzip();
    let varying = texts.iter().map(Option::is_none).collect();
    ((family, names), varying, texts.into_iter().flatten().collect())
}

/// `true` if all labels that vary in neither have equal texts.
fn may_be_alike(
    (varying, fixed): (&[bool], &[String]),
    (other_varying, other): (&[bool], &[String]),
) -> bool {
    let (mut fixed, mut other) = (fixed.iter(), other.iter());
    varying.iter().zip(other_varying).all(|(varies, other_varies)| {
        let text = if *varies { None } else { fixed.next() };
        let other_text = if *other_varies { None } else { other.next() };
        text.is_none() || other_text.is_none() || text == other_text
    })
}
