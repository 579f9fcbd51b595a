//! The timeline: phases one after the other, with their levers and events, and the times of faults in them.

use std::sync::Arc;

use indexmap::IndexSet;

use super::resolver::{Resolver, SHORTEST_INTERVAL};
use crate::config::template::{PhaseLevers, PhaseTemplate, RepeatCount, TimelineTemplate, TruthTemplate};
use crate::error::{SourceSpan, suggestion};
use crate::fault::{Turns, Windows};
use crate::naming::NAME_BYTES_MAX;
use crate::plan::{Curve, PhaseChange, PhasePlan, TimedEvent, TimelineFrom, TimelinePlan, Truth};
use crate::time::Span;

/// The values of `timeline_from`.
const TIMELINE_FROM: [&str; 2] = ["live", "history"];

/// The part of a run in which faults have their times: a phase, or the whole timeline.
#[derive(Clone, Debug)]
pub(super) struct Container {
    /// In words, before an error.
    pub(super) name: String,
    pub(super) begin: Span,
    pub(super) end: Span,
    pub(super) turns: Option<Turns>,
}

impl Resolver<'_> {
    /// The phases and events of the timeline. Levers are known already.
    pub(super) fn timeline(&mut self) -> TimelinePlan {
        let Some(template) = &self.template.timeline else { return TimelinePlan::default() };
        if template.phases.is_empty() && template.has_all_phases {
            let message = "the timeline has no phases; add phases: [Phase(name: …, lasts: …)]";
            self.problems.error(template.span, message);
        }
        let lengths: Vec<Span> = template.phases.iter().map(|phase| self.phase_length(phase)).collect();
        let length = lengths.iter().copied().fold(Span::ZERO, Span::plus);
        let repeat = self.repeat(template, &lengths);
        let mut timeline = TimelinePlan { length, repeat, ..TimelinePlan::default() };
        let turns = timeline.turns();
        let (mut names, mut begin) = (IndexSet::new(), Span::ZERO);
        for (phase, lasts) in template.phases.iter().zip(lengths) {
            if self.problems.is_over() {
                break;
            }
            let end = begin.plus(lasts);
            let Some(name) = self.name("name", &phase.name) else { continue };
            if name.is_empty() {
                self.problems.error(phase.name.span, "a phase's name must not be empty");
            } else if !names.insert(name.clone()) {
                let message = format!("two phases are called {name:?}; a phase's name must be unique");
                self.problems.error(phase.name.span, message);
            }
            let times =
                Windows { until: end, turns, follows_timeline: true, ..Windows::new(begin, lasts, None) };
            timeline.events.extend(self.phase_events(phase, &name, times));
            let changes = self.phase_changes(phase, &timeline.phases);
            let truth = self.truth(phase.truth.as_ref());
            timeline.phases.push(PhasePlan { name: name.into(), times, changes, truth });
            begin = end;
        }
        timeline
    }

    /// The moment from which phases and faults count behind a history.
    pub(super) fn timeline_from(&mut self) -> TimelineFrom {
        let Some(scalar) = &self.template.timeline_from else { return TimelineFrom::default() };
        match self.value("timeline_from", scalar).as_deref() {
            Some("history") => TimelineFrom::History,
            Some("live") | None => TimelineFrom::Live,
            Some(other) => {
                let hint = suggestion(other, &TIMELINE_FROM);
                self.problems.error(scalar.span, format!("unknown timeline_from {other:?}{hint}"));
                TimelineFrom::Live
            }
        }
    }

    /// The length of a phase; zero after an error.
    fn phase_length(&mut self, template: &PhaseTemplate) -> Span {
        let Some(lasts) = self.value("lasts", &template.lasts) else { return Span::ZERO };
        if lasts < SHORTEST_INTERVAL {
            let message = format!("a phase must last 1ms or longer, but lasts is {lasts}");
            self.problems.error(template.lasts.span, message);
        }
        lasts
    }

    /// Number of times that the timeline passes; an endless phase is the last of all.
    fn repeat(&mut self, template: &TimelineTemplate, lengths: &[Span]) -> u64 {
        let (repeat, span) = match &template.repeat {
            RepeatCount::Once => (1, template.span),
            RepeatCount::Forever(span) => (u64::MAX, *span),
            RepeatCount::Times(times) => match self.value("repeat", times) {
                Some(count @ 1..) => (count.unsigned_abs(), times.span),
                Some(count) => {
                    let message = format!("repeat must be 1 or more, or forever, but is {count}");
                    self.problems.error(times.span, message);
                    (1, times.span)
                }
                None => (1, times.span),
            },
        };
        let endless = lengths.iter().position(|length| *length == Span::FOREVER);
        if let Some(endless) = endless.filter(|endless| endless + 1 < lengths.len()) {
            let message = "a phase without an end must be the last one: those behind it would never come";
            self.problems.error(template.phases[endless].lasts.span, message);
        } else if endless.is_some() && repeat > 1 {
            let message = "repeat needs phases with an end: the last one lasts for ever";
            self.problems.error(span, message);
        }
        repeat
    }

    fn phase_changes(&mut self, template: &PhaseTemplate, before: &[PhasePlan]) -> Vec<PhaseChange> {
        match &template.set {
            PhaseLevers::Curves(curves) => {
                let curves = curves.iter().filter_map(|(span, name, curve)| {
                    let (lever, curve) = (self.lever_index(name, *span), self.curve(name, curve));
                    Some(PhaseChange { lever: lever?, curve: curve?, ends_with_phase: false })
                });
                curves.collect()
            }
            PhaseLevers::Defaults => {
                let changed: IndexSet<usize> =
                    before.iter().flat_map(|phase| &phase.changes).map(|change| change.lever).collect();
                let default = |lever: usize| Curve::Constant(self.lever_defaults[lever]);
                let back = |lever| PhaseChange { lever, curve: default(lever), ends_with_phase: false };
                changed.into_iter().map(back).collect()
            }
        }
    }

    fn phase_events(&mut self, template: &PhaseTemplate, phase: &str, times: Windows) -> Vec<TimedEvent> {
        let mut events = Vec::new();
        for (offset, event) in &template.events {
            let (after, name) = (self.value("the time", offset), self.name("the event", event));
            let (Some(after), Some(name)) = (after, name) else { continue };
            if after >= times.lasts {
                let lasts = times.lasts;
                let message = format!(
                    "the event comes {after} after the begin of phase {phase:?}, which lasts {lasts}"
                );
                self.problems.error(offset.span, message);
            }
            let name: Arc<str> = name.into();
            if name.is_empty() || crate::event::LIFECYCLE.contains(&&*name) {
                let message = format!("{name:?} is no event of a phase; choose another name");
                self.problems.error(event.span, message);
            }
            self.events.emit(&name);
            events.push(TimedEvent {
                name,
                times: Windows { at: times.at.plus(after), lasts: Span::ZERO, ..times },
            });
        }
        events
    }

    /// The ground truth of a fault or a phase.
    pub(super) fn truth(&mut self, template: Option<&TruthTemplate>) -> Truth {
        let Some(TruthTemplate { root, alerts }) = template else { return Truth::default() };
        let root = root.as_ref().and_then(|root| self.name("root", root)).unwrap_or_default();
        let alerts = alerts.iter().filter_map(|alert| {
            let name = self.value("alerts", alert)?;
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                let message = format!("an alert's name has 1 to {NAME_BYTES_MAX} bytes");
                self.problems.error(alert.span, message);
            }
            Some(name)
        });
        Truth { root, alerts: alerts.collect() }
    }

    /// The phase that a fault is in, or the whole timeline.
    pub(super) fn container(
        &mut self,
        timeline: &TimelinePlan,
        during: Option<(&str, SourceSpan)>,
    ) -> Option<Container> {
        let turns = timeline.turns();
        let Some((name, span)) = during else {
            let name = "the timeline".to_owned();
            return Some(Container { name, begin: Span::ZERO, end: timeline.length, turns });
        };
        if let Some(PhasePlan { name, times, .. }) = timeline.phases.iter().find(|phase| *phase.name == *name)
        {
            return Some(Container {
                name: format!("phase {name:?}"),
                begin: times.at,
                end: times.until,
                turns,
            });
        }
        // A phase that is missing has an error of its own.
        if self.template.timeline.as_ref().is_none_or(|timeline| timeline.has_all_phases) {
            let known: Vec<&str> = timeline.phases.iter().map(|phase| &*phase.name).collect();
            let hint = if known.is_empty() {
                "; the config has no timeline".to_owned()
            } else {
                suggestion(name, &known)
            };
            self.problems.error(span, format!("unknown phase {name:?}{hint}"));
        }
        None
    }
}
