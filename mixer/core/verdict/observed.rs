//! The verdicts that an observation would pass: what a run does today, to be noticed when it does something else.

use indexmap::IndexSet;

use super::alert_series::AlertSeries;
use super::expected_alerts::{ExpectedAlerts, windows};
use super::judge::{Outcome, judge};
use super::observation::Observation;
use crate::plan::{AlertSelection, Plan, Scope, Verdict, VerdictPlan};
use crate::time::{Span, Time};

/// Verdicts on the alerts and the number of series that were seen; each of them passes.
#[must_use]
pub fn verdicts_of(plan: &Plan, seen: &Observation) -> Vec<VerdictPlan> {
    let faults = plan.faults.iter().map(|fault| Scope::Fault(fault.id.clone()));
    let phases = plan.timeline.phases.iter().map(|phase| Scope::Phase(phase.name.clone()));
    let scopes: Vec<Scope> = faults.chain(phases).collect();
    let names: IndexSet<&String> = seen.alerts.iter().map(|alert| &alert.name).collect();
    let mut verdicts = Vec::new();
    for name in names {
        let alerts: Vec<&AlertSeries> = seen.alerts.iter().filter(|alert| alert.name == *name).collect();
        // The fault, or else the phase, in which it fires.
        let fitting = scopes.iter().find_map(|scope| {
            let found = of_scope(plan, seen, (name, &alerts), scope);
            (!found.is_empty()).then_some(found)
        });
        verdicts.extend(fitting.into_iter().flatten());
    }
    let except = unexpected(plan, &verdicts, seen);
    verdicts.push(VerdictPlan { verdict: Verdict::NoOtherAlerts { except }, scope: Scope::Run });
    let total = Some(seen.series_count()).filter(|total| *total > 0);
    verdicts.extend(total.map(|total| VerdictPlan {
        verdict: Verdict::Series { total: Some(total), each: None },
        scope: Scope::Run,
    }));
    verdicts
}

/// The verdicts on an alert for a scope in which it begins to fire; empty if they would not pass.
fn of_scope(
    plan: &Plan,
    seen: &Observation,
    (name, alerts): (&str, &[&AlertSeries]),
    scope: &Scope,
) -> Vec<VerdictPlan> {
    let windows = windows(plan, scope, seen);
    let (mut within, mut resolved, mut times) = (Span::ZERO, Some(Span::ZERO), 0);
    for (index, (begin, end)) in windows.iter().enumerate() {
        let until = windows.get(index + 1).map_or(Time::NEVER, |(next, _)| *next);
        let of_window = |alert: &AlertSeries| {
            let all = alert.firing.iter().filter(|on| (*begin..until).contains(&on.begin)).copied();
            all.collect::<Vec<_>>()
        };
        let firing: Vec<_> = alerts.iter().map(|alert| of_window(alert)).collect();
        let first = firing.iter().flatten().map(|on| on.begin).min();
        let Some(first) = first.filter(|first| first <= end) else { return Vec::new() };
        within = within.max(first.since(*begin));
        times = firing.iter().map(Vec::len).max().unwrap_or_default().max(times);
        let last = firing.iter().flatten().map(|on| on.end).max().unwrap_or(Time::NEVER);
        resolved = resolved.filter(|_| last != Time::NEVER).map(|longest| longest.max(last.since(*end)));
    }
    let alert = AlertSelection { name: name.to_owned(), labels: Vec::new() };
    let times = u32::try_from(times.max(1)).unwrap_or(u32::MAX);
    let fires = Verdict::Fires { alert: alert.clone(), within: Some(within), times };
    let until_end = resolved.map(|within| Verdict::Resolves { alert, within });
    let both = std::iter::once(fires).chain(until_end);
    let both: Vec<_> = both.map(|verdict| VerdictPlan { verdict, scope: scope.clone() }).collect();
    let judged = judge(plan, &both, seen);
    let passes = |number: usize| judged[number].outcome == Outcome::Passed;
    let good: Vec<_> = both
        .iter()
        .enumerate()
        .filter(|(number, _)| passes(*number))
        .map(|(_, verdict)| verdict.clone())
        .collect();
    // An alert that is not known to fire in the scope says nothing about its end.
    if passes(0) { good } else { Vec::new() }
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
