//! The judgement of each verdict.

mod alerts;
mod conditions;
mod notifications;
mod panels;

use super::expected_alerts::windows;
use super::observation::Observation;
use crate::metric::promql::equal_matchers;
use crate::plan::{AlertSelection, Plan, Scope, Verdict, VerdictPlan};
use crate::time::{Span, Time};

/// Number of findings that are told one by one.
const FINDINGS_MAX: usize = 5;

/// The judgement of one verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict, as a config has it.
    pub verdict: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// The findings, in words: each of a failure if it failed, else what was seen.
    pub findings: Vec<String>,
    /// The time since the start of the run to look at, if there is one.
    pub at: Option<Span>,
    /// A query of PromQL to look at it; empty if there is none, or if the verdict is undecided, whose findings say what to do.
    pub query: String,
}

/// The outcome of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Something could not be found out.
    Undecided,
    /// Not as expected.
    Failed,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Undecided => "undecided",
            Self::Failed => "failed",
        }
    }
}

/// Judges verdicts of a run that started at the first moment of the observation's grid.
#[must_use]
pub fn judge(plan: &Plan, verdicts: &[VerdictPlan], seen: &Observation) -> Vec<Judgement> {
    verdicts
        .iter()
        .map(|verdict| Judge { plan, verdicts, seen, findings: Findings::default() }.judgement(verdict))
        .collect()
}

/// The findings so far. The worst of them decides.
#[derive(Default)]
struct Findings {
    of: [Vec<String>; 3],
    at: Option<Time>,
}

impl Findings {
    fn add(&mut self, outcome: Outcome, at: Option<Time>, text: String) {
        if self.of[outcome as usize..].iter().all(Vec::is_empty) {
            self.at = at;
        }
        self.of[outcome as usize].push(text);
    }

    /// The worst outcome and its findings.
    fn worst(self) -> (Outcome, Vec<String>) {
        let [passed, undecided, failed] = self.of;
        if !failed.is_empty() {
            return (Outcome::Failed, shortened(failed));
        }
        if undecided.is_empty() {
            (Outcome::Passed, shortened(passed))
        } else {
            (Outcome::Undecided, shortened(undecided))
        }
    }
}

fn shortened(mut findings: Vec<String>) -> Vec<String> {
    let left = findings.len().saturating_sub(FINDINGS_MAX);
    findings.truncate(FINDINGS_MAX);
    findings.extend((left > 0).then(|| format!("and {left} more")));
    findings
}

struct Judge<'a> {
    plan: &'a Plan,
    verdicts: &'a [VerdictPlan],
    seen: &'a Observation,
    findings: Findings,
}

impl Judge<'_> {
    fn judgement(mut self, verdict: &VerdictPlan) -> Judgement {
        let start = self.seen.grid.from;
        let windows = windows(self.plan, &verdict.scope, self.seen);
        if windows.is_empty() {
            self.undecided(
                start,
                format!(
                    "{} does not begin before the end of the run; make --for longer, or let it begin earlier",
                    scope_text(&verdict.scope)
                ),
            );
        }
        let query = match &verdict.verdict {
            Verdict::Fires { alert, within, times } => {
                self.fires(alert, (*within, *times), (&verdict.scope, &windows));
                self.alerts_query(alert)
            }
            Verdict::Resolves { alert, within } => {
                if !self.is_undecided(alert) {
                    for window in &windows {
                        self.resolves(alert, *within, (&verdict.scope, *window));
                    }
                }
                self.alerts_query(alert)
            }
            Verdict::NoOtherAlerts { except } => {
                let is_to_be_seen = self.no_other_alerts(except);
                if is_to_be_seen { "ALERTS{alertstate=\"firing\"}".to_owned() } else { String::new() }
            }
            Verdict::Holds { query } => {
                self.holds(query, &windows);
                query.clone()
            }
            Verdict::First { query, between } => {
                self.first(query, *between, &windows);
                query.clone()
            }
            Verdict::Series { total, each } => {
                self.series(*total, *each);
                String::new()
            }
            Verdict::Panels { dashboard, may_be_empty } => self.panels(dashboard, may_be_empty),
            Verdict::QueryTime { query, p95, runs: _ } => {
                self.query_time(query, *p95);
                query.clone()
            }
            Verdict::Notifies { receiver, alert, within } => {
                self.notifies((receiver, alert), *within, (&verdict.scope, &windows));
                self.alerts_query(alert)
            }
        };
        let at = self.findings.at.map(|at| at.since(start));
        let (outcome, findings) = self.findings.worst();
        // Where nobody knows, a query shows no more than the finding.
        let query = if outcome == Outcome::Undecided { String::new() } else { query };
        Judgement { verdict: verdict.to_string(), outcome, findings, at, query }
    }

    /// The query for an alert; empty for one that was never on, of which it shows nothing.
    fn alerts_query(&self, alert: &AlertSelection) -> String {
        if self.seen.alerts.iter().all(|known| known.name != alert.name) {
            return String::new();
        }
        // Where no label set of it is the one that is meant, the others are what to look at.
        let is_there = self.seen.alerts.iter().any(|known| known.is_in(alert));
        let labels = alert.labels.iter().filter(|_| is_there);
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        format!(
            "ALERTS{{{}}}",
            equal_matchers([("alertname", alert.name.as_str())].into_iter().chain(labels))
        )
    }

    fn passed(&mut self, at: Time, text: String) {
        self.findings.add(Outcome::Passed, Some(at), text);
    }

    fn failed(&mut self, at: Time, text: String) {
        self.findings.add(Outcome::Failed, Some(at), text);
    }

    fn undecided(&mut self, at: Time, text: String) {
        self.findings.add(Outcome::Undecided, Some(at), text);
    }

    /// A moment, in words.
    fn at(&self, time: Time) -> String {
        format!("at {}", self.since_start(time))
    }

    fn since_start(&self, time: Time) -> Span {
        time.since(self.seen.grid.from)
    }

    fn series(&mut self, total: Option<u64>, each: Option<u64>) {
        let series = match &self.seen.series {
            Ok(series) => series,
            Err(why) => return self.findings.add(Outcome::Undecided, None, why.clone()),
        };
        let all: u64 = series.values().sum();
        let mut findings = Vec::new();
        if let Some(total) = total {
            findings.push((all > total, format!("{all} of {total} series")));
        }
        if let Some(each) = each {
            let most = series.iter().max_by_key(|(_, count)| **count);
            let over = series.iter().filter(|(_, count)| **count > each);
            findings.extend(over.map(|(name, count)| (true, format!("{name} has {count} of {each} series"))));
            let most = most.filter(|(_, count)| **count <= each);
            findings
                .extend(most.map(|(name, count)| (false, format!("{name} has {count} of {each} series"))));
        }
        for (is_over, text) in findings {
            self.findings.add(if is_over { Outcome::Failed } else { Outcome::Passed }, None, text);
        }
    }
}

fn scope_text(scope: &Scope) -> String {
    match scope {
        Scope::Run => "the run".to_owned(),
        Scope::Phase(name) => format!("phase {name:?}"),
        Scope::Fault(id) => format!("fault {id:?}"),
    }
}
