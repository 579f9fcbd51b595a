//! The detections of an alert: how often it fires where it should, and elsewhere.

use super::alert_series::{AlertSeries, Firing};
use super::expected_alerts::{ExpectedAlerts, truth_of};
use super::observation::Observation;
use crate::plan::{Plan, Scope, Verdict, VerdictPlan};
use crate::time::Span;

/// The detections of an alert in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detections {
    /// Number of times at which it should fire.
    pub expected: usize,
    /// The time after the begin of each of them at which it fires first, of those in which it does.
    pub delays: Vec<Span>,
    /// Number of times that it fires elsewhere, in the run or in its twin without faults.
    pub false_alarms: usize,
}

impl Detections {
    /// The detections of the alert of this name. It should fire where a verdict expects it, and in the faults and phases whose truth
    /// names it.
    #[must_use]
    pub fn of(plan: &Plan, verdicts: &[VerdictPlan], seen: &Observation, alert: &str) -> Self {
        let is_about = |verdict: &&VerdictPlan| match &verdict.verdict {
            Verdict::Fires { alert: of, .. } => of.name == alert && verdict.scope != Scope::Run,
            _ => false,
        };
        let scopes: Vec<Scope> = verdicts.iter().filter(is_about).map(|it| it.scope.clone()).collect();
        let windows = truth_of(plan, seen, alert, &scopes);
        let own = |alerts: &[AlertSeries]| -> Vec<AlertSeries> {
            alerts.iter().filter(|series| series.name == alert).cloned().collect()
        };
        let (run, twin) = (own(&seen.alerts), own(seen.twin.as_deref().unwrap_or_default()));
        let begins = || run.iter().flat_map(|series| &series.firing).map(|firing| firing.begin);
        let delays = windows.iter().filter_map(|(begin, end)| {
            let first = begins().filter(|at| (*begin..=*end).contains(at)).min()?;
            Some(first.since(*begin))
        });
        let false_alarms = |alerts: &[AlertSeries], has_faults| {
            let expected = ExpectedAlerts::of(plan, verdicts, seen, has_faults);
            let is_false = |series: &AlertSeries, firing: &&Firing| !expected.has(series, **firing);
            let of_series =
                |series: &AlertSeries| series.firing.iter().filter(|it| is_false(series, it)).count();
            alerts.iter().map(of_series).sum::<usize>()
        };
        Self {
            expected: windows.len(),
            delays: delays.collect(),
            false_alarms: false_alarms(&run, true) + false_alarms(&twin, false),
        }
    }
}
