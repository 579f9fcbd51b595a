//! Levers and faults of the run.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::resolver::{Resolver, SHORTEST_INTERVAL};
use crate::config::arguments::is_name;
use crate::config::template::{CurveKind, CurveTemplate, LeverChangeTemplate, RunFaultTemplate};
use crate::config::value::Scalar;
use crate::error::{SourceSpan, suggestion};
use crate::plan::{Curve, FaultTimes, HostSelection, LeverChange, LeverPlan, Plan, RunFault, RunPart};
use crate::time::Span;

impl Resolver<'_> {
    /// The levers, which all formulas know from now on.
    pub(super) fn levers(&mut self) {
        let template = self.template;
        for (name, lever) in &template.levers {
            if !is_name(name) {
                let message =
                    format!("a lever cannot be called {name:?}; choose a name of letters and digits");
                self.problems.error(lever.span, message);
            }
            // A lever with a wrong value is still known, so that what reads it has no error.
            let default = lever.default.as_ref().and_then(|default| self.finite(name, default));
            self.levers.push(LeverPlan { name: name.as_str().into(), default: default.unwrap_or_default() });
        }
        self.lever_defaults = self.levers.iter().map(|lever| lever.default).collect();
        self.names.set_levers(self.levers.iter().map(|lever| Arc::clone(&lever.name)).collect());
    }

    /// The index of a lever by its name.
    pub(super) fn lever_index(&mut self, name: &str, span: SourceSpan) -> Option<usize> {
        let index = self.levers.iter().position(|lever| *lever.name == *name);
        if index.is_none() {
            let known: Vec<&str> = self.levers.iter().map(|lever| &*lever.name).collect();
            self.problems.error(span, format!("unknown lever {name:?}{}", suggestion(name, &known)));
        }
        index
    }

    /// The faults of the run. Hosts are known already; `all_hosts` if none of them had an error.
    pub(super) fn run_faults(&mut self, all_hosts: bool) -> Vec<Arc<RunFault>> {
        let (mut faults, mut ids) = (Vec::new(), IndexSet::new());
        for template in &self.template.faults {
            let id: Option<Arc<str>> = self.value("id", &template.id).map(Into::into);
            match &id {
                Some(id) if id.is_empty() => {
                    self.problems.error(template.id.span, "a fault's id must not be empty");
                }
                Some(id) if !ids.insert(Arc::clone(id)) => {
                    let message = format!("two faults are called {id:?}; an id must be unique");
                    self.problems.error(template.id.span, message);
                }
                _ => {}
            }
            let times = self.fault_times(template);
            let hosts = self.fault_hosts(&template.hosts, all_hosts);
            let changes: Vec<_> = template.changes.iter().map(|change| self.lever_change(change)).collect();
            let changes = changes.into_iter().collect::<Option<_>>();
            if let (Some(id), Some(times), Some(hosts), Some(changes)) = (id, times, hosts, changes) {
                faults.push(Arc::new(RunFault { id, times, hosts, changes }));
            }
        }
        faults
    }

    fn fault_times(&mut self, template: &RunFaultTemplate) -> Option<FaultTimes> {
        let at = self.optional("at", template.at.as_ref(), Span::ZERO)?;
        let lasts = self.optional("lasts", template.lasts.as_ref(), Span::FOREVER)?;
        if let Some(place) = template.at.as_ref().filter(|_| at == Span::FOREVER) {
            self.problems.error(place.span, "at must not be endless: the fault would never begin");
        }
        if let Some(place) = template.lasts.as_ref().filter(|_| lasts < SHORTEST_INTERVAL) {
            self.problems.error(place.span, format!("lasts must be 1ms or longer, but is {lasts}"));
            return None;
        }
        let Some(given) = &template.every else { return Some(FaultTimes { at, lasts, every: None }) };
        let every = self.interval("every", Some(given), Span::ZERO)?;
        if lasts > every {
            let message = match &template.lasts {
                Some(_) => {
                    format!("every {every} is shorter than lasts {lasts}; the fault would overlap itself")
                }
                None => "every needs lasts: the length of the fault each time".to_owned(),
            };
            self.problems.error(given.span, message);
            return None;
        }
        Some(FaultTimes { at, lasts, every: Some(every) })
    }

    /// The hosts that a fault concerns; the inner `None` is all of them.
    #[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
    fn fault_hosts(&mut self, patterns: &[Scalar<String>], all_hosts: bool) -> Option<Option<HostSelection>> {
        let texts: Vec<_> = patterns.iter().map(|pattern| self.host_pattern(pattern, all_hosts)).collect();
        let texts: Vec<String> = texts.into_iter().collect::<Option<_>>()?;
        let selection = HostSelection::any_of(texts.iter().map(String::as_str)).ok()?;
        Some((!texts.is_empty()).then_some(selection))
    }

    /// The text of a pattern that selects at least one host.
    fn host_pattern(&mut self, pattern: &Scalar<String>, all_hosts: bool) -> Option<String> {
        let text = self.value("hosts", pattern)?;
        match HostSelection::parse(&text) {
            Ok(hosts) if self.hosts.iter().any(|host| hosts.matches(host)) => return Some(text),
            // It may select a host that has an error.
            Ok(_) if !all_hosts || self.hosts.is_empty() => {}
            Ok(_) => {
                let known: Vec<&str> = self.host_names.iter().map(|name| &**name).collect();
                let hint = suggestion(&text, &known);
                self.problems.error(pattern.span, format!("no host matches {text:?}{hint}"));
            }
            Err(error) => self.problems.error(pattern.span, error),
        }
        None
    }

    fn lever_change(&mut self, template: &LeverChangeTemplate) -> Option<LeverChange> {
        let lever = self.lever_index(&template.lever, template.span);
        let curve = self.curve(&template.lever, &template.curve);
        Some(LeverChange { lever: lever?, by: template.by, curve: curve? })
    }

    fn curve(&mut self, lever: &str, template: &CurveTemplate) -> Option<Curve> {
        Some(match &template.kind {
            CurveKind::Constant(value) => Curve::Constant(self.finite(lever, value)?),
            CurveKind::Ramp { to, over } => {
                let (to, over) = (self.finite("to", to)?, self.value("over", over)?);
                Curve::Ramp { to, over }
            }
            CurveKind::Points(points) => {
                let points = points
                    .iter()
                    .map(|(at, value)| Some((self.value("the time", at)?, self.finite("the value", value)?)));
                let points: Vec<(Span, f64)> = points.collect::<Option<_>>()?;
                if !points.is_sorted_by(|a, b| a.0 < b.0) {
                    self.problems.error(template.span, "the times of a curve must grow from point to point");
                    return None;
                }
                Curve::Points(points)
            }
            CurveKind::Sine { period, amplitude, offset } => Curve::Sine {
                period: self.interval("period", Some(period), Span::ZERO)?,
                amplitude: self.finite("amplitude", amplitude)?,
                offset: match offset {
                    Some(offset) => Some(self.finite("offset", offset)?),
                    None => None,
                },
            },
        })
    }

    pub(super) fn finite(&mut self, field: &str, scalar: &Scalar<f64>) -> Option<f64> {
        let value = self.value(field, scalar)?;
        if !value.is_finite() {
            self.problems.error(scalar.span, format!("{field} must be a finite number, but is {value}"));
            return None;
        }
        Some(value)
    }
}

/// Gives each host the part of the run's levers and faults that reaches it. Hosts with equal parts share one.
pub(super) fn share_run_parts(plan: &mut Plan) {
    let mut known: IndexMap<Vec<*const RunFault>, Arc<RunPart>> = IndexMap::new();
    let parts: Vec<Option<Arc<RunPart>>> = plan
        .hosts
        .iter()
        .map(|host| {
            let part = plan.run_part(host)?;
            let key = part.faults.iter().map(Arc::as_ptr).collect();
            Some(Arc::clone(known.entry(key).or_insert_with(|| Arc::new(part))))
        })
        .collect();
    for (host, part) in plan.hosts.iter_mut().zip(parts) {
        // The plan of a host has no second owner yet.
        if let Some(host) = Arc::get_mut(host) {
            host.run = part;
        }
    }
}
