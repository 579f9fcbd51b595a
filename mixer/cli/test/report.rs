//! The report of a test, and its form as JSON.

use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_core::verdict::{AlertSeries, Firing, Judgement, Observation, Outcome};
use serde_json::{Value, json};

use super::mutants::{self, JudgedMutant};
use super::subject::Subject;
use crate::args::TestMode;

/// The report of a test.
pub(super) struct Report {
    /// Name of the config, with its class if several are tested.
    pub(super) name: String,
    pub(super) subject: Subject,
    pub(super) mode: TestMode,
    /// The reason for the mode.
    pub(super) why: String,
    pub(super) seen: Observation,
    pub(super) judgements: Vec<Judgement>,
    /// The mutations of the rules, if they were asked for.
    pub(super) mutants: Option<Vec<JudgedMutant>>,
}

/// A class of a config, or a run of a playlist, that cannot be judged. It is undecided.
#[derive(Debug)]
pub(super) struct Unjudged {
    /// Name of the config, with the class.
    pub(super) name: String,
    pub(super) why: Error,
}

/// The report of a test, or of a class or a run of several.
pub(super) type Judged = Result<Report, Unjudged>;

/// These reports, unless none of them could be judged: then the first error, as good as any.
pub(super) fn unless_all_failed(mut reports: Vec<Judged>) -> Result<Vec<Judged>, Error> {
    if reports.iter().all(Result::is_err) && !reports.is_empty() {
        return reports.swap_remove(0).map(|_| Vec::new()).map_err(|unjudged| unjudged.why);
    }
    Ok(reports)
}

/// The name of a report.
pub(super) fn name(report: &Judged) -> &str {
    match report {
        Ok(report) => &report.name,
        Err(unjudged) => &unjudged.name,
    }
}

/// Number of verdicts of all reports with this outcome, and of what cannot be judged.
pub(super) fn count(reports: &[Judged], outcome: Outcome) -> usize {
    let count = |report: &Judged| match report {
        Ok(report) => report.count(outcome),
        Err(_) => usize::from(outcome == Outcome::Undecided),
    };
    reports.iter().map(count).sum()
}

/// The worst outcome of all reports.
pub(super) fn worst(reports: &[Judged]) -> Outcome {
    let worst =
        [Outcome::Failed, Outcome::Undecided].into_iter().find(|outcome| count(reports, *outcome) > 0);
    worst.unwrap_or(Outcome::Passed)
}

/// The reports as one object: that of the only one, or those `of` all classes or runs.
pub(super) fn json(reports: &[Judged], of: &str) -> String {
    if let [Ok(report)] = reports {
        return format!("{:#}\n", report.json());
    }
    let part = |report: &Judged| match report {
        Ok(report) => report.json(),
        Err(Unjudged { name, why }) => json!({
            "config": name, "error": why.to_string(), "passed": 0, "failed": 0, "undecided": 1, "verdicts": [],
        }),
    };
    let all = json!({
        "passed": count(reports, Outcome::Passed),
        "failed": count(reports, Outcome::Failed),
        "undecided": count(reports, Outcome::Undecided),
        of: reports.iter().map(part).collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}

impl Report {
    /// The name of the mode.
    pub(super) const fn mode_name(&self) -> &'static str {
        match self.mode {
            TestMode::Exact => "exact",
            TestMode::Large => "large",
            TestMode::Live => "live",
        }
    }

    /// The kind of time that the run had.
    pub(super) const fn time_name(&self) -> &'static str {
        match self.mode {
            TestMode::Exact | TestMode::Large => "of virtual time",
            TestMode::Live => "of real time",
        }
    }

    /// The evaluator of rules and conditions, and the reason for it.
    pub(super) fn evaluator(&self) -> String {
        let name = match self.mode {
            TestMode::Exact => "promtool",
            TestMode::Large => "a Prometheus",
            TestMode::Live => "the Prometheus that runs",
        };
        format!("{name} ({})", self.why)
    }

    /// Number of verdicts with this outcome.
    pub(super) fn count(&self, outcome: Outcome) -> usize {
        self.judgements.iter().filter(|judgement| judgement.outcome == outcome).count()
    }

    /// The report as one object. Times are in seconds since the start of the run, and in RFC 3339.
    fn json(&self) -> Value {
        let grid = &self.seen.grid;
        let since = |time: Time| time.since(grid.from).as_secs_f64();
        let verdict = |judgement: &Judgement| {
            json!({
                "verdict": judgement.verdict,
                "outcome": judgement.outcome.name(),
                "findings": judgement.findings,
                "at_seconds": judgement.at.map(Span::as_secs_f64),
                "at": judgement.at.map(|at| (grid.from + at).rfc3339()),
                "query": judgement.query,
            })
        };
        let firing = |on: &Firing| {
            let end = Some(on.end).filter(|end| *end != Time::NEVER);
            json!({ "begin_seconds": since(on.begin), "end_seconds": end.map(since) })
        };
        let alert = |alert: &AlertSeries| {
            let labels: serde_json::Map<String, Value> =
                alert.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            let (pending, firing): (Vec<_>, Vec<_>) =
                (alert.pending.iter().map(firing).collect(), alert.firing.iter().map(firing).collect());
            json!({ "alert": alert.name, "labels": labels, "pending": pending, "firing": firing })
        };
        let alerts = |alerts: &[AlertSeries]| alerts.iter().map(alert).collect::<Vec<_>>();
        json!({
            "config": self.name,
            "seed": self.subject.seed,
            "from": grid.from.rfc3339(),
            "to": grid.to.rfc3339(),
            "step_seconds": self.subject.scrapes.step.as_secs_f64(),
            "evaluation_seconds": grid.step.as_secs_f64(),
            "mode": self.mode_name(),
            "why": self.why,
            "series": self.seen.series_count(),
            "passed": self.count(Outcome::Passed),
            "failed": self.count(Outcome::Failed),
            "undecided": self.count(Outcome::Undecided),
            "verdicts": self.judgements.iter().map(verdict).collect::<Vec<_>>(),
            "mutations": self.mutants.as_deref().map(mutants::json),
            "alerts": alerts(&self.seen.alerts),
            "alerts_without_faults": self.seen.twin.as_deref().map(alerts),
        })
    }
}
