//! The verdicts that an observation would pass: what a run does today, to be noticed when it does something else.

use indexmap::IndexSet;

use super::alert_series::Firing;
use super::expected_alerts::{ExpectedAlerts, truth_names, windows};
use super::judge::{Outcome, judge};
use super::observation::Observation;
use crate::plan::{AlertSelection, Plan, Scope, Verdict, VerdictPlan};
use crate::time::{Span, Time};

/// Verdicts on the alerts and the number of series that were seen; each of them passes.
#[must_use]
pub fn verdicts_of(plan: &Plan, seen: &Observation) -> Vec<VerdictPlan> {
    let names: IndexSet<&String> = seen.alerts.iter().map(|alert| &alert.name).collect();
    let mut verdicts: Vec<VerdictPlan> =
        names.into_iter().flat_map(|name| SeenAlert::new(plan, seen, name).verdicts()).collect();
    let except = unexpected(plan, &verdicts, seen);
    verdicts.push(VerdictPlan { verdict: Verdict::NoOtherAlerts { except }, scope: Scope::Run });
    let total = Some(seen.series_count()).filter(|total| *total > 0);
    verdicts.extend(total.map(|total| VerdictPlan {
        verdict: Verdict::Series { total: Some(total), each: None },
        scope: Scope::Run,
    }));
    verdicts
}

/// A fault or a phase in which an alert begins to fire, each time that it comes.
struct Part {
    scope: Scope,
    /// `true` if its ground truth names the alert.
    is_of_truth: bool,
    /// Its begins and ends, and the begin of the next.
    windows: Vec<(Time, Time, Time)>,
}

impl Part {
    /// The fit of a firing to the part; `None` if there is none. Of equal ones the part that began last is the best.
    fn fit(&self, firing: &Firing) -> Option<(u8, Time)> {
        let is_in = |(begin, _, until): &&(Time, Time, Time)| (*begin..*until).contains(&firing.begin);
        let (begin, end, _) = self.windows.iter().find(is_in)?;
        let is_fault = matches!(self.scope, Scope::Fault(_));
        let fit = match (firing.begin <= *end, self.is_of_truth) {
            (true, true) => 3,
            (true, false) if is_fault => 2,
            // It comes late.
            (false, true) => 1,
            (true, false) => 0,
            (false, false) => return None,
        };
        Some((fit, *begin))
    }

    /// The begin of the first firing in each of its windows; `None` if one has none.
    fn first_begins(&self, firings: &[Firing]) -> Option<Vec<Time>> {
        let first = |(begin, _, until): &(Time, Time, Time)| {
            let in_window = firings.iter().filter(|on| (*begin..*until).contains(&on.begin));
            in_window.filter(|on| self.fit(on).is_some()).map(|on| on.begin).min()
        };
        self.windows.iter().map(first).collect()
    }
}

/// The label sets of an alert that was seen.
struct SeenAlert<'a> {
    plan: &'a Plan,
    seen: &'a Observation,
    name: &'a str,
    /// The firings of each label set.
    firings: Vec<&'a [Firing]>,
}

impl<'a> SeenAlert<'a> {
    fn new(plan: &'a Plan, seen: &'a Observation, name: &'a str) -> Self {
        let own = seen.alerts.iter().filter(|alert| alert.name == name);
        Self { plan, seen, name, firings: own.map(|alert| alert.firing.as_slice()).collect() }
    }

    /// The verdicts on the alert, for each part to which one of its firings belongs.
    fn verdicts(&self) -> Vec<VerdictPlan> {
        let all: Vec<Firing> = self.firings.concat();
        let mut parts = self.parts();
        parts.retain(|part| part.first_begins(&all).is_some_and(|begins| !begins.is_empty()));
        let owners: IndexSet<usize> = all.iter().filter_map(|on| owner(&parts, on)).collect();
        let mut order: Vec<usize> = owners.into_iter().collect();
        // Firings that a later part expects are none of an earlier one.
        order.sort_by_key(|part| std::cmp::Reverse(parts[*part].windows[0].0));
        let mut verdicts = Vec::new();
        for part in order {
            let own: Vec<Firing> = all.iter().filter(|on| owner(&parts, on) == Some(part)).copied().collect();
            let found = self.of_part(&parts[part], (&all, &own), &verdicts);
            verdicts.splice(0..0, found);
        }
        verdicts
    }

    /// The faults and the phases of the run.
    fn parts(&self) -> Vec<Part> {
        let faults = self.plan.faults.iter().map(|fault| Scope::Fault(fault.id.clone()));
        let phases = self.plan.timeline.phases.iter().map(|phase| Scope::Phase(phase.name.clone()));
        let part = |scope: Scope| {
            let windows = windows(self.plan, &scope, self.seen);
            let next = windows.iter().skip(1).map(|(next, _)| *next).chain([Time::NEVER]);
            let windows = windows.iter().zip(next).map(|((begin, end), next)| (*begin, *end, next));
            let is_of_truth = truth_names(self.plan, &scope, self.name);
            Part { is_of_truth, windows: windows.collect(), scope }
        };
        faults.chain(phases).map(part).collect()
    }

    /// The verdicts for a part, beside those for later ones; empty if they would not pass.
    fn of_part(
        &self,
        part: &Part,
        (all, own): (&[Firing], &[Firing]),
        later: &[VerdictPlan],
    ) -> Vec<VerdictPlan> {
        let begins = part.first_begins(all).unwrap_or_default();
        let delays = begins.iter().zip(&part.windows).map(|(first, (begin, _, _))| first.since(*begin));
        let within = delays.max().unwrap_or(Span::ZERO);
        let alert = AlertSelection { name: self.name.to_owned(), labels: Vec::new() };
        let of_part = |verdict| VerdictPlan { verdict, scope: part.scope.clone() };
        let fires = |times| of_part(Verdict::Fires { alert: alert.clone(), within: Some(within), times });
        let passes = |verdicts: &[VerdictPlan]| {
            let all = [verdicts, later].concat();
            let judged = judge(self.plan, &all, self.seen);
            judged.iter().take(verdicts.len()).all(|judged| judged.outcome == Outcome::Passed)
        };
        let most = self.firings.iter().map(|firings| firings.len()).max().unwrap_or_default();
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let Some(times) = least(most, |times| passes(&[fires(times)])) else { return Vec::new() };
        let mut verdicts = vec![fires(times)];
        if let Some(within) = longest_rest(part, own) {
            verdicts.push(of_part(Verdict::Resolves { alert: alert.clone(), within }));
            if !passes(&verdicts) {
                verdicts.pop();
            }
        }
        verdicts
    }
}

/// Number of the part to which a firing belongs.
fn owner(parts: &[Part], firing: &Firing) -> Option<usize> {
    let fits = parts.iter().enumerate().filter_map(|(number, part)| Some((part.fit(firing)?, number)));
    fits.max_by_key(|(fit, _)| *fit).map(|(_, number)| number)
}

/// The least number from 1 to `most` for which something is true, that is true for all greater ones, too.
fn least(most: u32, is_enough: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut low, mut high) = (1, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_enough(middle) { high = middle } else { low = middle + 1 }
    }
    is_enough(low).then_some(low)
}

/// The longest time for which one of these firings goes on after the end of a part; `None` if one never ends.
fn longest_rest(part: &Part, own: &[Firing]) -> Option<Span> {
    let rest = |on: &Firing| {
        let (_, end, _) = part.windows.iter().rfind(|(begin, _, _)| *begin <= on.begin)?;
        (on.end != Time::NEVER).then(|| on.end.since(*end))
    };
    own.iter().map(rest).try_fold(Span::ZERO, |longest, rest| Some(longest.max(rest?)))
}

/// Names of alerts that fire at other times than these verdicts and the ground truth expect.
fn unexpected(plan: &Plan, verdicts: &[VerdictPlan], seen: &Observation) -> Vec<String> {
    let mut names = IndexSet::new();
    for (alerts, has_faults) in [(Some(&seen.alerts), true), (seen.twin.as_ref(), false)] {
        let expected = ExpectedAlerts::of(plan, verdicts, seen, has_faults);
        for alert in alerts.into_iter().flatten() {
            if alert.firing.iter().any(|firing| !expected.has(alert, *firing)) {
                names.insert(alert.name.clone());
            }
        }
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{alert, plan_of_faults, seen};
    use super::*;

    fn verdicts(firing: &[(f64, f64)]) -> Vec<String> {
        let plan = plan_of_faults("");
        let seen = seen(vec![alert("Slow", firing)]);
        let found = verdicts_of(&plan, &seen);
        assert!(judge(&plan, &found, &seen).iter().all(|judged| judged.outcome == Outcome::Passed));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_alert_of_several_faults_has_verdicts_for_each() {
        let mut both = vec![
            r#"fires(alert: "Slow", within: "1m", of: "first")"#,
            r#"resolves(alert: "Slow", within: "1m", of: "first")"#,
            r#"fires(alert: "Slow", within: "1m", of: "second")"#,
            r#"resolves(alert: "Slow", within: "1m", of: "second")"#,
            "no_other_alerts()",
        ];
        assert_eq!(verdicts(&[(6.0, 8.0), (21.0, 26.0)]), both);
        // It may flap in one as it does today, and no more often.
        both[2] = r#"fires(alert: "Slow", within: "1m", times: 2, of: "second")"#;
        assert_eq!(verdicts(&[(6.0, 8.0), (21.0, 22.0), (24.0, 26.0)]), both);
    }

    #[test]
    fn a_firing_belongs_to_the_fault_that_began_last_or_else_to_its_phase() {
        let inner = [
            r#"fires(alert: "Slow", within: "30s", of: "inner")"#,
            r#"resolves(alert: "Slow", within: "1m", of: "inner")"#,
            "no_other_alerts()",
        ];
        assert_eq!(verdicts(&[(22.5, 24.0)]), inner);
        let phase = [
            r#"fires(alert: "Slow", within: "10m", during: "all")"#,
            r#"resolves(alert: "Slow", within: "0s", during: "all")"#,
            "no_other_alerts()",
        ];
        assert_eq!(verdicts(&[(10.0, 12.0)]), phase);
    }

    #[test]
    fn a_firing_after_the_end_of_the_fault_whose_truth_names_it_is_late() {
        let plan = super::super::tests::plan("");
        let seen = seen(vec![alert("Slow", &[(12.0, 20.0), (51.0, 55.0)])]);
        let found: Vec<String> = verdicts_of(&plan, &seen).iter().map(ToString::to_string).collect();
        let late = [
            r#"fires(alert: "Slow", within: "11m", of: "slow")"#,
            r#"resolves(alert: "Slow", within: "5m", of: "slow")"#,
            "no_other_alerts()",
        ];
        assert_eq!(found, late);
    }
}
