//! The times of a fault of the run: set ones, in a phase, or on events.

use super::resolver::Resolver;
use super::timeline::Container;
use crate::config::template::{FaultTemplate, RunFaultTemplate};
use crate::event::{Source, Subscription};
use crate::fault::{AnyFaultKind, FaultSchedule, Windows};
use crate::plan::TimelinePlan;
use crate::time::Span;

/// An error that is among the problems already.
pub(super) struct Reported;

impl Resolver<'_> {
    /// The events on which a fault begins. A run has none of its own, so an own event is any host's.
    pub(super) fn fault_triggers(&mut self, template: &RunFaultTemplate) -> Option<Vec<Subscription>> {
        let timed = [("at", template.at.as_ref().map(|at| at.span))];
        let timed = timed.into_iter().chain([
            ("every", template.every.as_ref().map(|every| every.span)),
            ("jitter", template.jitter.as_ref().map(|jitter| jitter.span)),
            ("during", template.during.as_ref().map(|during| during.span)),
        ]);
        if let Some((field, Some(span))) =
            timed.filter(|_| !template.on.is_empty()).find(|(_, span)| span.is_some())
        {
            let message = format!("a fault takes either on or {field}; write two faults for both");
            self.problems.error(span, message);
            return None;
        }
        let on = template.on.iter().map(|event| {
            let subscription = Subscription::parse(&self.value("on", event)?);
            if subscription.event.is_empty() {
                self.problems.error(event.span, "on must name an event");
                return None;
            }
            self.events.subscribe(&subscription, event.span);
            let is_own = subscription.source == Source::Own;
            Some(if is_own { Subscription { source: Source::Any, ..subscription } } else { subscription })
        });
        // All of them may have errors.
        let on: Vec<Option<Subscription>> = on.collect();
        on.into_iter().collect()
    }

    pub(super) fn fault_times(&mut self, template: &RunFaultTemplate) -> Option<Windows> {
        let needs_time = |kind: &&FaultTemplate| kind.kind.untimed_error.is_some() && template.is_untimed();
        if let Some(kind) = template.kind.as_ref().filter(needs_time) {
            if template.is_whole {
                let message = format!("{} needs at, every or on: the time of the fault", kind.kind.name);
                self.problems.error(kind.span, message);
            }
            return None;
        }
        // Levers that move at the same time take a length.
        let is_instant = |kind: &&AnyFaultKind| kind.schedule == FaultSchedule::Instants;
        let kind = template.kind.as_ref().map(|kind| kind.kind);
        let instant = kind.filter(is_instant).filter(|_| template.changes.is_empty());
        let at = self.optional("at", template.at.as_ref(), Span::ZERO)?;
        let endless = if instant.is_some() { Span::ZERO } else { Span::FOREVER };
        let lasts = self.optional("lasts", template.lasts.as_ref(), endless)?;
        if let Some(place) = template.at.as_ref().filter(|_| at == Span::FOREVER) {
            self.problems.error(place.span, "at must not be endless: the fault would never begin");
        }
        if let (Some(place), Some(kind)) = (&template.lasts, instant) {
            let message = format!("{} is over when it has begun; leave out lasts", kind.name);
            self.problems.error(place.span, message);
            return None;
        }
        self.refuse_short(template.lasts.as_ref(), lasts)?;
        if !template.on.is_empty() {
            return Some(Windows::never(lasts));
        }
        let jitter = self.optional("jitter", template.jitter.as_ref(), Span::ZERO)?;
        if let Some(place) = template.jitter.as_ref().filter(|_| jitter == Span::FOREVER) {
            self.problems.error(place.span, "jitter must not be endless: the fault might never begin");
            return None;
        }
        let once = Windows { jitter, ..Windows::new(at, lasts, None) };
        let Some(given) = &template.every else { return Some(once) };
        let every = self.fault_period(given)?;
        if lasts > every {
            let message = match &template.lasts {
                Some(_) => {
                    format!("every {every} is shorter than lasts {lasts}; the fault would overlap itself")
                }
                None if !template.is_whole => return None,
                None => "every needs lasts: the length of the fault each time".to_owned(),
            };
            self.problems.error(given.span, message);
            return None;
        }
        if jitter > Span::ZERO && lasts.plus(jitter) >= every {
            self.problems.error(given.span, "lasts and jitter together must be shorter than every");
            return None;
        }
        Some(Windows { every: Some(every), ..once })
    }

    /// The phase that a fault is in, or the timeline if that has the fault; `None` for a fault of the whole run.
    pub(super) fn fault_container(
        &mut self,
        template: &RunFaultTemplate,
        timeline: &TimelinePlan,
        is_of_timeline: bool,
    ) -> Result<Option<Container>, Reported> {
        let during = match &template.during {
            Some(during) => Some((self.value("during", during).ok_or(Reported)?, during.span)),
            // A fault on events has no times in the timeline.
            None if is_of_timeline && template.on.is_empty() => None,
            None => return Ok(None),
        };
        let during = during.as_ref().map(|(name, span)| (name.as_str(), *span));
        self.container(timeline, during).map(Some).ok_or(Reported)
    }

    /// Times that count from the begin of a phase, or of the timeline, in which they must be.
    pub(super) fn times_in(
        &mut self,
        template: &RunFaultTemplate,
        times: Windows,
        Container { name, begin, end, turns }: &Container,
    ) -> Option<Windows> {
        let length = end.minus(*begin);
        let (at, lasts) = (times.at.plus(times.jitter), times.lasts);
        let late = if times.jitter == Span::ZERO { "" } else { " with its jitter" };
        if at >= length {
            let place = template.at.as_ref().map_or(template.id.span, |at| at.span);
            // A phase without a length has an error of its own.
            if length > Span::ZERO {
                let message = format!("the fault begins at {at} of {name}{late}, which lasts {length}");
                self.problems.error(place, message);
            }
            return None;
        }
        let left = length.minus(at);
        if let Some(place) = template.lasts.as_ref().filter(|_| lasts > left && lasts != Span::FOREVER) {
            let past = lasts.minus(left);
            let message = format!(
                "the fault ends{late} {past} after {name}, which lasts {length}; shorten lasts, or begin earlier"
            );
            self.problems.error(place.span, message);
            return None;
        }
        Some(Windows {
            at: begin.plus(times.at),
            lasts: lasts.min(length.minus(times.at)),
            until: *end,
            turns: *turns,
            follows_timeline: true,
            ..times
        })
    }
}
