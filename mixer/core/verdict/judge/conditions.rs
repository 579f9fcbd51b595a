//! The verdicts on conditions of PromQL.

use super::{Judge, Outcome};
use crate::plural::plural;
use crate::time::{Span, Time};
use crate::verdict::observation::{Answer, Element};

impl Judge<'_> {
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

    pub(super) fn holds(&mut self, query: &str, windows: &[(Time, Time)]) {
        let Some(answer) = self.answer(query) else { return };
        let grid = self.seen.grid;
        for (begin, end) in windows {
            let mut steps: Vec<_> =
                grid.iter().zip(&answer).filter(|(at, _)| *begin <= *at && at < end).collect();
            // A run has no data before its first sample.
            let first =
                steps.iter().position(|(_, elements)| !elements.is_empty()).filter(|_| *begin == grid.from);
            let left_out = steps.drain(..first.unwrap_or_default()).count();
            let from = steps.first().filter(|_| left_out > 0).map(|(at, _)| self.since_start(*at));
            let from = from.map(|from| format!(" from {from} on, where its data begin")).unwrap_or_default();
            let (mut good, mut all) = (0_usize, 0_usize);
            let (mut first_empty, mut first_false) = (None, None);
            for (at, elements) in steps {
                all += 1;
                match elements.iter().find(|element| element.value == 0.0) {
                    None if elements.is_empty() => first_empty = first_empty.or(Some(at)),
                    None => good += 1,
                    Some(element) => first_false = first_false.or(Some((at, element))),
                }
            }
            let mut bad = Vec::new();
            bad.extend(first_false.map(|(at, element)| {
                let of = if element.labels.is_empty() { "" } else { " for " };
                (at, format!("false{of}{} {}", element.labels, self.at(at)))
            }));
            bad.extend(first_empty.map(|at| (at, format!("no data {}", self.at(at)))));
            match bad.first() {
                None if all == 0 => {
                    self.undecided(*begin, format!(
                        "no evaluation is between {} and the end; a shorter --evaluation-interval decides it",
                        self.since_start(*begin)
                    ));
                }
                None => self.passed(*begin, format!("true at all {}{from}", plural(all, "step", "steps"))),
                Some((at, _)) => {
                    let found: Vec<&str> = bad.iter().map(|(_, text)| text.as_str()).collect();
                    self.failed(*at, format!("{}; true at {good} of {all} steps", found.join(", ")));
                }
            }
        }
    }

    pub(super) fn query_time(&mut self, query: &str, limit: Span) {
        let seen = match self.seen.query_times.get(query) {
            Some(Ok(seen)) => seen,
            Some(Err(why)) => return self.findings.add(Outcome::Undecided, None, why.clone()),
            None => return self.findings.add(Outcome::Undecided, None, "the query was not asked".to_owned()),
        };
        if !seen.has_data {
            return self.findings.add(Outcome::Failed, None, "the query returns no data".to_owned());
        }
        let mut times = seen.times.clone();
        times.sort_unstable();
        // The nearest rank.
        let rank = (times.len() * 95).div_ceil(100).max(1) - 1;
        let p95 = times.get(rank).copied().unwrap_or(Span::FOREVER);
        let runs = plural(times.len(), "run", "runs");
        let (outcome, text) = if p95 > limit {
            (Outcome::Failed, format!("95 % of {runs} took {p95} or less, more than {limit}"))
        } else {
            (Outcome::Passed, format!("95 % of {runs} took {p95} or less"))
        };
        self.findings.add(outcome, None, text);
    }

    pub(super) fn first(&mut self, query: &str, between: Option<(Span, Span)>, windows: &[(Time, Time)]) {
        let Some(answer) = self.answer(query) else { return };
        let grid = self.seen.grid;
        let Some((begin, _)) = windows.first().copied() else { return };
        let is_in = |at: &Time| windows.iter().any(|(begin, end)| begin <= at && at < end);
        let is_true = |step: &[Element]| step.iter().any(|element| element.value != 0.0);
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
        let begins_later = begin > grid.from;
        let since =
            if begins_later { format!(", {after} after {}", self.since_start(begin)) } else { String::new() };
        let text = format!("first true {}{since}", self.at(first));
        match between {
            Some((from, to)) if after < from || after > to => {
                self.failed(first, format!("{text}, not between {from} and {to}"));
            }
            _ => self.passed(first, text),
        }
    }
}
