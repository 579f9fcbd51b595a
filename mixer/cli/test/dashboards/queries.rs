//! The queries of a part of a dashboard: with all values of each variable, and with each one.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indexmap::IndexSet;
use promemu_core::backfill::Grid;
use promemu_core::time::Span;
use promemu_core::verdict::{DashboardPart, Outcome, PartKind, PartProblem};
use promemu_wire::grafana_dashboard::GrafanaQuery;
use promql_parser::parser::Expr;
use promql_parser::parser::value::ValueType;

use super::choices::{Choices, Pins, Resolved};
use super::data::{Answer, Data};
use super::interpolation::{Filled, TimeRange, fill_in, shortest_step};
use super::selectors::{Selectors, Unknown};
use super::units;
use crate::test::promql::parse;

/// Maximum number of values of one variable that a query is asked with one by one.
const VALUES_MAX: usize = 20;

/// Asks for queries of a dashboard.
#[derive(Debug)]
pub(super) struct Queries<'a> {
    data: &'a Data<'a>,
    choices: &'a Choices<'a>,
    scrapes: Grid,
    /// The selections so far, by their pins.
    resolved: RefCell<BTreeMap<Vec<(String, String)>, Resolved>>,
}

/// A query with one selection.
struct Asked {
    /// The pinned variable and its value; `None` of the defaults.
    pin: Option<(String, String)>,
    text: String,
    expr: Option<Expr>,
    answer: Answer<bool>,
}

/// The part so far.
struct Findings {
    queries: IndexSet<String>,
    values_left_out: usize,
    problems: Vec<PartProblem>,
}

impl<'a> Queries<'a> {
    pub(super) fn new(data: &'a Data<'a>, choices: &'a Choices<'a>, scrapes: &Grid) -> Self {
        Self { data, choices, scrapes: *scrapes, resolved: RefCell::default() }
    }

    /// Asks for all queries of a part.
    pub(super) fn part(
        &self,
        kind: PartKind,
        name: &str,
        queries: &[GrafanaQuery],
        repeated_by: &[String],
        unit: Option<&str>,
    ) -> DashboardPart {
        let mut found = Findings { queries: IndexSet::new(), values_left_out: 0, problems: Vec::new() };
        for query in queries {
            self.query(query, repeated_by, unit, &mut found);
        }
        let Findings { queries, values_left_out, problems } = found;
        DashboardPart { kind, name: name.to_owned(), queries: queries.len(), values_left_out, problems }
    }

    fn query(&self, query: &GrafanaQuery, repeated_by: &[String], unit: Option<&str>, found: &mut Findings) {
        let range = TimeRange::new(&self.scrapes, self.min_step(query));
        let base = self.base(repeated_by);
        let Filled { unknown, .. } = fill_in(&query.expr, &self.resolve(&base).selection, &range);
        if let Some(name) = unknown.first() {
            let text = format!("the dashboard has no variable ${name}");
            found.add(Outcome::Failed, false, text, &query.expr);
            return;
        }
        let default = self.ask(query, &base, None, &range);
        found.queries.insert(default.text.clone());
        if let Some(expr) = &default.expr {
            if let Some(conflict) = unit.and_then(|unit| units::conflict(unit, expr)) {
                found.add(Outcome::Failed, false, conflict, &default.text);
            }
            if self.has_unknown_names(expr, &default.text, found) {
                return;
            }
        }
        if let Err(why) = &default.answer {
            found.add(Outcome::Undecided, false, why.clone(), &default.text);
            return;
        }
        let mut each = vec![default];
        for variable in self.choices.used_by(&query.expr) {
            let options = self.resolve(&base).options.get(&variable.name).cloned();
            let options = options.and_then(Result::ok).unwrap_or_default();
            if options.len() < 2 && variable.has_all {
                continue;
            }
            found.values_left_out += options.len().saturating_sub(VALUES_MAX);
            for value in options.into_iter().take(VALUES_MAX) {
                let asked = self.ask(query, &base, Some((variable.name.clone(), value)), &range);
                if found.queries.insert(asked.text.clone()) {
                    each.push(asked);
                }
            }
        }
        self.judge(&each, found);
    }

    /// Adds a problem if a query has no data, or none for a value of which its metrics have series.
    fn judge(&self, each: &[Asked], found: &mut Findings) {
        let has_any = each.iter().any(|asked| asked.answer == Ok(true));
        if !has_any {
            if let Some(asked) = each.first() {
                found.add(Outcome::Failed, true, "no data".to_owned(), &asked.text);
            }
            return;
        }
        let (mut silent, mut refused) = (Vec::new(), None);
        for asked in each {
            match &asked.answer {
                Ok(has_data) if !has_data && self.should_have_data(asked) => silent.push(asked),
                Ok(_) => {}
                Err(why) => refused = refused.or(Some((why, asked))),
            }
        }
        if let Some(first) = silent.first() {
            let which = first.pin.as_ref().map_or_else(
                || " with all values".to_owned(),
                |(name, value)| format!(" with {name} = {value:?}, though there are series"),
            );
            let more = match silent.len() - 1 {
                0 => String::new(),
                more => format!(" (and with {more} more)"),
            };
            found.add(Outcome::Failed, true, format!("no data{which}{more}"), &first.text);
        }
        if let Some((why, asked)) = refused {
            found.add(Outcome::Undecided, false, why.clone(), &asked.text);
        }
    }

    /// `true` if each selector of a query has samples, and the query does not choose among them.
    fn should_have_data(&self, asked: &Asked) -> bool {
        let Some(selectors) = asked.expr.as_ref().map(Selectors::of) else { return false };
        let mut presences = selectors.presences();
        !selectors.filters && presences.all(|presence| self.data.is_present(&presence, true) == Ok(true))
    }

    /// Adds a problem for each metric and label that the data do not have; `true` if there is one.
    fn has_unknown_names(&self, expr: &Expr, text: &str, found: &mut Findings) -> bool {
        let unknown = match Selectors::of(expr).unknown(self.data) {
            Ok(unknown) => unknown,
            Err(why) => {
                found.add(Outcome::Undecided, true, why, text);
                return true;
            }
        };
        for name in &unknown {
            match name {
                Unknown::Certain(what) => found.add(Outcome::Failed, true, what.clone(), text),
                Unknown::MadeByPrometheus(what) => found.add(Outcome::Undecided, true, what.clone(), text),
            }
        }
        !unknown.is_empty()
    }

    /// Asks for a query with these pins, and one more.
    fn ask(
        &self,
        query: &GrafanaQuery,
        base: &Pins,
        pin: Option<(String, String)>,
        range: &TimeRange,
    ) -> Asked {
        let mut pins = base.clone();
        pins.extend(pin.clone());
        let text = fill_in(&query.expr, &self.resolve(&pins).selection, range).text;
        let expr = parse(&text).ok();
        let is_vector = expr.as_ref().is_some_and(|expr| expr.value_type() == ValueType::Vector);
        let answer = self.data.is_present(&text, is_vector);
        Asked { pin, text, expr, answer }
    }

    /// The pins of a repeated part: the first value of each variable that it is repeated by.
    fn base(&self, repeated_by: &[String]) -> Pins {
        let mut pins = Pins::new();
        for name in repeated_by {
            let options = self.resolve(&pins).options.get(name).cloned();
            let first = options.and_then(Result::ok).and_then(|values| values.into_iter().next());
            pins.extend(first.map(|value| (name.clone(), value)));
        }
        pins
    }

    fn resolve(&self, pins: &Pins) -> Resolved {
        let key: Vec<(String, String)> =
            pins.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut known = self.resolved.borrow_mut();
        known.entry(key).or_insert_with(|| self.choices.resolve(pins)).clone()
    }

    /// The shortest step that a query sets, as in `>30s`.
    fn min_step(&self, query: &GrafanaQuery) -> Option<Span> {
        query.min_step.as_ref()?;
        let selection = self.resolve(&Pins::new()).selection;
        shortest_step(query.min_step.as_deref(), &selection, &self.scrapes)
    }
}

impl Findings {
    fn add(&mut self, outcome: Outcome, is_of_data: bool, text: String, query: &str) {
        self.problems.push(PartProblem { outcome, is_of_data, text, query: query.to_owned() });
    }
}
