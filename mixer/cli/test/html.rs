//! The report of a test as one page of HTML without links to anything else: a table of the verdicts, and a chart for each alert.
//!
//! Shapes are SVG that is stretched to the width of the page; texts are HTML beside them, so that they keep their size.

mod chart;

use indexmap::IndexSet;
use promemu_core::plan::Verdict;
use promemu_core::time::Span;
use promemu_core::verdict::Outcome;

use super::report::{self, Judged, Report, Unjudged};
use crate::html_escape::escaped;
use crate::report_page::{END, head};
use chart::AlertChart;

/// Number of lines on the axis of time.
const TICKS: u64 = 6;

/// The whole page.
pub(super) fn text(reports: &[Judged]) -> String {
    let names: Vec<String> = reports.iter().map(|report| escaped(report::name(report))).collect();
    let mut page = Page(head(&format!("{}: promemu test", names.join(", "))));
    for (report, name) in reports.iter().zip(&names) {
        let report = match report {
            Ok(report) => report,
            Err(unjudged) => {
                put_unjudged(unjudged, name, &mut page);
                continue;
            }
        };
        put_head(report, name, &mut page);
        put_verdicts(report, &mut page);
        for name in alert_names(report) {
            AlertChart { report, name: &name }.put(&mut page);
        }
    }
    page.push(END);
    page.0
}

/// The text of a page so far.
struct Page(String);

impl Page {
    fn push(&mut self, text: &str) {
        self.0.push_str(text);
    }
}

fn put_head(report: &Report, config: &str, page: &mut Page) {
    let grid = &report.seen.grid;
    let counts = [Outcome::Passed, Outcome::Failed, Outcome::Undecided].map(|outcome| {
        let (name, count) = (outcome.name(), report.count(outcome));
        if count > 0 { format!("<span class=\"{name}\">{count} {name}</span> ") } else { String::new() }
    });
    let facts = format!(
        "{} {} from {}, {} series, evaluated every {} by {}; seed {}",
        grid.to.since(grid.from),
        report.time_name(),
        grid.from.rfc3339(),
        report.seen.series_count(),
        grid.step,
        report.evaluator(),
        report.subject.seed,
    );
    page.push(&format!(
        "<h1>{config}</h1>\n<p>{}</p>\n<p class=\"facts\">{}</p>\n",
        counts.concat(),
        escaped(&facts)
    ));
}

fn put_unjudged(Unjudged { why, .. }: &Unjudged, config: &str, page: &mut Page) {
    let why = escaped(&why.to_string());
    page.push(&format!(
        "<h1>{config}</h1>\n<p><span class=\"undecided\">undecided</span></p>\n<p>It cannot be judged: {why}</p>\n"
    ));
}

fn put_verdicts(report: &Report, page: &mut Page) {
    page.push("<table>\n<tr><th>outcome</th><th>verdict</th><th>found</th></tr>\n");
    for judgement in &report.judgements {
        let name = judgement.outcome.name();
        let findings: Vec<_> = judgement.findings.iter().map(|finding| escaped(finding)).collect();
        let query = match judgement.outcome {
            Outcome::Passed => String::new(),
            _ if judgement.query.is_empty() => String::new(),
            _ => {
                let at = judgement.at.map(|at| format!(" at {at}")).unwrap_or_default();
                format!("<br>look at <code>{}</code>{at}", escaped(&judgement.query))
            }
        };
        page.push(&format!("<tr><td><span class=\"{name}\">{name}</span></td><td><code>{}</code></td><td>{}{query}</td></tr>\n",
            escaped(&judgement.verdict),
            findings.join("<br>")));
    }
    page.push("</table>\n");
}

/// The alerts of verdicts and of the ground truth, then all others that were seen.
fn alert_names(report: &Report) -> IndexSet<String> {
    let of_verdicts = report.subject.verdicts.iter().filter_map(|verdict| match &verdict.verdict {
        Verdict::Fires { alert, .. } | Verdict::Resolves { alert, .. } | Verdict::Notifies { alert, .. } => {
            Some(alert.name.clone())
        }
        _ => None,
    });
    let plan = &report.subject.run.plan;
    let truths = plan
        .timeline
        .phases
        .iter()
        .map(|phase| &phase.truth)
        .chain(plan.faults.iter().map(|fault| &fault.truth));
    let of_truths = truths.flat_map(|truth| truth.alerts.iter().cloned());
    let twin = report.seen.twin.iter().flatten();
    let seen = report.seen.alerts.iter().chain(twin).map(|alert| alert.name.clone());
    of_verdicts.chain(of_truths).chain(seen).collect()
}

/// The times of the lines on the axis of time, since the start.
fn ticks(length: Span) -> impl Iterator<Item = Span> {
    (0..=TICKS).map(move |tick| Span::from_nanos(length.as_nanos() / TICKS * tick))
}
