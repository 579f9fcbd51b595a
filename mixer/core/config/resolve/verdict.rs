//! Verdicts: their phases and faults exist, and their numbers make sense.

use super::resolver::Resolver;
use super::run_fault_times::Reported;
use crate::config::template::{AlertTemplate, VerdictKind, VerdictTemplate};
use crate::config::value::Scalar;
use crate::error::suggestion;
use crate::plan::{AlertSelection, QUERY_RUNS, Scope, TimelinePlan, Verdict, VerdictPlan};
use crate::time::Span;

impl Resolver<'_> {
    /// The verdicts of the run. Phases are known already; faults are those of the template, also for a twin without them.
    pub(super) fn verdicts(&mut self, timeline: &TimelinePlan) -> Vec<VerdictPlan> {
        let template = self.template;
        let mut verdicts = Vec::new();
        for verdict in &template.verdicts {
            if self.problems.is_over() {
                break;
            }
            let (scope, kind) = (self.verdict_scope(verdict, timeline), self.verdict(verdict));
            if let (Some(scope), Some(verdict)) = (scope, kind) {
                verdicts.push(VerdictPlan { verdict, scope });
            }
        }
        verdicts
    }

    fn verdict(&mut self, template: &VerdictTemplate) -> Option<Verdict> {
        Some(match &template.kind {
            VerdictKind::Fires { alert, within, times } => {
                let alert = self.alert(alert);
                let within = self.within(within.as_ref()).ok()?;
                let times = match times {
                    Some(times) => self.number_from_one("times", times)?,
                    None => 1,
                };
                Verdict::Fires { alert: alert?, within, times: u32::try_from(times).unwrap_or(u32::MAX) }
            }
            VerdictKind::Resolves { alert, within } => {
                let (alert, within) = (self.alert(alert), self.value("within", within));
                Verdict::Resolves { alert: alert?, within: within? }
            }
            VerdictKind::NoOtherAlerts { except } => {
                let except = except.iter().filter_map(|name| self.name("except", name)).collect();
                Verdict::NoOtherAlerts { except }
            }
            VerdictKind::Holds { query } => Verdict::Holds { query: query.clone() },
            VerdictKind::First { query, between } => {
                let between = match between {
                    Some((from, to)) => Some(self.between(from, to)?),
                    None => None,
                };
                Verdict::First { query: query.clone(), between }
            }
            VerdictKind::Series { total, each } => {
                if total.is_none() && each.is_none() {
                    let message = "series needs a budget: total, or each, or both";
                    self.problems.error(template.span, message);
                }
                let mut budget = |name, number: &Option<Scalar<i64>>| match number {
                    Some(number) => self.number_from_one(name, number).map(Some),
                    None => Some(None),
                };
                let (total, each) = (budget("total", total), budget("each", each));
                Verdict::Series { total: total?, each: each? }
            }
            VerdictKind::Panels { dashboard, may_be_empty } => {
                let dashboard = self.text("dashboard", dashboard)?;
                Verdict::Panels { dashboard, may_be_empty: may_be_empty.clone() }
            }
            VerdictKind::QueryTime { query, p95, runs } => self.query_time(query, (p95, runs.as_ref()))?,
            VerdictKind::Notifies { receiver, alert, within } => {
                let (receiver, alert) = (self.name("receiver", receiver), self.alert(alert));
                let within = self.within(within.as_ref()).ok()?;
                Verdict::Notifies { receiver: receiver?, alert: alert?, within }
            }
        })
    }

    fn alert(&mut self, template: &AlertTemplate) -> Option<AlertSelection> {
        let name = self.name("alert", &template.name)?;
        let labels =
            template.labels.iter().map(|(name, value)| Some((name.clone(), self.text(name, value)?)));
        let labels: Vec<_> = labels.collect();
        Some(AlertSelection { name, labels: labels.into_iter().collect::<Option<_>>()? })
    }

    fn query_time(
        &mut self,
        query: &str,
        (p95, runs): (&Scalar<Span>, Option<&Scalar<i64>>),
    ) -> Option<Verdict> {
        let p95 = self.value("p95", p95);
        let runs = match runs {
            Some(runs) => self.number_from_one("runs", runs)?,
            None => u64::from(QUERY_RUNS),
        };
        let runs = u32::try_from(runs).unwrap_or(u32::MAX);
        Some(Verdict::QueryTime { query: query.to_owned(), p95: p95?, runs })
    }

    /// The longest time of a verdict, if it has one.
    fn within(&mut self, within: Option<&Scalar<Span>>) -> Result<Option<Span>, Reported> {
        within.map(|within| self.value("within", within).ok_or(Reported)).transpose()
    }

    fn number_from_one(&mut self, name: &str, number: &Scalar<i64>) -> Option<u64> {
        match self.value(name, number)? {
            number @ 1.. => Some(number.unsigned_abs()),
            less => {
                self.problems.error(number.span, format!("{name} must be 1 or more, but is {less}"));
                None
            }
        }
    }

    fn between(&mut self, from: &Scalar<Span>, to: &Scalar<Span>) -> Option<(Span, Span)> {
        let (begin, end) = (self.value("between", from), self.value("between", to));
        let (begin, end) = (begin?, end?);
        if begin >= end {
            let message = format!("between ends at {end}, which is not after its begin at {begin}");
            self.problems.error(to.span, message);
            return None;
        }
        Some((begin, end))
    }

    /// The phase or the fault that a verdict is about.
    fn verdict_scope(&mut self, template: &VerdictTemplate, timeline: &TimelinePlan) -> Option<Scope> {
        match (&template.of, &template.during) {
            (None, None) => Some(Scope::Run),
            (Some(_), Some(during)) => {
                let message = "a verdict is of a fault, or during a phase; keep one of them";
                self.problems.error(during.span, message);
                None
            }
            (Some(of), None) => {
                let known = self.fault_ids();
                self.known_name(of, "fault", &known).map(|id| Scope::Fault(id.into()))
            }
            (None, Some(during)) => {
                let known: Vec<String> = timeline.phases.iter().map(|phase| phase.name.to_string()).collect();
                self.known_name(during, "phase", &known).map(|name| Scope::Phase(name.into()))
            }
        }
    }

    /// The ids of all faults that the config has.
    fn fault_ids(&mut self) -> Vec<String> {
        let template = self.template;
        let of_timeline = template.timeline.iter().flat_map(|timeline| &timeline.faults);
        let all = template.faults.iter().chain(of_timeline);
        all.filter_map(|fault| fault.id.evaluate(&self.names).ok()).collect()
    }

    fn known_name(&mut self, name: &Scalar<String>, what: &str, known: &[String]) -> Option<String> {
        let text = self.value(what, name)?;
        if known.contains(&text) {
            return Some(text);
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let hint =
            if known.is_empty() { "; the config has none".to_owned() } else { suggestion(&text, &known) };
        self.problems.error(name.span, format!("unknown {what} {text:?}{hint}"));
        None
    }
}
