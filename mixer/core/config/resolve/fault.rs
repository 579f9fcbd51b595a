//! Faults of a host: the faults themselves, their windows, episodes and affected metrics.

use indexmap::IndexMap;

use super::resolver::{Resolver, SHORTEST_INTERVAL};
use crate::config::template::{FaultTemplate, HostTemplate};
use crate::config::value::Scalar;
use crate::error::suggestion;
use crate::event::{DELIVERY_DELAY, Source, Subscription};
use crate::fault::{
    Cycle, Fault, FaultPlan, FaultTrigger, HELD_REPORTS_MAX, Pulses, ReportDelay, fault_events,
};
use crate::name_regex;
use crate::number::Shown;
use crate::plan::{Action, HostShape, Listener};
use crate::scenario::{Arguments, MetricContext};
use crate::time::Span;

/// The shortest time from one begin of a fault to the next: hosts hear of a begin and of an end 50 ms later each.
const SHORTEST_PERIOD: Span = Span::from_nanos(2 * DELIVERY_DELAY.as_nanos());

impl Resolver<'_> {
    /// Adds the host's faults to its shape, with listeners that open and close their windows.
    pub(super) fn faults(&mut self, template: &HostTemplate, shape: &mut HostShape) -> Option<()> {
        let mut is_whole = true;
        let mut counts: IndexMap<&str, usize> = IndexMap::new();
        for fault in &template.faults {
            if self.problems.is_over() {
                return None;
            }
            let index = shape.faults.len();
            // No metric can have this name, so no metric has this stream.
            let count = counts.entry(fault.kind.name).or_default();
            let stream = format!("dirt {} {count}", fault.kind.name);
            let Some(plan) = self.one_fault(fault, shape, stream) else {
                // The next ones may have errors, too.
                is_whole = false;
                continue;
            };
            *count += 1;
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
        is_whole.then_some(())
    }

    fn one_fault(
        &mut self,
        template: &FaultTemplate,
        shape: &HostShape,
        stream: String,
    ) -> Option<FaultPlan> {
        let fault = self.fault(template)?;
        self.refuse_same_events(template)?;
        let (trigger, window, pulses) = self.occasions(template, &fault)?;
        let probability = self.probability(template)?;
        let metrics = self.fault_metrics(template, &fault, shape, "")?;
        let events = fault_events(&fault);
        Some(FaultPlan { fault, trigger, window, pulses, probability, metrics, events, stream })
    }

    /// Refuses an event that opens and closes the same fault: it would never be on after it.
    fn refuse_same_events(&mut self, template: &FaultTemplate) -> Option<()> {
        for until in &template.until {
            let closes = Subscription::parse(&self.value("until", until)?);
            for on in &template.on {
                let opens = Subscription::parse(&self.value("on", on)?);
                let is_covered = closes.source == Source::Any || closes.source == opens.source;
                if opens.event == closes.event && is_covered {
                    let message = format!(
                        "event {:?} would end the fault at once, since on names it, too; name another event, or give the fault lasts",
                        opens.event
                    );
                    self.problems.error(until.span, message);
                    return None;
                }
            }
        }
        Some(())
    }

    pub(super) fn probability(&mut self, template: &FaultTemplate) -> Option<f64> {
        let probability = self.optional("probability", template.probability.as_ref(), 1.0)?;
        if probability > 0.0 && probability <= 1.0 {
            return Some(probability);
        }
        let place = template.probability.as_ref().map_or(template.span, |scalar| scalar.span);
        self.problems.error(
            place,
            format!("probability must be above 0 and 1 at most, but is {}", Shown(probability)),
        );
        None
    }

    /// The fault of the kind, with its parameters.
    pub(super) fn fault(&mut self, template: &FaultTemplate) -> Option<Fault> {
        let mut arguments = Arguments::default();
        for (param, value) in &template.params {
            let argument = self.argument(param, value, MetricContext::default())?;
            arguments.set(param.name, argument);
        }
        let place = |wrong: Option<&str>| {
            let param = template.params.iter().find(|(param, _)| Some(param.name) == wrong);
            param.and_then(|(_, value)| value.place("")).unwrap_or(template.span)
        };
        let built = (template.kind.build)(&mut arguments);
        built.map_err(|error| self.problems.error(place(error.param), error.message)).ok()
    }

    /// `None`, and an error, for a given length that is too short.
    pub(super) fn refuse_short(&mut self, given: Option<&Scalar<Span>>, lasts: Span) -> Option<()> {
        let Some(given) = given.filter(|_| lasts < SHORTEST_INTERVAL) else { return Some(()) };
        self.problems.error(given.span, format!("lasts must be 1ms or longer, but is {lasts}"));
        None
    }

    /// The time from one begin of a fault to the next.
    pub(super) fn fault_period(&mut self, every: &Scalar<Span>) -> Option<Span> {
        let period = self.value("every", every)?;
        if (SHORTEST_PERIOD..Span::FOREVER).contains(&period) {
            return Some(period);
        }
        let message = format!("every must be {SHORTEST_PERIOD} or longer and not endless, but is {period}");
        self.problems.error(every.span, message);
        None
    }

    /// Trigger, length and episodes of windows.
    fn occasions(
        &mut self,
        template: &FaultTemplate,
        fault: &Fault,
    ) -> Option<(FaultTrigger, Span, Option<Pulses>)> {
        let lacks = |this: &mut Self, message: &str| {
            if template.is_whole { this.refuse_kind(template, message) } else { None }
        };
        let trigger = self.trigger(template)?;
        let lasts = self.optional("lasts", template.lasts.as_ref(), Span::FOREVER)?;
        self.refuse_short(template.lasts.as_ref(), lasts)?;
        if let Some(cycle) = fault.cycle() {
            return Some((
                trigger,
                lasts,
                Some(self.cycle_pulses(template, trigger == FaultTrigger::OnEvent, cycle)?),
            ));
        }
        let is_timed = template.at.is_some() || template.every.is_some() || lasts != Span::FOREVER;
        if let Some(message) = template.kind.untimed_error
            && trigger != FaultTrigger::OnEvent
            && !is_timed
        {
            return lacks(self, message);
        }
        let lasts = if fault.is_instant() { Span::ZERO } else { lasts };
        let Some(every) = &template.every else {
            if trigger == FaultTrigger::OnEvent && lasts == Span::FOREVER && template.until.is_empty() {
                return lacks(self, "needs lasts or until: its length after the event");
            }
            return Some((trigger, lasts, None));
        };
        if trigger == FaultTrigger::OnEvent {
            return self.refuse_kind(template, "takes either every or on");
        }
        if lasts == Span::FOREVER {
            return lacks(self, "needs lasts: the length of each episode");
        }
        let period = self.fault_period(every)?;
        let jitter = self.optional("jitter", template.jitter.as_ref(), Span::ZERO)?;
        if lasts.plus(jitter) >= period {
            self.problems.error(every.span, "lasts and jitter together must be shorter than every");
            return None;
        }
        let first = if template.at.is_some() { Span::ZERO } else { period };
        Some((trigger, Span::FOREVER, Some(Pulses { first, every: period, jitter, lasts })))
    }

    fn trigger(&mut self, template: &FaultTemplate) -> Option<FaultTrigger> {
        let trigger = match &template.at {
            Some(_) if !template.on.is_empty() => {
                return self.refuse_kind(template, "takes either at or on");
            }
            Some(at) => FaultTrigger::At(self.value("at", at)?),
            None if template.on.is_empty() => FaultTrigger::At(Span::ZERO),
            None => FaultTrigger::OnEvent,
        };
        if trigger != FaultTrigger::OnEvent && !template.until.is_empty() {
            return self.refuse_kind(template, "takes until only together with on");
        }
        Some(trigger)
    }

    /// `None`, and an error that begins with the name of the fault's kind.
    fn refuse_kind<T>(&mut self, template: &FaultTemplate, message: &str) -> Option<T> {
        self.problems.error(template.span, format!("{} {message}", template.kind.name));
        None
    }

    /// Episodes of a fault with a cycle of its own: off first; after an event on first.
    pub(super) fn cycle_pulses(
        &mut self,
        template: &FaultTemplate,
        is_on_event: bool,
        Cycle { off, on }: Cycle,
    ) -> Option<Pulses> {
        let jitter = self.optional("jitter", template.jitter.as_ref(), Span::ZERO)?;
        if jitter >= off {
            let name = template.kind.name;
            self.problems.error(template.span, format!("{name}'s jitter must be shorter than up"));
            return None;
        }
        let every = off.plus(on);
        if every < SHORTEST_PERIOD {
            let name = template.kind.name;
            let message =
                format!("{name}'s up and down must be {SHORTEST_PERIOD} or longer together, but are {every}");
            self.problems.error(template.span, message);
            return None;
        }
        let first = if is_on_event { Span::ZERO } else { off };
        Some(Pulses { first, every, jitter, lasts: on })
    }

    /// The affected metrics; empty for the host as a whole. `place` is put before errors.
    pub(super) fn fault_metrics(
        &mut self,
        template: &FaultTemplate,
        fault: &Fault,
        shape: &HostShape,
        place: &str,
    ) -> Option<Vec<usize>> {
        let affects = |index: &usize| fault.affects(&shape.metrics[*index].cells);
        let all = 0..shape.metrics.len();
        let mut found: Vec<usize> = Vec::new();
        for pattern in &template.metrics {
            let text = self.value("metrics", pattern)?;
            let regex = name_regex::parse_whole(&text).map_err(|error| {
                let message = format!("{text:?} {error}; write a name, or as in \"cpu.*\"");
                self.problems.error(pattern.span, message);
            });
            let regex = regex.ok()?;
            let before = found.len();
            found.extend(
                all.clone().filter(|index| regex.is_match(&shape.metrics[*index].name)).filter(affects),
            );
            if found.len() == before {
                let what = fault.metric_word();
                let known = shape.metrics.iter().filter(|metric| fault.affects(&metric.cells));
                let known: Vec<&str> = known.map(|metric| &*metric.name).collect();
                let hint = suggestion(&text, &known);
                self.problems.error(pattern.span, format!("{place}the host has no {what} {text:?}{hint}"));
                return None;
            }
        }
        let is_about_all = template.metrics.is_empty() && fault.is_about_metrics();
        if is_about_all {
            found.extend(all.filter(affects));
        }
        found.sort_unstable();
        found.dedup();
        if is_about_all && found.is_empty() {
            self.problems.error(template.span, format!("{place}the host has no {}", fault.metric_word()));
            return None;
        }
        Some(found)
    }

    /// Refuses faults that the host cannot have.
    pub(super) fn refuse_faults(&mut self, template: &HostTemplate, shape: &HostShape, interval: Span) {
        for (plan, template) in shape.faults.iter().zip(&template.faults) {
            if self.problems.is_over() {
                return;
            }
            let errors = [Self::delay_error(&plan.fault, shape, interval), Self::model_error(plan, shape)];
            errors.into_iter().flatten().for_each(|error| self.problems.error(template.span, error));
        }
    }

    /// The error of a fault of a model that the host does not have.
    pub(super) fn model_error(plan: &FaultPlan, shape: &HostShape) -> Option<String> {
        let event = plan.model_event(Span::FOREVER)?;
        let hears = |listener: &Listener| {
            matches!(listener.action, Action::NotifyMembers(_)) && listener.subscription.event == event.name
        };
        (!shape.listeners.iter().any(hears)).then(|| {
            let name = plan.fault.name();
            let (of, workload) =
                plan.fault.model().map_or(("its kind", "…"), |model| (model.of, model.workload));
            format!("{name} is for a host with a model of {of}; give it Pool(workload: {workload}(…))")
        })
    }

    /// The error of a delay that keeps too many reports in transit, or members of pools.
    pub(super) fn delay_error(fault: &Fault, shape: &HostShape, interval: Span) -> Option<String> {
        let ReportDelay { by, .. } = fault.delay()?;
        let name = fault.name();
        if !shape.pools.is_empty() {
            return Some(format!("{name} is for hosts without pools; give the pools a host of their own"));
        }
        let is_long = by.as_nanos() / interval.as_nanos().max(1) >= HELD_REPORTS_MAX as u64;
        is_long.then(|| {
            format!("{name} would keep {HELD_REPORTS_MAX} reports or more waiting; lower by, or raise the host's interval")
        })
    }
}
