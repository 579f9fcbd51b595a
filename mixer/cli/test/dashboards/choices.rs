//! The values that the variables of a dashboard can have, asked of the data.

use indexmap::IndexMap;
use promemu_wire::grafana_dashboard::{GrafanaDashboard, GrafanaVariable, VariableKind};
use regex_lite::Regex;

use super::data::{Answer, Data};
use super::interpolation::{Filled, Selected, Selection, TimeRange, fill_in, variables_in};
use super::selectors::{Selectors, unknown_label};
use crate::test::promql::parse;

/// Values that are selected in place of the defaults, by variable.
pub(super) type Pins = IndexMap<String, String>;

/// The variables of a dashboard, each behind those that its question needs.
#[derive(Debug)]
pub(super) struct Choices<'a> {
    data: &'a Data<'a>,
    range: TimeRange,
    variables: Vec<&'a GrafanaVariable>,
}

/// The selection for some pins, and all values of each variable in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved {
    pub(super) selection: Selection,
    pub(super) options: IndexMap<String, Answer<Vec<String>>>,
}

impl<'a> Choices<'a> {
    pub(super) fn new(dashboard: &'a GrafanaDashboard, data: &'a Data<'a>, range: TimeRange) -> Self {
        let mut left: Vec<&GrafanaVariable> = dashboard.variables.iter().collect();
        let mut variables: Vec<&GrafanaVariable> = Vec::new();
        while !left.is_empty() {
            let needs = |variable: &GrafanaVariable| {
                let needed = variables_in(question(variable));
                left.iter().any(|other| other.name != variable.name && needed.contains(&other.name))
            };
            // Variables that need each other stay in their order.
            let next = left.iter().position(|variable| !needs(variable)).unwrap_or(0);
            variables.push(left.remove(next));
        }
        Self { data, range, variables }
    }

    /// The variables whose value a text depends on, also by way of other variables.
    pub(super) fn used_by(&self, text: &str) -> Vec<&'a GrafanaVariable> {
        let mut names = variables_in(text);
        let mut used = Vec::new();
        for variable in self.variables.iter().rev().filter(|variable| {
            let is_used = names.contains(&variable.name);
            if is_used {
                names.extend(variables_in(question(variable)));
            }
            is_used
        }) {
            used.insert(0, *variable);
        }
        used
    }

    /// The selection in which these variables have these values, and the others all values, or the first one.
    pub(super) fn resolve(&self, pins: &Pins) -> Resolved {
        let mut resolved = Resolved::default();
        for variable in &self.variables {
            let options = self.options(variable, &resolved.selection);
            let values = options.clone().unwrap_or_default();
            let pinned = pins.get(&variable.name);
            let is_all = pinned.is_none() && variable.has_all;
            let values = match pinned {
                Some(value) => vec![value.clone()],
                None if is_all => values,
                None => values.into_iter().take(1).collect(),
            };
            let selected = Selected {
                values,
                all_value: variable.all_value.clone().filter(|_| is_all),
                is_pattern: variable.is_multi || variable.has_all,
            };
            resolved.selection.insert(variable.name.clone(), selected);
            resolved.options.insert(variable.name.clone(), options);
        }
        resolved
    }

    /// The values of a variable, in the order of the answer, without repetitions.
    fn options(&self, variable: &GrafanaVariable, selection: &Selection) -> Answer<Vec<String>> {
        let mut values = match &variable.kind {
            VariableKind::Values(values) => values.clone(),
            VariableKind::Free(value) => return Ok(vec![value.clone()]),
            VariableKind::Query(query) => {
                let Filled { text, unknown } = fill_in(query, selection, &self.range);
                if let Some(name) = unknown.first() {
                    return Err(format!("{query} has a variable ${name}, which the dashboard does not have"));
                }
                self.ask(&text)?
            }
        };
        if !variable.regex.is_empty() {
            let filter = fill_in(&variable.regex, selection, &self.range).text;
            values = filtered(values, &filter)?;
        }
        let mut seen = indexmap::IndexSet::new();
        seen.extend(values.into_iter().filter(|value| !value.is_empty()));
        Ok(seen.into_iter().collect())
    }

    /// The reason why a variable has no values: names that the data do not have. Empty if it is not known.
    pub(super) fn why_none(&self, variable: &GrafanaVariable, resolved: &Resolved) -> String {
        let text = fill_in(question(variable), &resolved.selection, &self.range).text;
        let (selector, label) = match arguments("label_values", &text).map(label_values) {
            Some((selector, label)) => (selector, Some(label)),
            None => (arguments("query_result", &text).or(Some(text.as_str())), None),
        };
        let of_selector =
            selector.and_then(|query| Selectors::of(&parse(query).ok()?).first_unknown(self.data));
        let why = of_selector.or_else(|| unknown_label(label?, selector, self.data));
        let why = why.map(|why| format!("; {why}")).unwrap_or_default();
        format!("{why}: {text}")
    }

    /// The answer to the question of a variable.
    fn ask(&self, question: &str) -> Answer<Vec<String>> {
        let question = question.trim();
        if let Some((selector, label)) = arguments("label_values", question).map(label_values) {
            return self.data.label_values(label, selector);
        }
        if let Some(query) = arguments("query_result", question) {
            return self.data.query_result(query);
        }
        if let Some(pattern) = arguments("metrics", question) {
            let names = self.data.label_values("__name__", None)?;
            let pattern = regex(pattern)?;
            return Ok(names.into_iter().filter(|name| pattern.is_match(name)).collect());
        }
        if arguments("label_names", question).is_some() {
            return self.data.label_names(None);
        }
        self.data.query_result(question)
    }
}

/// The text of a variable in which there can be others.
fn question(variable: &GrafanaVariable) -> &str {
    match &variable.kind {
        VariableKind::Query(query) => query,
        _ => "",
    }
}

/// The arguments of a function in the question of a variable.
fn arguments<'t>(function: &str, question: &'t str) -> Option<&'t str> {
    let rest = question.trim().strip_prefix(function)?.trim_start();
    rest.strip_prefix('(')?.strip_suffix(')').map(str::trim)
}

/// The selector, if there is one, and the label of `label_values`.
fn label_values(arguments: &str) -> (Option<&str>, &str) {
    match arguments.rsplit_once(',') {
        Some((selector, label)) if !label.contains(['}', '"']) => (Some(selector.trim()), label.trim()),
        _ => (None, arguments),
    }
}

/// The values that a regular expression matches; if it has groups, the part that is named `value`, or the first one.
fn filtered(values: Vec<String>, filter: &str) -> Answer<Vec<String>> {
    let inside = filter.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let pattern = match inside {
        Some((inside, flags)) if flags.contains('i') => regex(&format!("(?i){inside}"))?,
        Some((inside, _)) => regex(inside)?,
        None => regex(filter)?,
    };
    let part = |value: String| {
        let found = pattern.captures(&value)?;
        let group = found.name("value").or_else(|| found.name("text")).or_else(|| found.get(1));
        Some(group.map_or_else(|| value.clone(), |group| group.as_str().to_owned()))
    };
    Ok(values.into_iter().filter_map(part).collect())
}

fn regex(pattern: &str) -> Answer<Regex> {
    Regex::new(pattern)
        .map_err(|error| format!("the regular expression {pattern} is not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_expression_selects_values_or_their_parts() {
        let filtered = |filter: &str| {
            let values =
                [r#"up{host="web-1"} 1 1700000000000"#, r#"up{host="db-1"} 0 1700000000000"#, "other"];
            filtered(values.map(str::to_owned).into(), filter)
        };
        assert_eq!(filtered(r#"/host="([^"]+)"/"#).unwrap(), ["web-1", "db-1"]);
        assert_eq!(filtered(r#"/host="(?<text>(?<value>[a-z]+)-.*?)"/"#).unwrap(), ["web", "db"]);
        assert_eq!(filtered("OTHER").unwrap(), [""; 0]);
        assert_eq!(filtered("/OTHER/i").unwrap(), ["other"]);
        assert!(filtered("/(?!x)/").unwrap_err().contains("is not understood"));
    }
}
