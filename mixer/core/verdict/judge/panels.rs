//! The verdict on the queries of a dashboard.

use super::{Judge, Outcome};
use crate::error::suggestion;
use crate::plural::plural;
use crate::verdict::dashboard::{DashboardPart, PartKind, PartProblem};

impl Judge<'_> {
    /// Judges a dashboard. Returns the query to look at; empty if there is none.
    pub(super) fn panels(&mut self, dashboard: &str, may_be_empty: &[String]) -> String {
        let parts = match self.seen.dashboards.get(dashboard) {
            Some(Ok(parts)) => parts,
            Some(Err(why)) => {
                self.findings.add(Outcome::Undecided, None, why.clone());
                return String::new();
            }
            None => {
                self.findings.add(Outcome::Undecided, None, "the dashboard was not asked for".to_owned());
                return String::new();
            }
        };
        self.unknown_titles(parts, may_be_empty);
        let mut worst: Option<&PartProblem> = None;
        for part in parts {
            let may_be_empty = may_be_empty.contains(&part.name);
            for problem in part.problems.iter().filter(|problem| !(may_be_empty && problem.is_of_data)) {
                let query = if problem.query.is_empty() { "" } else { ": " };
                let text =
                    format!("{} {:?}: {}{query}{}", part.kind.name(), part.name, problem.text, problem.query);
                self.findings.add(problem.outcome, None, text);
                if worst.is_none_or(|worst| worst.outcome < problem.outcome) {
                    worst = Some(problem);
                }
            }
        }
        let queries = plural(parts.iter().map(|part| part.queries).sum(), "query", "queries");
        let panels = parts.iter().filter(|part| part.kind == PartKind::Panel).count();
        let panels = plural(panels, "panel", "panels");
        let left_out: usize = parts.iter().map(|part| part.values_left_out).sum();
        let left_out = match left_out {
            0 => String::new(),
            _ => {
                format!("; {} were not tried", plural(left_out, "value of a variable", "values of variables"))
            }
        };
        self.findings.add(Outcome::Passed, None, format!("{panels}, {queries}{left_out}"));
        worst.map(|problem| problem.query.clone()).unwrap_or_default()
    }

    /// A finding for each title of `may_be_empty` that the dashboard does not have.
    fn unknown_titles(&mut self, parts: &[DashboardPart], may_be_empty: &[String]) {
        let known: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        for title in may_be_empty.iter().filter(|title| !known.contains(&title.as_str())) {
            let hint = suggestion(title, &known);
            let text = format!("may_be_empty names {title:?}, which the dashboard does not have{hint}");
            self.findings.add(Outcome::Failed, None, text);
        }
    }
}
