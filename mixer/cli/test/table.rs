//! The report of a test for people.

use promemu_core::plural::plural;
use promemu_core::verdict::{Judgement, Outcome};

use super::mutants;
use super::report::{self, Judged, Report, Unjudged};
use crate::table::{self, prose, table, whole};

/// A table of the verdicts of each report, and what to look at where one is not passed. The reports are `of`
/// classes or runs.
pub(super) fn text(reports: &[Judged], of: &str) -> String {
    let text = |report: &Judged| match report {
        Ok(report) => of_one(report),
        Err(Unjudged { name, why }) => {
            table::paragraph(&format!("{name}: undecided, as it cannot be judged: {why}"), 0, table::width())
        }
    };
    let texts: Vec<String> = reports.iter().map(text).collect();
    let mut text = texts.join("\n");
    if reports.len() > 1 {
        let all = counts(|outcome| report::count(reports, outcome));
        text.push('\n');
        text.push_str(&table::paragraph(&format!("{} {of}: {all}", reports.len()), 0, table::width()));
    }
    text
}

/// The outcomes with their numbers.
fn counts(count: impl Fn(Outcome) -> usize) -> String {
    let counts = [Outcome::Passed, Outcome::Failed, Outcome::Undecided].map(|outcome| {
        let count = count(outcome);
        (count > 0).then(|| format!("{count} {}", outcome.name()))
    });
    counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn of_one(report: &Report) -> String {
    let width = table::width();
    let seen = &report.seen;
    let series = plural(usize::try_from(seen.series_count()).unwrap_or(usize::MAX), "series", "series");
    let length = seen.grid.to.since(seen.grid.from);
    let head = format!(
        "{}: {length} {}, {series}, evaluated every {} by {}; seed {}",
        report.name,
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
    let is_shown =
        |judgement: &&Judgement| judgement.outcome != Outcome::Passed && !judgement.query.is_empty();
    for (number, judgement) in report.judgements.iter().filter(is_shown).enumerate() {
        text.push_str(if number == 0 { "\n" } else { "" });
        let at =
            judgement.at.map(|at| format!(" at {}", (seen.grid.from + at).rfc3339())).unwrap_or_default();
        text.push_str(&table::paragraph(&format!("look at {}{at}", judgement.query), 0, width));
    }
    text.push('\n');
    text.push_str(&table::paragraph(&counts(|outcome| report.count(outcome)), 0, width));
    text.extend(report.mutants.as_deref().map(mutants::text));
    text
}
