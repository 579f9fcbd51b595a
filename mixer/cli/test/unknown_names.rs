//! Names of metrics and labels in rules that a run does not have, and those of the run that are meant.
//!
//! A name that is like none of the run may be of another target, and is left alone.

use std::sync::Arc;

use indexmap::IndexSet;
use promemu_core::error::nearest;
use promemu_core::plan::{HostPlan, HostShape, Plan, Verdict};
use promemu_core::series::LabelBlock;
use promemu_core::verdict::{Judgement, Observation, Outcome};
use promemu_wire::rule_file::{Rule, RuleKind};
use tracing::warn;

use super::dashboards::selectors::{Selectors, labels_of, name_of};
use super::promql::parse;
use super::subject::Subject;

/// Labels that a scrape or a push adds.
const OF_TARGETS: [&str; 2] = ["instance", "job"];
/// Endings of the names of a family's series.
const ENDINGS: [&str; 5] = ["_total", "_bucket", "_sum", "_count", "_created"];
/// Labels of the series of histograms and summaries.
const OF_BUCKETS: [&str; 2] = ["le", "quantile"];

/// Warns of names in the rules of a run in virtual time. Where an alert did not fire, its expression is what to look at, and the
/// names in it are among the findings.
pub(super) fn explain(subject: &Subject, seen: &Observation, judgements: &mut [Judgement]) {
    let known = known_names(subject, seen);
    let is_live = subject.twin.is_none() && subject.run.backfill().is_err();
    for rule in subject.rules.all().filter(|_| !is_live) {
        for unknown in unknown_in(&rule.expr, &known, &subject.run.plan) {
            warn!(rule = %rule.name, "{unknown}");
        }
    }
    for (verdict, judgement) in subject.verdicts.iter().zip(judgements) {
        let (Verdict::Fires { alert, .. } | Verdict::Resolves { alert, .. }) = &verdict.verdict else {
            continue;
        };
        if judgement.outcome != Outcome::Failed || !judgement.query.is_empty() {
            continue;
        }
        let Some(rule) = subject.rules.alerts().find(|rule| rule.name == alert.name) else { continue };
        judgement.query.clone_from(&rule.expr);
        judgement.findings.extend(unknown_in(&rule.expr, &known, &subject.run.plan));
    }
}

/// The names of all metrics: of the run, and those that rules record.
fn known_names(subject: &Subject, seen: &Observation) -> IndexSet<String> {
    let of_run = seen.series.iter().flat_map(|series| series.keys().cloned());
    let is_record = |rule: &&Rule| rule.kind == RuleKind::Record;
    let recorded = subject.rules.all().filter(is_record).map(|rule| rule.name.clone());
    of_run.chain(recorded).collect()
}

/// The unknown names in an expression that are like known ones, in words.
fn unknown_in(expression: &str, known: &IndexSet<String>, plan: &Plan) -> Vec<String> {
    let Ok(parsed) = parse(expression) else { return Vec::new() };
    let (selectors, mut found) = (Selectors::of(&parsed), IndexSet::new());
    let mut labels: Option<IndexSet<String>> = Some(IndexSet::new());
    for (selector, _) in &selectors.all {
        let Some(name) = name_of(selector) else {
            labels = None;
            continue;
        };
        if !known.contains(&name) && family_of(plan, &name).is_none() {
            found.extend(meant(&name, known).map(|meant| format!("unknown metric {name:?}{meant}")));
            labels = None;
            continue;
        }
        let of_metric = label_names(plan, &name);
        if let Some(of_metric) = &of_metric {
            found.extend(labels_of(selector).into_iter().filter_map(|label| {
                Some(format!("{name} has no label {label:?}{}", meant(label, of_metric)?))
            }));
        }
        labels = labels.zip(of_metric).map(|(mut all, own)| {
            all.extend(own);
            all
        });
    }
    if let Some(labels) = labels.filter(|_| !selectors.makes_labels) {
        let unknown = selectors.groupings.iter();
        found.extend(unknown.filter_map(|label| {
            Some(format!("no series in it has the label {label:?}{}", meant(label, &labels)?))
        }));
    }
    found.into_iter().collect()
}

/// The question for the one of these that is meant by a name that is not among them; `None` if there is none.
fn meant(name: &str, known: &IndexSet<String>) -> Option<String> {
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let meant = nearest(name, &names).filter(|_| !known.contains(name))?;
    Some(format!("; did you mean {meant:?}?"))
}

/// The index of the family that has series of this name.
fn family_of(plan: &Plan, name: &str) -> Option<usize> {
    let of = |name: &str| plan.families.iter().position(|family| *family.name == *name);
    of(name).or_else(|| ENDINGS.iter().find_map(|ending| of(name.strip_suffix(ending)?)))
}

/// The names of the labels that series of this name may have; `None` if they are not all known.
fn label_names(plan: &Plan, name: &str) -> Option<IndexSet<String>> {
    let family = family_of(plan, name)?;
    let mut names: IndexSet<String> =
        OF_TARGETS.iter().chain(&OF_BUCKETS).map(|name| (*name).to_owned()).collect();
    let mut shapes: IndexSet<*const HostShape> = IndexSet::new();
    for host in &plan.hosts {
        if host.shape.all_metrics().any(|metric| metric.family == family) {
            add_names(&host.labels, &mut names);
            if shapes.insert(Arc::as_ptr(&host.shape)) {
                names.extend(names_of_shape(host, family)?);
            }
        }
    }
    Some(names)
}

/// The labels that a host's metrics of a family have, without those of the host.
fn names_of_shape(host: &HostPlan, family: usize) -> Option<IndexSet<String>> {
    let mut names = IndexSet::new();
    for metric in host.shape.metrics.iter().filter(|metric| metric.family == family) {
        add_names(&metric.labels, &mut names);
    }
    for pool in &host.shape.pools {
        for metric in pool.shape.metrics.iter().filter(|metric| metric.family == family) {
            // The model of a plugin may give members more labels.
            if pool.model.is_some() {
                return None;
            }
            add_names(&metric.labels, &mut names);
            names.extend(pool.labels.iter().map(|(name, _)| name.clone()));
        }
    }
    Some(names)
}

/// Adds the names of labels that are not there yet.
fn add_names(labels: &LabelBlock, names: &mut IndexSet<String>) {
    for (name, _) in labels.bytes() {
        let name = String::from_utf8_lossy(name);
        if !names.contains(&*name) {
            names.insert(name.into_owned());
        }
    }
}
