//! The selectors of a query, and the names in it that the data do not have.

use std::convert::Infallible;

use promemu_core::error::nearest;
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorMatchCardinality, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::data::{Answer, Data};

/// Label of the name of a series.
const NAME: &str = "__name__";
/// Series that Prometheus itself makes, which are not among the samples of a run.
const OF_PROMETHEUS: [&str; 2] = [ALERTS, "ALERTS_FOR_STATE"];
/// Series of alerts that are pending or fire.
const ALERTS: &str = "ALERTS";
/// Begin of the names of those that it makes of each scrape.
const OF_SCRAPES: &str = "scrape_";
/// Functions that make labels.
const LABEL_MAKERS: [&str; 3] = ["label_replace", "label_join", "info"];

/// The parts of a query that name series and labels.
#[derive(Clone, Debug, Default)]
pub(in crate::test) struct Selectors {
    /// The selectors; with the text of a range where there is one.
    pub(in crate::test) all: Vec<(VectorSelector, Option<String>)>,
    /// Labels to group or to match by.
    pub(in crate::test) groupings: Vec<String>,
    /// `true` if it makes labels.
    pub(in crate::test) makes_labels: bool,
    /// `true` if it leaves elements out by their value, or by other series.
    pub(super) filters: bool,
}

/// A name that is not in the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It can be nowhere else.
    Certain(String),
    /// It may be in a Prometheus that evaluates rules and scrapes.
    MadeByPrometheus(String),
}

impl Selectors {
    pub(in crate::test) fn of(query: &Expr) -> Self {
        let mut selectors = Self::default();
        match walk_expr(&mut selectors, query) {
            Ok(_) => selectors,
        }
    }

    /// The names of metrics and labels that the data do not have.
    pub(super) fn unknown(&self, data: &Data<'_>) -> Answer<Vec<Unknown>> {
        let mut found = Vec::new();
        for (selector, _) in &self.all {
            match name_of(selector) {
                Some(name) => found.extend(unknown_of(&name, selector, data)?),
                None => found.extend(unknown_labels("series", &labels_of(selector), None, data)?),
            }
        }
        if !self.makes_labels && found.is_empty() {
            let unknown = self.groupings.iter().filter_map(|label| unknown_label(label, None, data));
            found.extend(unknown.map(Unknown::Certain));
        }
        found.dedup();
        Ok(found)
    }

    /// The first of them, in words.
    pub(super) fn first_unknown(&self, data: &Data<'_>) -> Option<String> {
        let first = self.unknown(data).ok()?.into_iter().next()?;
        match first {
            Unknown::Certain(text) | Unknown::MadeByPrometheus(text) => Some(text),
        }
    }

    /// Queries that have data where each selector has as many samples as it needs.
    pub(super) fn presences(&self) -> impl Iterator<Item = String> {
        self.all.iter().map(|(selector, range)| match range {
            // A rate needs two samples.
            Some(range) => format!("count_over_time({range}) > 1"),
            None => selector.to_string(),
        })
    }
}

impl ExprVisitor for Selectors {
    type Error = Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Infallible> {
        match expr {
            Expr::VectorSelector(selector) => self.all.push((selector.clone(), None)),
            Expr::MatrixSelector(matrix) => self.all.push((matrix.vs.clone(), Some(matrix.to_string()))),
            Expr::Aggregate(aggregate) => {
                let labels = aggregate.modifier.iter().flat_map(|modifier| modifier.labels().labels.clone());
                self.groupings.extend(labels);
                self.makes_labels |= aggregate.op.to_string() == "count_values";
            }
            Expr::Binary(binary) => {
                let is_bool = binary.modifier.as_ref().is_some_and(|modifier| modifier.return_bool);
                self.filters |=
                    (binary.op.is_comparison_operator() && !is_bool) || binary.op.is_set_operator();
                if let Some(modifier) = &binary.modifier {
                    let matching =
                        modifier.matching.iter().flat_map(|matching| matching.labels().labels.clone());
                    self.groupings.extend(matching);
                    if let VectorMatchCardinality::ManyToOne(labels)
                    | VectorMatchCardinality::OneToMany(labels) = &modifier.card
                    {
                        self.groupings.extend(labels.labels.clone());
                    }
                }
            }
            Expr::Call(call) => {
                self.makes_labels |= LABEL_MAKERS.contains(&call.func.name);
                // There is nothing to find for them.
                self.filters |= call.func.name.starts_with("absent");
            }
            _ => {}
        }
        Ok(true)
    }
}

/// The metric of a selector, if it is one.
pub(in crate::test) fn name_of(selector: &VectorSelector) -> Option<String> {
    let by_label = || {
        let matchers = &selector.matchers.matchers;
        let equal = matchers.iter().find(|matcher| matcher.name == NAME && matcher.op == MatchOp::Equal);
        equal.map(|matcher| matcher.value.clone())
    };
    selector.name.clone().or_else(by_label)
}

/// Labels that a selector needs: without them it matches nothing.
pub(in crate::test) fn labels_of(selector: &VectorSelector) -> Vec<&str> {
    let needs = |matcher: &&Matcher| matcher.name != NAME && !matcher.is_match("");
    selector.matchers.matchers.iter().filter(needs).map(|matcher| matcher.name.as_str()).collect()
}

fn unknown_of(name: &str, selector: &VectorSelector, data: &Data<'_>) -> Answer<Vec<Unknown>> {
    if let Some(why) = data.lost(name) {
        return Ok(vec![Unknown::MadeByPrometheus(format!("rules did not make {name}: {why}"))]);
    }
    let known = data.label_values(NAME, None)?;
    if known.iter().any(|metric| metric == name) {
        return unknown_labels(name, &labels_of(selector), Some(name), data);
    }
    // Alerts that were never on have no series.
    if name == ALERTS && data.has_alerts {
        return Ok(Vec::new());
    }
    if OF_PROMETHEUS.contains(&name) || name.starts_with(OF_SCRAPES) {
        let text = format!("{name} is made by Prometheus itself, and not among the samples of a run");
        return Ok(vec![Unknown::MadeByPrometheus(text)]);
    }
    Ok(vec![Unknown::Certain(format!("unknown metric {name:?}{}", hint(name, &known)))])
}

fn unknown_labels(
    what: &str,
    labels: &[&str],
    selector: Option<&str>,
    data: &Data<'_>,
) -> Answer<Vec<Unknown>> {
    if labels.is_empty() {
        return Ok(Vec::new());
    }
    let selector = selector.map(|name| format!("{{{NAME}={name:?}}}"));
    let known = data.label_names(selector.as_deref())?;
    let unknown = labels.iter().filter(|label| !known.iter().any(|known| known == *label));
    let text = |label: &&str| {
        let hint = hint(label, &known);
        Unknown::Certain(format!("{what} has no label {label:?}{hint}"))
    };
    Ok(unknown.map(text).collect())
}

/// The lack of a label of these series, or of all, in words; `None` if there is one.
pub(super) fn unknown_label(label: &str, selector: Option<&str>, data: &Data<'_>) -> Option<String> {
    let known = data.label_names(selector).ok()?;
    let series =
        selector.map_or_else(|| "no series".to_owned(), |selector| format!("no series of {selector}"));
    (!known.iter().any(|known| known == label))
        .then(|| format!("{series} has the label {label:?}{}", hint(label, &known)))
}

fn hint(name: &str, known: &[String]) -> String {
    nearest(name, known).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use promql_parser::parser::parse;

    use super::*;

    fn selectors(query: &str) -> Selectors {
        Selectors::of(&parse(query).unwrap())
    }

    #[test]
    fn selectors_are_found_everywhere_in_a_query() {
        let found = selectors(
            "sum by (zone) (rate(a_total{x=\"1\"}[5m])) / on (zone) group_left (team) max_over_time(sum(b)[1h:1m]) + {__name__=\"c\"}",
        );
        let names: Vec<_> = found.all.iter().map(|(selector, _)| name_of(selector).unwrap()).collect();
        assert_eq!(names, ["a_total", "b", "c"]);
        assert_eq!(found.groupings, ["zone", "team", "zone"]);
        let presences: Vec<String> = found.presences().collect();
        assert_eq!(presences[..2], ["count_over_time(a_total{x=\"1\"}[5m]) > 1".to_owned(), "b".to_owned()]);
        assert!(!found.filters);
        for query in ["a > 1", "a and b", "absent(a)", "sum(a unless b)"] {
            assert!(selectors(query).filters, "{query}");
        }
        assert!(!selectors("a > bool 1").filters);
    }

    #[test]
    fn only_matchers_that_refuse_a_missing_label_need_it() {
        let needed = |query: &str| {
            let found = selectors(query);
            labels_of(&found.all[0].0).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(needed(r#"m{a="1",b="",c=~".*",d=~".+",e!="x",f!="",g!~"y"}"#), ["a", "d", "f"]);
    }
}
