//! The judgement of each verdict.

use super::alert_series::{AlertSeries, Firing};
use super::expected_alerts::{ExpectedAlerts, windows};
use super::observation::{Answer, Observation};
use crate::metric::promql::equal_matchers;
use crate::plan::{AlertSelection, Plan, Scope, Verdict, VerdictPlan};
use crate::plural::plural;
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
    /// A query of PromQL to look at it; empty if there is none.
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
        let windows = windows(self.plan, &verdict.scope, &self.seen.grid);
        if windows.is_empty() {
            self.undecided(
                start,
                format!("{} does not come before the end of the run", scope_text(&verdict.scope)),
            );
        }
        let query = match &verdict.verdict {
            Verdict::Fires { alert, within, times } => {
                self.fires(alert, (*within, *times), &windows);
                alerts_query(alert)
            }
            Verdict::Resolves { alert, within } => {
                for window in &windows {
                    self.resolves(alert, *within, *window);
                }
                alerts_query(alert)
            }
            Verdict::NoOtherAlerts { except } => {
                self.no_other_alerts(except);
                "ALERTS{alertstate=\"firing\"}".to_owned()
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
        };
        let at = self.findings.at.map(|at| at.since(start));
        let (outcome, findings) = self.findings.worst();
        Judgement { verdict: verdict.to_string(), outcome, findings, at, query }
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
        format!("at {}", time.since(self.seen.grid.from))
    }

    fn fires(
        &mut self,
        alert: &AlertSelection,
        (within, times): (Option<Span>, u32),
        windows: &[(Time, Time)],
    ) {
        let seen = self.seen;
        let alerts: Vec<&AlertSeries> = seen.alerts.iter().filter(|known| known.is_in(alert)).collect();
        for (index, (begin, end)) in windows.iter().enumerate() {
            let until = windows.get(index + 1).map_or(Time::NEVER, |(next, _)| *next);
            let limit = within.map_or(*end, |within| *begin + within);
            let in_window = |firing: &&Firing| (*begin..until).contains(&firing.begin);
            let all = alerts.iter().flat_map(|known| known.firing.iter());
            let first = all.clone().filter(in_window).map(|firing| firing.begin).min();
            match first {
                Some(first) if first <= limit => {
                    let text = format!("fired {} after {}", first.since(*begin), self.at(*begin));
                    self.passed(first, text);
                }
                Some(first) => {
                    let late = first.since(limit);
                    let text = format!(
                        "fired {late} too late: {}, not by {}",
                        self.at(first),
                        limit.since(seen.grid.from)
                    );
                    self.failed(first, text);
                }
                None => self.did_not_fire(&alerts, (*begin, limit)),
            }
            for known in &alerts {
                let begins: Vec<Time> =
                    known.firing.iter().filter(in_window).map(|firing| firing.begin).collect();
                if begins.len() > times as usize {
                    let all: Vec<String> = begins.iter().map(|begin| self.at(*begin)).collect();
                    let text = format!("{known} fired {} times: {}", begins.len(), all.join(", "));
                    self.failed(begins[times as usize], text);
                }
            }
        }
    }

    /// The finding of an alert that did not begin to fire in a window.
    fn did_not_fire(&mut self, alerts: &[&AlertSeries], (begin, limit): (Time, Time)) {
        let on_at =
            |times: &[Firing], at: Time| times.iter().find(|on| on.begin < at && at < on.end).copied();
        let before = alerts.iter().find_map(|alert| on_at(&alert.firing, begin));
        let in_time = |on: &&Firing| on.begin <= limit && begin < on.end;
        let pending = alerts.iter().flat_map(|alert| &alert.pending).find(in_time);
        if let Some(before) = before {
            let text = format!(
                "fired already {}, before {}",
                self.at(before.begin),
                begin.since(self.seen.grid.from)
            );
            self.failed(before.begin, text);
        } else if limit > self.seen.grid.to {
            let text = format!("the run ends {}, before it must fire", self.at(self.seen.grid.to));
            self.undecided(self.seen.grid.to, text);
        } else if let Some(pending) = pending {
            let text = format!("was pending {}, and did not fire", self.at(pending.begin));
            self.failed(pending.begin, text);
        } else {
            self.failed(begin, format!("did not fire {} or later", self.at(begin)));
        }
    }

    fn resolves(&mut self, alert: &AlertSelection, within: Span, (begin, end): (Time, Time)) {
        let deadline = end + within;
        let alerts = self.seen.alerts.iter().filter(|known| known.is_in(alert));
        let in_window = |firing: &&Firing| firing.begin <= deadline && begin < firing.end;
        let fired: Vec<(String, Firing)> = alerts
            .flat_map(|known| {
                known.firing.iter().filter(in_window).map(|firing| (known.to_string(), *firing))
            })
            .collect();
        if deadline > self.seen.grid.to {
            let text = format!("the run ends {}, before it must resolve", self.at(self.seen.grid.to));
            self.undecided(self.seen.grid.to, text);
        } else if fired.is_empty() {
            self.failed(begin, format!("never fired {} or later", self.at(begin)));
        }
        for (name, firing) in fired {
            if firing.end <= deadline {
                let text = format!("{name} resolved {}", self.at(firing.end));
                self.passed(firing.end, text);
            } else if deadline <= self.seen.grid.to {
                let text = match firing.end {
                    Time::NEVER => format!("{name} still fires {}", self.at(self.seen.grid.to)),
                    late => format!("{name} resolved {}, {} too late", self.at(late), late.since(deadline)),
                };
                self.failed(deadline, text);
            }
        }
    }

    fn no_other_alerts(&mut self, except: &[String]) {
        let seen = self.seen;
        let runs = [(Some(&seen.alerts), true), (seen.twin.as_ref(), false)];
        for (alerts, has_faults) in runs {
            let Some(alerts) = alerts else { continue };
            let expected = ExpectedAlerts::of(self.plan, self.verdicts, &seen.grid, has_faults);
            for alert in alerts.iter().filter(|alert| !except.contains(&alert.name)) {
                for firing in alert.firing.iter().filter(|firing| !expected.has(alert, **firing)) {
                    let without = if has_faults { "" } else { " without the faults" };
                    let text = format!("{alert} fired {}{without}", self.at(firing.begin));
                    self.failed(firing.begin, text);
                }
            }
        }
        let twin = if seen.twin.is_some() { ", nor without the faults" } else { "" };
        self.findings.add(Outcome::Passed, None, format!("no other alert fired{twin}"));
    }

    /// The answer to a query; a finding if there is none.
    fn answer(&mut self, query: &str) -> Option<Answer> {
        match self.seen.answers.get(query) {
            Some(Ok(answer)) => Some(answer.clone()),
            Some(Err(why)) => {
                self.findings.add(Outcome::Undecided, None, why.clone());
                None
            }
            None => {
                self.findings.add(Outcome::Undecided, None, "the query was not asked".to_owned());
                None
            }
        }
    }

    fn holds(&mut self, query: &str, windows: &[(Time, Time)]) {
        let Some(answer) = self.answer(query) else { return };
        let grid = self.seen.grid;
        for (begin, end) in windows {
            let steps = grid.iter().zip(&answer).filter(|(at, _)| *begin <= *at && at < end);
            let (mut good, mut all) = (0_usize, 0_usize);
            let mut first_bad = None;
            for (at, elements) in steps {
                all += 1;
                match elements.iter().find(|element| element.value == 0.0) {
                    None if !elements.is_empty() => good += 1,
                    bad => {
                        first_bad = first_bad.or(Some((at, bad)));
                    }
                }
            }
            match first_bad {
                None if all == 0 => {
                    self.undecided(*begin, format!("no step is within {} and the end", self.at(*begin)));
                }
                None => self.passed(*begin, format!("true at all {}", plural(all, "step", "steps"))),
                Some((at, bad)) => {
                    let what = match bad {
                        None => "no data".to_owned(),
                        Some(element) if element.labels.is_empty() => "false".to_owned(),
                        Some(element) => format!("false for {}", element.labels),
                    };
                    let text = format!("{what} {}; true at {good} of {all} steps", self.at(at));
                    self.failed(at, text);
                }
            }
        }
    }

    fn first(&mut self, query: &str, between: Option<(Span, Span)>, windows: &[(Time, Time)]) {
        let Some(answer) = self.answer(query) else { return };
        let grid = self.seen.grid;
        let Some((begin, _)) = windows.first().copied() else { return };
        let is_in = |at: &Time| windows.iter().any(|(begin, end)| begin <= at && at < end);
        let is_true = |step: &[super::Element]| step.iter().any(|element| element.value != 0.0);
        let mut steps = grid.iter().zip(&answer).filter(|(at, _)| is_in(at));
        let first = steps.find(|(_, elements)| is_true(elements)).map(|(at, _)| at);
        let Some(first) = first else {
            match between {
                None => self.findings.add(Outcome::Passed, None, "was never true".to_owned()),
                Some(_) => self.failed(begin, "was never true".to_owned()),
            }
            return;
        };
        let after = first.since(begin);
        let text = format!("first true {}", self.at(first));
        match between {
            Some((from, to)) if after < from || after > to => {
                self.failed(first, format!("{text}, not between {from} and {to}"));
            }
            _ => self.passed(first, text),
        }
    }

    fn series(&mut self, total: Option<u64>, each: Option<u64>) {
        let seen = self.seen;
        let all: u64 = seen.series.values().sum();
        let mut findings = Vec::new();
        if let Some(total) = total {
            findings.push((all > total, format!("{all} of {total} series")));
        }
        if let Some(each) = each {
            let most = seen.series.iter().max_by_key(|(_, count)| **count);
            let over = seen.series.iter().filter(|(_, count)| **count > each);
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

fn alerts_query(alert: &AlertSelection) -> String {
    let labels = alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    format!("ALERTS{{{}}}", equal_matchers([("alertname", alert.name.as_str())].into_iter().chain(labels)))
}
