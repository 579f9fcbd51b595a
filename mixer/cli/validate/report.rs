//! The report of a validation: tables for people, a page, an object for programs, and test cases for CI.

use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_learn::{HORIZONS, RuleOutcome, SeriesScore, Skill, Validation, Violation};
use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use super::figures::{self, Budget, Found};
use super::promql::{Agreement, AlertAgreement, QueryAgreement};
use crate::html_escape::escaped;
use crate::report_page::{END, head, section};
use crate::table::{self, prose, table, whole};

/// Number of series, and of violations, that a table has.
const SERIES_MAX: usize = 10;
const VIOLATIONS_MAX: usize = 20;
/// The sides whose plausibility is told.
const SIDES: [&str; 2] = ["recording", "config"];

/// A validation with its circumstances.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) config: String,
    pub(super) recording: String,
    pub(super) grid: Grid,
    pub(super) runs: u64,
    pub(super) seed: u64,
    pub(super) found: Validation,
    pub(super) agreement: Agreement,
    /// Budgets that are not kept, in sentences.
    pub(super) exceeded: Vec<String>,
}

impl Report {
    const fn all(&self) -> Found<'_> {
        (&self.found, &self.agreement)
    }

    fn queries(&self) -> Vec<[String; 3]> {
        let shown = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"));
        let row = |of: &QueryAgreement| [shown(of.steps), shown(of.quantiles), of.query.clone()];
        self.agreement.queries.iter().map(row).collect()
    }

    fn alerts(&self) -> Vec<[String; 5]> {
        let row = |of: &AlertAgreement| {
            let f1 = of.f1().map_or_else(|| "-".to_owned(), |f1| format!("{f1:.3}"));
            let [both, config, recording] =
                [of.both, of.config_only, of.recording_only].map(|n| n.to_string());
            [f1, both, config, recording, of.alert.clone()]
        };
        self.agreement.alerts.iter().map(row).collect()
    }

    fn heading(&self) -> String {
        let Grid { from, to, step } = self.grid;
        format!(
            "{} against {}: {} from {} to {}, a sample each {step}; {} runs from seed {}",
            self.config,
            self.recording,
            plural(self.found.series.len(), "series", "series"),
            from.rfc3339(),
            to.rfc3339(),
            self.runs,
            self.seed
        )
    }

    fn figures(&self) -> Vec<[String; 2]> {
        let row = |(name, value): (&str, f64)| [name.to_owned(), format!("{value:.4}")];
        figures::values(self.all()).into_iter().map(row).collect()
    }

    /// The worst series first.
    fn series(&self, max: usize) -> Vec<[String; 4]> {
        let mut series: Vec<&SeriesScore> = self.found.series.iter().collect();
        series.sort_by(|a, b| b.ks.total_cmp(&a.ks).then_with(|| a.series.cmp(&b.series)));
        let of_config = |score: &SeriesScore| {
            let own = score.skills.iter().find(|skill| skill.predictor == "config");
            own.map_or_else(|| "-".to_owned(), |skill| format!("{:.3}", skill.nrmse))
        };
        let row = |score: &&SeriesScore| {
            let figures = [score.ks, score.autocorrelation].map(|figure| format!("{figure:.3}"));
            let [ks, autocorrelation] = figures;
            [ks, autocorrelation, of_config(score), score.series.clone()]
        };
        series.iter().take(max).map(row).collect()
    }

    fn rules(&self) -> Vec<[String; 5]> {
        let row = |side: &str, rule: &RuleOutcome| {
            let counts = [rule.checked.to_string(), rule.violations.len().to_string()];
            let [checked, broken] = counts;
            [rule.rule.to_owned(), side.to_owned(), checked, broken, rule.tolerance.to_owned()]
        };
        let sides = SIDES.into_iter().zip(&self.found.rules);
        sides.flat_map(|(side, rules)| rules.iter().map(move |rule| row(side, rule))).collect()
    }

    fn violations(&self, max: usize) -> Vec<[String; 4]> {
        let row = |side: &str, rule: &RuleOutcome, violation: &Violation| {
            [side.to_owned(), rule.rule.to_owned(), violation.series.clone(), violation.what.clone()]
        };
        let sides = SIDES.into_iter().zip(&self.found.rules);
        let all = sides.flat_map(|(side, rules)| {
            let of_rule = move |rule: &'_ RuleOutcome| -> Vec<[String; 4]> {
                rule.violations.iter().map(|violation| row(side, rule, violation)).collect()
            };
            rules.iter().flat_map(of_rule)
        });
        all.take(max).collect()
    }

    /// Tables for people.
    pub(super) fn text(&self) -> String {
        let width = table::width();
        let mut text = table::paragraph(&self.heading(), 0, width);
        let mut put = |part: String| {
            text.push('\n');
            text.push_str(&part);
        };
        put(table(SKILL_COLUMNS.map(whole), skills(&self.found.skills), 0, width));
        let legend =
            "nRMSE, CRPS: less is better, 1 is a deviation of the training rows; IN 90 %: 0.9 is best";
        put(table::paragraph(legend, 0, width));
        put(table(["FIGURE", "VALUE"].map(whole), self.figures(), 0, width));
        let columns = [whole("KS"), whole("ACF"), whole("nRMSE"), prose("SERIES, THE LEAST ALIKE FIRST")];
        put(table(columns, self.series(SERIES_MAX), 0, width));
        if !self.agreement.queries.is_empty() {
            put(table([whole("STEPS"), whole("QUANTILES"), prose("QUERY")], self.queries(), 0, width));
        }
        if !self.agreement.alerts.is_empty() {
            let columns = ["F1", "BOTH", "CONFIG", "RECORDING", "ALERT"];
            put(table(columns.map(whole), self.alerts(), 0, width));
        }
        let rules = self.rules();
        if !rules.is_empty() {
            let columns = [whole("RULE"), whole("OF"), whole("CHECKED"), whole("BROKEN"), prose("TOLERANCE")];
            put(table(columns, rules, 0, width));
        }
        let violations = self.violations(VIOLATIONS_MAX);
        if !violations.is_empty() {
            let columns = [whole("OF"), whole("RULE"), prose("SERIES"), prose("VIOLATION")];
            put(table(columns, violations, 0, width));
        }
        for note in self.notes() {
            put(table::paragraph(&note, 0, width));
        }
        text
    }

    /// Sentences on what is left out, and on budgets.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(first) = self.found.missing.first() {
            let count = plural(self.found.missing.len(), "recorded series is", "recorded series are");
            notes.push(format!("{count} not in the config, as {first}"));
        }
        if self.found.skipped > 0 {
            let count = plural(self.found.skipped, "series is", "series are");
            notes.push(format!("{count} not compared: too short, buckets, or information"));
        }
        notes.extend(self.exceeded.iter().map(|sentence| format!("over budget: {sentence}")));
        notes
    }

    /// A page.
    pub(super) fn html(&self) -> String {
        let mut page = head(&escaped(&format!("{} against {}", self.config, self.recording)));
        page.extend(["<h1>", &escaped(&self.heading()), "</h1>\n"]);
        for note in self.notes() {
            page.extend(["<p class=\"note\">", &escaped(&note), "</p>\n"]);
        }
        page.push_str(&section("Forecasts", SKILL_COLUMNS, &skills(&self.found.skills)));
        if self.found.folds.len() > 1 {
            for (n, fold) in self.found.folds.iter().enumerate() {
                page.push_str(&section(&format!("Fold {}", n + 1), SKILL_COLUMNS, &skills(fold)));
            }
        }
        page.push_str(&section("Figures", ["figure", "value"], &self.figures()));
        page.push_str(&section("Queries", ["steps", "quantiles", "query"], &self.queries()));
        let columns = ["F1", "both", "config only", "recording only", "alert"];
        page.push_str(&section("Alerts", columns, &self.alerts()));
        page.push_str(&section("Rules", ["rule", "of", "checked", "broken", "tolerance"], &self.rules()));
        let columns = ["of", "rule", "series", "violation"];
        page.push_str(&section("Violations", columns, &self.violations(usize::MAX)));
        page.push_str(&section("Series", ["KS", "ACF", "nRMSE", "series"], &self.series(usize::MAX)));
        page.push_str(END);
        page
    }

    /// The report as one object.
    pub(super) fn json(&self) -> String {
        let found = &self.found;
        let figures: serde_json::Map<String, Value> = figures::values(self.all())
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        let series = |score: &SeriesScore| {
            json!({
                "series": score.series,
                "ks": score.ks,
                "autocorrelation": score.autocorrelation,
                "forecasts": score.skills.iter().map(skill_json).collect::<Vec<_>>(),
            })
        };
        let rules = |rules: &[RuleOutcome]| rules.iter().map(crate::rule_json::rule).collect::<Vec<_>>();
        let of_fold = |fold: &Vec<Skill>| fold.iter().map(skill_json).collect::<Vec<_>>();
        let report = json!({
            "config": self.config,
            "recording": self.recording,
            "from": self.grid.from.rfc3339(),
            "to": self.grid.to.rfc3339(),
            "step_secs": self.grid.step.as_secs_f64(),
            "runs": self.runs,
            "seed": self.seed,
            "figures": figures,
            "forecasts": of_fold(&found.skills),
            "folds": found.folds.iter().map(of_fold).collect::<Vec<_>>(),
            "rules": { "recording": rules(&found.rules[0]), "config": rules(&found.rules[1]) },
            "series": found.series.iter().map(series).collect::<Vec<_>>(),
            "queries": self.agreement.queries.iter().map(query_json).collect::<Vec<_>>(),
            "alerts": self.agreement.alerts.iter().map(alert_json).collect::<Vec<_>>(),
            "missing": found.missing,
            "skipped": found.skipped,
            "over_budget": self.exceeded,
        });
        format!("{report:#}\n")
    }

    /// Test cases: the rules of plausibility, of the config, and the budgets.
    pub(super) fn junit(&self, budget: &Budget) -> Result<String, Error> {
        let mut suite = TestSuite::new(self.config.as_str());
        let mut put = |name: &str, why: Option<String>| {
            let status = why.map_or_else(TestCaseStatus::success, |why| {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(why);
                status
            });
            let mut case = TestCase::new(name, status);
            case.set_classname(self.config.as_str());
            suite.add_test_case(case);
        };
        for rule in &self.found.rules[1] {
            let first = rule.violations.first();
            let why = first.map(|first| {
                format!(
                    "{} of {} broken; {}: {}",
                    rule.violations.len(),
                    rule.checked,
                    first.series,
                    first.what
                )
            });
            put(&format!("rule {}", rule.rule), why);
        }
        for (name, why) in budget.outcomes(self.all()) {
            put(&format!("budget {name}"), why);
        }
        let mut junit = JunitReport::new("promemu validate");
        junit.add_test_suite(suite);
        junit.to_string().map_err(|error| Error::Run(format!("the report for CI cannot be written: {error}")))
    }
}

const SKILL_COLUMNS: [&str; 5] = ["HORIZON", "PREDICTOR", "nRMSE", "CRPS", "IN 90 %"];

/// Rows of scores, by horizon; the name of a horizon stands once.
fn skills(skills: &[Skill]) -> Vec<[String; 5]> {
    let mut rows = Vec::new();
    for horizon in HORIZONS {
        let own = skills.iter().filter(|skill| skill.horizon == horizon);
        rows.extend(own.enumerate().map(|(n, skill)| {
            let name = if n == 0 { horizon.to_string() } else { String::new() };
            let [nrmse, crps, coverage] =
                [skill.nrmse, skill.crps, skill.coverage].map(|figure| format!("{figure:.3}"));
            [name, skill.predictor.to_owned(), nrmse, crps, coverage]
        }));
    }
    rows
}

fn query_json(of: &QueryAgreement) -> Value {
    json!({ "query": of.query, "steps": of.steps, "quantiles": of.quantiles })
}

fn alert_json(of: &AlertAgreement) -> Value {
    let AlertAgreement { alert, both, config_only, recording_only } = of;
    json!({
        "alert": alert,
        "f1": of.f1(),
        "both": both,
        "config_only": config_only,
        "recording_only": recording_only,
    })
}

fn skill_json(skill: &Skill) -> Value {
    let Skill { predictor, horizon, nrmse, crps, coverage, targets } = skill;
    json!({
        "predictor": predictor,
        "horizon": horizon,
        "nrmse": nrmse,
        "crps": crps,
        "coverage": coverage,
        "targets": targets,
    })
}
