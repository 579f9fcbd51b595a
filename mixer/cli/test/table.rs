//! The report of a test for people.

use promemu_core::plural::plural;
use promemu_core::verdict::Outcome;

use super::mutants;
use super::report::Report;
use crate::table::{self, prose, table, whole};

/// A table of the verdicts, and what to look at where one is not passed.
pub(super) fn text(report: &Report<'_>) -> String {
    let width = table::width();
    let seen = report.seen;
    let series = plural(usize::try_from(seen.series_count()).unwrap_or(usize::MAX), "series", "series");
    let length = seen.grid.to.since(seen.grid.from);
    let head = format!(
        "{}: {length} {}, {series}, evaluated every {} by {}; seed {}",
        report.subject.run.plan.config,
        report.time_name(),
        seen.grid.step,
        report.evaluator(),
        report.subject.seed,
    );
    let mut text = table::paragraph(&head, 0, width);
    text.push('\n');
    let rows = report.judgements.iter().map(|judgement| {
        let outcome = judgement.outcome.name().to_uppercase();
        [outcome, judgement.verdict.clone(), judgement.findings.join("; ")]
    });
    text.push_str(&table([whole("OUTCOME"), prose("VERDICT"), prose("FOUND")], rows, 0, width));
    for judgement in report.judgements.iter().filter(|judgement| judgement.outcome != Outcome::Passed) {
        if judgement.query.is_empty() {
            continue;
        }
        let at =
            judgement.at.map(|at| format!(" at {}", (seen.grid.from + at).rfc3339())).unwrap_or_default();
        text.push_str(&table::paragraph(&format!("look at {}{at}", judgement.query), 0, width));
    }
    let counts = [Outcome::Passed, Outcome::Failed, Outcome::Undecided].map(|outcome| {
        let count = report.count(outcome);
        (count > 0).then(|| format!("{count} {}", outcome.name()))
    });
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    text.push('\n');
    text.push_str(&table::paragraph(&counts.join(", "), 0, width));
    text.extend(report.mutants.map(mutants::text));
    text
}
