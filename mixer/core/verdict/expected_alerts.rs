//! The alerts that a run expects: by its verdicts, and by its ground truth.

use indexmap::IndexMap;

use super::alert_series::{AlertSeries, Firing};
use super::observation::Observation;
use crate::plan::{AlertSelection, Plan, Scope, Verdict, VerdictPlan};
use crate::time::{Span, Time};
use crate::timeline::{TruthRecord, TruthRecords, TruthSubject};

/// The windows of a scope that begin before the end of an observation, in their order.
pub(super) fn windows(plan: &Plan, scope: &Scope, seen: &Observation) -> Vec<(Time, Time)> {
    let (subject, id) = match scope {
        Scope::Run => return vec![(seen.grid.from, seen.grid.to + seen.grid.step)],
        Scope::Phase(name) => (TruthSubject::Phase, name),
        Scope::Fault(id) => (TruthSubject::Fault, id),
    };
    let of_scope = |record: &TruthRecord<'_>| record.subject == subject && record.id == &**id;
    records(plan, seen).filter(of_scope).map(|record| (record.begin, record.end)).collect()
}

/// `true` if the ground truth of a part of a run names an alert.
pub(super) fn truth_names(plan: &Plan, scope: &Scope, alert: &str) -> bool {
    let truth = match scope {
        Scope::Run => None,
        Scope::Phase(name) => {
            plan.timeline.phases.iter().find(|phase| phase.name == *name).map(|phase| &phase.truth)
        }
        Scope::Fault(id) => plan.faults.iter().find(|fault| fault.id == *id).map(|fault| &fault.truth),
    };
    truth.is_some_and(|truth| truth.alerts.iter().any(|name| name == alert))
}

/// The records of the ground truth that begin before the end of an observation.
pub(super) fn records<'p>(plan: &'p Plan, seen: &Observation) -> impl Iterator<Item = TruthRecord<'p>> {
    let to = seen.grid.to;
    TruthRecords::new(plan, seen.course.clone()).take_while(move |record| record.begin <= to)
}

/// The verdicts that follow from the ground truth: each alert of a fault or a phase fires in it, and no other does.
#[must_use]
pub fn verdicts_of_truth(plan: &Plan) -> Vec<VerdictPlan> {
    let of_phases = plan.timeline.phases.iter().map(|phase| (Scope::Phase(phase.name.clone()), &phase.truth));
    let of_faults = plan.faults.iter().map(|fault| (Scope::Fault(fault.id.clone()), &fault.truth));
    let mut verdicts = Vec::new();
    for (scope, truth) in of_phases.chain(of_faults) {
        for name in &truth.alerts {
            let alert = AlertSelection { name: name.clone(), labels: Vec::new() };
            let verdict = Verdict::Fires { alert, within: None, times: 1 };
            verdicts.push(VerdictPlan { verdict, scope: scope.clone() });
        }
    }
    verdicts.push(VerdictPlan { verdict: Verdict::NoOtherAlerts { except: Vec::new() }, scope: Scope::Run });
    verdicts
}

/// An alert that may begin to fire within a time.
struct ExpectedAlert {
    alert: AlertSelection,
    /// The part of the run that expects it.
    scope: Scope,
    from: Time,
    until: Time,
    /// Number of times that each label set may.
    times: u32,
}

impl ExpectedAlert {
    fn has(&self, alert: &AlertSeries, begin: Time) -> bool {
        (self.from..=self.until).contains(&begin) && alert.is_in(&self.alert)
    }
}

/// The alerts that a run, or its twin without faults, expects.
pub(super) struct ExpectedAlerts(Vec<ExpectedAlert>);

impl ExpectedAlerts {
    pub(super) fn of(plan: &Plan, verdicts: &[VerdictPlan], seen: &Observation, has_faults: bool) -> Self {
        let is_on = |scope: &Scope| has_faults || !matches!(scope, Scope::Fault(_));
        let mut expected = Vec::new();
        for VerdictPlan { verdict, scope } in verdicts.iter().filter(|verdict| is_on(&verdict.scope)) {
            let (alert, within, times) = match verdict {
                Verdict::Fires { alert, within, times } => (alert, within.unwrap_or(Span::ZERO), *times),
                Verdict::Notifies { alert, within, .. } => (alert, within.unwrap_or(Span::ZERO), 1),
                Verdict::Resolves { alert, .. } => (alert, Span::ZERO, 1),
                _ => continue,
            };
            expected.extend(windows(plan, scope, seen).into_iter().map(|(begin, end)| ExpectedAlert {
                alert: alert.clone(),
                scope: scope.clone(),
                from: begin,
                until: end.max(begin + within),
                times,
            }));
        }
        for record in records(plan, seen).filter(|record| has_faults || record.subject == TruthSubject::Phase)
        {
            let id = record.id.into();
            let scope = match record.subject {
                TruthSubject::Phase => Scope::Phase(id),
                TruthSubject::Fault => Scope::Fault(id),
            };
            expected.extend(record.truth.alerts.iter().map(|name| ExpectedAlert {
                alert: AlertSelection { name: name.clone(), labels: Vec::new() },
                scope: scope.clone(),
                from: record.begin,
                until: record.end,
                times: 1,
            }));
        }
        Self(expected)
    }

    /// The begins of a label set, of some since the begin of a part of the run, that are too many: neither among the so many times
    /// that this part expects, nor expected by another part that began later.
    pub(super) fn unwanted(
        &self,
        alert: &AlertSeries,
        begins: &[Time],
        (scope, since, times): (&Scope, Time, u32),
    ) -> Vec<Time> {
        // A part is expected to have an alert once, however many verdicts say so.
        let mut others: IndexMap<(&Scope, Time), (u32, Vec<&ExpectedAlert>)> = IndexMap::new();
        for other in self.later_than(scope, since) {
            let (times, all) = others.entry((&other.scope, other.from)).or_default();
            *times = (*times).max(other.times);
            all.push(other);
        }
        others.sort_by(|(_, a), _, (_, b), _| b.cmp(a));
        let mut left = times;
        let is_unwanted = |begin: &&Time| {
            let mut of_others = others.values_mut().filter(|(times, _)| *times > 0);
            let other = of_others.find(|(_, all)| all.iter().any(|other| other.has(alert, **begin)));
            let times = other.map_or(&mut left, |(times, _)| times);
            let is_left = *times > 0;
            *times = times.saturating_sub(1);
            !is_left
        };
        begins.iter().filter(is_unwanted).copied().collect()
    }

    /// `true` if a part of the run other than this one, which began later, expects that an alert begins to fire at this time.
    pub(super) fn has_later(&self, alert: &AlertSeries, begin: Time, (scope, since): (&Scope, Time)) -> bool {
        self.later_than(scope, since).any(|other| other.has(alert, begin))
    }

    fn later_than(&self, scope: &Scope, since: Time) -> impl Iterator<Item = &ExpectedAlert> {
        self.0.iter().filter(move |other| other.scope != *scope && other.from > since)
    }

    /// `true` if an alert may begin to fire at this time.
    pub(super) fn has(&self, alert: &AlertSeries, firing: Firing) -> bool {
        self.0.iter().any(|expected| expected.has(alert, firing.begin))
    }
}

/// The times at which an alert is expected: those of scopes of its verdicts, and of the ground truth.
#[must_use]
pub fn truth_of(plan: &Plan, seen: &Observation, alert: &str, scopes: &[Scope]) -> Vec<(Time, Time)> {
    let of_scopes = scopes.iter().flat_map(|scope| windows(plan, scope, seen));
    let names = |record: &TruthRecord<'_>| record.truth.alerts.iter().any(|name| name == alert);
    let of_truth = records(plan, seen).filter(names).map(|record| (record.begin, record.end));
    let mut times: Vec<(Time, Time)> = of_scopes.chain(of_truth).collect();
    times.sort_unstable();
    times.dedup();
    times
}
