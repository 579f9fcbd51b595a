//! Faults (`dirt`) of a host: kinds, windows, episodes and affected metrics.

use regex_lite::Regex;

use super::resolver::Resolver;
use crate::config::template::{FaultTemplate, HostTemplate};
use crate::error::{SourceSpan, suggestion};
use crate::event::Subscription;
use crate::plan::{
    Action, FaultKind, FaultPlan, FaultTrigger, HELD_REPORTS_MAX, HostShape, Listener, MetricPlan, Pulses,
};
use crate::time::Span;

impl Resolver<'_> {
    /// Adds the host's faults to its shape, with listeners that open and close their windows.
    pub(super) fn faults(&mut self, template: &HostTemplate, shape: &mut HostShape) -> Option<()> {
        for fault in &template.dirt {
            let index = shape.faults.len();
            // No metric can have this name, so no metric has this stream.
            let stream = format!("dirt {} ", fault.name);
            let same = shape.faults.iter().filter(|other| other.stream.starts_with(&stream)).count();
            let stream = format!("{stream}{same}");
            let plan = self.one_fault(fault, shape, stream)?;
            plan.events.iter().for_each(|event| self.events.emit(event));
            for (events, action) in
                [(&fault.on, Action::OpenFault(index)), (&fault.until, Action::CloseFault(index))]
            {
                for event in events {
                    let subscription = Subscription::parse(&self.value("event", event)?);
                    self.events.subscribe(&subscription, event.span);
                    let action = action.clone();
                    shape.listeners.push(Listener { subscription, action, when: None });
                }
            }
            shape.faults.push(plan);
        }
        Some(())
    }

    fn one_fault(
        &mut self,
        template: &FaultTemplate,
        shape: &HostShape,
        stream: String,
    ) -> Option<FaultPlan> {
        let kind = self.fault_kind(template)?;
        let (trigger, window, pulses) = self.occasions(template)?;
        let probability = self.optional("probability", template.probability.as_ref(), 1.0)?;
        if !(probability > 0.0 && probability <= 1.0) {
            let place = template.probability.as_ref().map_or(template.span, |scalar| scalar.span);
            let message = format!("probability must be above 0 and 1 at most, but is {probability}");
            self.problems.error(place, message);
            return None;
        }
        let metrics = self.fault_metrics(template, kind, shape)?;
        // A gap of some metrics is not a host that is down.
        let kind = if kind == FaultKind::Down && !metrics.is_empty() { FaultKind::Gap } else { kind };
        let events = match kind {
            FaultKind::CounterReset => ["dirt_counter_reset".into(), "dirt_counter_reset".into()],
            _ => ["started", "ended"].map(|turn| event(template.name, turn).into()),
        };
        Some(FaultPlan { kind, trigger, window, pulses, probability, metrics, events, stream })
    }

    fn fault_kind(&mut self, template: &FaultTemplate) -> Option<FaultKind> {
        let by = |this: &mut Self| {
            let Some(by) = template.span_of("by") else {
                let name = template.name;
                this.problems.error(template.span, format!("{name} needs by: the delay of a report"));
                return None;
            };
            this.interval("by", Some(by), Span::ZERO)
        };
        Some(match template.name {
            "counter_reset" => FaultKind::CounterReset,
            "nan" => FaultKind::Nan,
            "late" => FaultKind::Late(by(self)?),
            "out_of_order" => FaultKind::OutOfOrder(by(self)?),
            "clock_skew" => {
                let given = [template.span_of("ahead"), template.span_of("behind")];
                if given.iter().flatten().count() != 1 {
                    self.problems.error(
                        template.span,
                        "clock_skew needs either ahead or behind: the offset of the clock",
                    );
                    return None;
                }
                let mut wrong_by = |field, scalar| match scalar {
                    Some(_) => self.interval(field, scalar, Span::ZERO),
                    None => Some(Span::ZERO),
                };
                FaultKind::ClockSkew {
                    ahead: wrong_by("ahead", given[0])?,
                    behind: wrong_by("behind", given[1])?,
                }
            }
            _ => FaultKind::Down,
        })
    }

    /// Trigger, length and episodes of windows.
    fn occasions(&mut self, template: &FaultTemplate) -> Option<(FaultTrigger, Span, Option<Pulses>)> {
        let given = |name| template.span_of(name);
        let refused = |this: &mut Self, message: &str| {
            this.problems.error(template.span, format!("{} {message}", template.name));
            None
        };
        let trigger = match given("start_time") {
            Some(_) if !template.on.is_empty() => return refused(self, "takes either start_time or on"),
            Some(start) => FaultTrigger::At(self.value("start_time", start)?),
            None if template.on.is_empty() => FaultTrigger::At(Span::ZERO),
            None => FaultTrigger::OnEvent,
        };
        if trigger != FaultTrigger::OnEvent && !template.until.is_empty() {
            return refused(self, "takes until only together with on");
        }
        let duration = self.optional("duration", given("duration"), Span::FOREVER)?;
        if template.name == "flapping" {
            return Some((trigger, duration, Some(self.flapping(template, trigger)?)));
        }
        let is_reset = template.name == "counter_reset";
        let is_scheduled = given("start_time").is_some() || given("every").is_some();
        if trigger != FaultTrigger::OnEvent && (is_reset && !is_scheduled) {
            return refused(self, "needs every, start_time or on: the time of the fault");
        }
        if template.name == "gap"
            && trigger != FaultTrigger::OnEvent
            && !is_scheduled
            && duration == Span::FOREVER
        {
            return refused(
                self,
                "needs every, start_time, duration or on; without them the host never has a sample",
            );
        }
        let duration = if is_reset { Span::ZERO } else { duration };
        let Some(every) = given("every") else {
            if trigger == FaultTrigger::OnEvent && duration == Span::FOREVER && template.until.is_empty() {
                return refused(self, "needs duration or until: its length after the event");
            }
            return Some((trigger, duration, None));
        };
        if trigger == FaultTrigger::OnEvent {
            return refused(self, "takes either every or on");
        }
        if duration == Span::FOREVER {
            return refused(self, "needs duration: the length of each episode");
        }
        let period = self.interval("every", Some(every), Span::ZERO)?;
        let jitter = self.optional("jitter", given("jitter"), Span::ZERO)?;
        if duration.as_nanos().saturating_add(jitter.as_nanos()) >= period.as_nanos() {
            self.problems.error(every.span, "duration and jitter together must be shorter than every");
            return None;
        }
        let first = if given("start_time").is_some() { Span::ZERO } else { period };
        Some((trigger, Span::FOREVER, Some(Pulses { first, every: period, jitter, duration })))
    }

    /// Episodes of a flapping host: up first; after an event down first.
    fn flapping(&mut self, template: &FaultTemplate, trigger: FaultTrigger) -> Option<Pulses> {
        let mut needed = |field: &str| {
            let Some(scalar) = template.span_of(field) else {
                let message = format!("flapping needs {field}: the time for which the host is {field}");
                self.problems.error(template.span, message);
                return None;
            };
            self.interval(field, Some(scalar), Span::ZERO)
        };
        let (up, down) = (needed("up")?, needed("down")?);
        let jitter = self.optional("jitter", template.span_of("jitter"), Span::ZERO)?;
        if jitter >= up {
            self.problems.error(template.span, "flapping's jitter must be shorter than up");
            return None;
        }
        let every = Span::from_nanos(up.as_nanos().saturating_add(down.as_nanos()));
        let first = if trigger == FaultTrigger::OnEvent { Span::ZERO } else { up };
        Some(Pulses { first, every, jitter, duration: down })
    }

    /// The affected metrics; empty for the host as a whole.
    fn fault_metrics(
        &mut self,
        template: &FaultTemplate,
        kind: FaultKind,
        shape: &HostShape,
    ) -> Option<Vec<usize>> {
        let applies_to = |index: &usize| applies_to(kind, &shape.metrics[*index]);
        let all = 0..shape.metrics.len();
        let mut found: Vec<usize> = Vec::new();
        for pattern in &template.metrics {
            let text = self.value("metrics", pattern)?;
            let regex = Regex::new(&format!("^(?:{text})$"));
            let regex = regex.map_err(|error| {
                let message = format!(
                    "{text:?} is not a regular expression: {error}; write a name, or as in \"cpu.*\""
                );
                self.problems.error(pattern.span, message);
            });
            let regex = regex.ok()?;
            let before = found.len();
            found.extend(
                all.clone().filter(|index| regex.is_match(&shape.metrics[*index].name)).filter(applies_to),
            );
            if found.len() == before {
                self.no_metric(&text, pattern.span, kind, shape);
                return None;
            }
        }
        let is_about_all =
            template.metrics.is_empty() && matches!(kind, FaultKind::CounterReset | FaultKind::Nan);
        if is_about_all {
            found.extend(all.filter(applies_to));
        }
        found.sort_unstable();
        found.dedup();
        if is_about_all && found.is_empty() {
            let what = if kind == FaultKind::CounterReset { "counter to reset" } else { "metric" };
            self.problems.error(template.span, format!("the host has no {what}"));
            return None;
        }
        Some(found)
    }

    fn no_metric(&mut self, pattern: &str, span: SourceSpan, kind: FaultKind, shape: &HostShape) {
        let what = if kind == FaultKind::CounterReset { "counter or histogram" } else { "metric" };
        let known = shape.metrics.iter().filter(|metric| applies_to(kind, metric));
        let known: Vec<&str> = known.map(|metric| &*metric.name).collect();
        let hint = suggestion(pattern, &known);
        self.problems.error(span, format!("the host has no {what} {pattern:?}{hint}"));
    }

    /// Refuses a delay that keeps too many reports in transit.
    pub(super) fn refuse_long_delays(&mut self, template: &HostTemplate, shape: &HostShape, interval: Span) {
        for (fault, template) in shape.faults.iter().zip(&template.dirt) {
            let (FaultKind::Late(by) | FaultKind::OutOfOrder(by)) = fault.kind else { continue };
            if !shape.pools.is_empty() {
                let name = template.name;
                let message =
                    format!("{name} is for hosts without pools; give the pools a host of their own");
                self.problems.error(template.span, message);
            }
            if by.as_nanos() / interval.as_nanos().max(1) >= HELD_REPORTS_MAX as u64 {
                let message = format!(
                    "{} would keep {HELD_REPORTS_MAX} reports or more waiting; lower by, or raise the host's interval",
                    template.name
                );
                self.problems.error(template.span, message);
            }
        }
    }
}

/// `true` if a metric can have this fault.
fn applies_to(kind: FaultKind, metric: &MetricPlan) -> bool {
    kind != FaultKind::CounterReset || metric.cells.resets()
}

fn event(kind: &str, turn: &str) -> String {
    format!("dirt_{kind}_{turn}")
}
