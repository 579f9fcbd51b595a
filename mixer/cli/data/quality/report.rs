//! The report on a recording: tables for people, a page, and an object for programs.

use promemu_core::plural::plural;
use promemu_core::time::Time;
use promemu_learn::{Measure, Problem, QualityReport};
use serde_json::{Value, json};

use crate::html_escape::escaped;
use crate::report_page::{END, head, section};
use crate::table::{self, prose, table, whole};

/// Number of problems that a table has.
const PROBLEMS_MAX: usize = 40;
/// Number of drifting metrics that a table has.
const DRIFT_MAX: usize = 10;
/// Metrics that drift less have no row in a table.
const DRIFT_MIN: f64 = 0.1;

/// A report with the name of the recording.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) name: String,
    pub(super) found: QualityReport,
    /// The limits that it does not keep, in sentences.
    pub(super) exceeded: Vec<String>,
}

impl Report {
    fn heading(&self) -> String {
        let (begin, end) = self.found.range_ms;
        let series = plural(self.found.series, "series", "series");
        let samples = self.found.samples;
        format!("{}: {series}, {samples} samples, {} to {}", self.name, time(begin), time(end))
    }

    fn measures(&self) -> Vec<[String; 4]> {
        let row = |measure: &Measure| {
            let problems = self.found.problems.iter().filter(|problem| problem.measure == measure.name);
            [
                measure.name.to_owned(),
                format!("{:.4}", measure.share()),
                format!("{} of {} {}", measure.good, measure.of, measure.unit),
                problems.count().to_string(),
            ]
        };
        self.found.measures.iter().map(row).collect()
    }

    fn problems(&self, max: usize) -> Vec<[String; 3]> {
        let row = |problem: &Problem| {
            let at = problem.at_ms.map(|at| format!(" at {}", time(at))).unwrap_or_default();
            [problem.measure.to_owned(), problem.of.clone(), format!("{}{at}", problem.what)]
        };
        self.found.problems.iter().take(max).map(row).collect()
    }

    fn rules(&self) -> Vec<[String; 4]> {
        let row = |rule: &promemu_learn::RuleOutcome| {
            let broken = rule.violations.len().to_string();
            [rule.rule.to_owned(), rule.checked.to_string(), broken, rule.tolerance.to_owned()]
        };
        self.found.rules.iter().map(row).collect()
    }

    fn drift(&self, max: usize, min: f64) -> Vec<[String; 2]> {
        let drift = self.found.drift.iter().filter(|drift| drift.psi >= min).take(max);
        drift.map(|drift| [drift.metric.clone(), format!("{:.3}", drift.psi)]).collect()
    }

    /// Tables for people.
    pub(super) fn text(&self) -> String {
        let width = table::width();
        let mut text = table::paragraph(&self.heading(), 0, width);
        text.push('\n');
        let columns = [whole("MEASURE"), whole("SHARE"), prose("GOOD"), whole("PROBLEMS")];
        text.push_str(&table(columns, self.measures(), 0, width));
        let mut put = |rows: String| {
            text.push('\n');
            text.push_str(&rows);
        };
        let drift = self.drift(DRIFT_MAX, DRIFT_MIN);
        if !drift.is_empty() {
            put(table([prose("DRIFT OF"), whole("PSI")], drift, 0, width));
        }
        let problems = self.problems(PROBLEMS_MAX);
        if !problems.is_empty() {
            put(table([whole("OF"), prose("NAME"), prose("PROBLEM")], problems, 0, width));
        }
        if let Some(more) = self.found.problems.len().checked_sub(PROBLEMS_MAX).filter(|more| *more > 0) {
            put(table::paragraph(&format!("and {more} more; --json lists all"), 0, width));
        }
        for sentence in &self.exceeded {
            put(table::paragraph(&format!("over budget: {sentence}"), 0, width));
        }
        text
    }

    /// A page.
    pub(super) fn html(&self) -> String {
        let mut page = head(&format!("{}: quality", escaped(&self.name)));
        page.extend(["<h1>", &escaped(&self.heading()), "</h1>\n"]);
        for sentence in &self.exceeded {
            page.extend(["<p class=\"failed\">over budget: ", &escaped(sentence), "</p>\n"]);
        }
        page.push_str(&section("Measures", ["measure", "share", "good", "problems"], &self.measures()));
        page.push_str(&section("Problems", ["of", "name", "problem"], &self.problems(usize::MAX)));
        page.push_str(&section("Rules", ["rule", "checked", "broken", "tolerance"], &self.rules()));
        page.push_str(&section("Drift", ["metric", "PSI"], &self.drift(usize::MAX, 0.0)));
        page.push_str(END);
        page
    }

    /// The report as one object.
    pub(super) fn json(&self) -> String {
        let measure = |measure: &Measure| {
            let Measure { name, good, of, unit } = measure;
            json!({ "name": name, "share": measure.share(), "good": good, "of": of, "unit": unit })
        };
        let problem = |problem: &Problem| {
            let Problem { measure, of, at_ms, what } = problem;
            json!({ "measure": measure, "of": of, "at": at_ms.map(time), "what": what })
        };
        let drift = self.found.drift.iter();
        let drift: Vec<Value> =
            drift.map(|drift| json!({ "metric": drift.metric, "psi": drift.psi })).collect();
        let report = json!({
            "recording": self.name,
            "from": time(self.found.range_ms.0),
            "to": time(self.found.range_ms.1),
            "series": self.found.series,
            "samples": self.found.samples,
            "measures": self.found.measures.iter().map(measure).collect::<Vec<_>>(),
            "problems": self.found.problems.iter().map(problem).collect::<Vec<_>>(),
            "rules": self.found.rules.iter().map(crate::rule_json::rule).collect::<Vec<_>>(),
            "drift": drift,
            "over_budget": self.exceeded,
        });
        format!("{report:#}\n")
    }
}

fn time(millis: i64) -> String {
    Time::from_unix_millis(millis).rfc3339()
}
