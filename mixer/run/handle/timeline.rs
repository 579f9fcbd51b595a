//! The timeline and the faults of a run, as clients see and change them.

use std::sync::Arc;

use promemu_core::error::suggestion;
use promemu_core::event::DELIVERY_DELAY;
use promemu_core::fault::{Course, Timed};
use promemu_core::plan::{Action, PhasePlan, Plan, RunFault};
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{Targets, skip_to};

use super::commands::Command;
use super::error::CommandError;
use super::lookup::shortened;
use super::run_handle::RunHandle;
use super::timeline_views::{FaultView, NextPhaseView, PhaseView, PresentView, TimelineView};
use crate::fleet::Fleet;

impl RunHandle {
    /// The timeline and the faults as they are now.
    #[must_use]
    pub fn timeline(&self) -> TimelineView {
        let fleet = self.fleet();
        view(&fleet, fleet.clock().now())
    }

    /// The times of the run's phases and faults, as planned and as changed so far.
    #[must_use]
    pub fn course(&self) -> Course {
        self.fleet().course()
    }

    /// The timeline and the faults as they are when what was sent by now has begun to act.
    #[must_use]
    pub fn changed_timeline(&self) -> TimelineView {
        let fleet = self.fleet();
        view(&fleet, fleet.clock().now() + DELIVERY_DELAY)
    }

    /// A fault by its id, as it is when what was sent by now has begun to act.
    pub fn changed_fault(&self, id: &str) -> Result<FaultView, CommandError> {
        let fleet = self.fleet();
        let fault = fault_of(&fleet, id)?;
        Ok(fault_view(&fault, &fleet.course(), fleet.clock().now() + DELIVERY_DELAY))
    }

    /// Skips to the begin of a phase.
    pub async fn skip_to(&self, phase: &str) -> Result<(), CommandError> {
        self.ask(Command::SkipTo { phase: phase.to_owned() }).await.map(drop)
    }

    /// Begins a fault, for a time or for as long as it lasts in the config.
    pub async fn begin_fault(&self, id: &str, lasts: Option<Span>) -> Result<(), CommandError> {
        self.ask(Command::BeginFault { id: id.to_owned(), lasts }).await.map(drop)
    }

    /// Ends a fault that is on.
    pub async fn end_fault(&self, id: &str) -> Result<(), CommandError> {
        self.ask(Command::EndFault { id: id.to_owned() }).await.map(drop)
    }
}

/// Carries out a skip.
pub(super) fn skip(fleet: &Fleet, phase: &str) -> Result<(), CommandError> {
    let (timeline, now) = (&fleet.plan().timeline, fleet.clock().now());
    let unknown = || {
        let known: Vec<&str> = timeline.phases.iter().map(|phase| &*phase.name).collect();
        CommandError::UnknownPhase { name: shortened(phase), hint: hint(phase, &known) }
    };
    let action = skip_to(timeline, &fleet.course(), phase, now + DELIVERY_DELAY).ok_or_else(unknown)?;
    send(fleet, now, action)
}

/// Carries out the begin of a fault. One that is on must end first.
pub(super) fn begin_fault(fleet: &Fleet, id: &str, lasts: Option<Span>) -> Result<(), CommandError> {
    let (fault, now) = (fault_of(fleet, id)?, fleet.clock().now());
    if fleet.course().window(fault.timed(), now + DELIVERY_DELAY).is_some() {
        return Err(CommandError::FaultActive(shortened(id)));
    }
    // One that is over when it has begun has no length.
    let lasts = if fault.times.lasts == Span::ZERO { Span::ZERO } else { lasts.unwrap_or(fault.times.lasts) };
    send(fleet, now, Action::BeginFault { fault: Arc::clone(&fault.id), lasts })
}

/// Carries out the end of a fault.
pub(super) fn end_fault(fleet: &Fleet, id: &str) -> Result<(), CommandError> {
    let (fault, now) = (fault_of(fleet, id)?, fleet.clock().now());
    if fleet.course().window(fault.timed(), now + DELIVERY_DELAY).is_none() {
        return Err(CommandError::FaultNotActive(shortened(id)));
    }
    send(fleet, now, Action::EndFault { fault: Arc::clone(&fault.id) })
}

fn send(fleet: &Fleet, now: Time, action: Action) -> Result<(), CommandError> {
    fleet.change_run(now, &Targets::All, action).map(drop).map_err(|_| CommandError::RunLogFull)
}

fn fault_of(fleet: &Fleet, id: &str) -> Result<Arc<RunFault>, CommandError> {
    let faults = &fleet.plan().faults;
    let found = faults.iter().find(|fault| *fault.id == *id).cloned();
    found.ok_or_else(|| {
        let known: Vec<&str> = faults.iter().map(|fault| &*fault.id).collect();
        CommandError::UnknownFault { id: shortened(id), hint: hint(id, &known) }
    })
}

fn hint(name: &str, known: &[&str]) -> String {
    if known.is_empty() { "; the config has none".to_owned() } else { suggestion(name, known) }
}

fn view(fleet: &Fleet, now: Time) -> TimelineView {
    let (plan, course) = (fleet.plan(), fleet.course());
    let phases = plan.timeline.phases.iter().map(|phase| phase_view(phase, &course, now));
    let next = next_phase(plan, &course, now).map(|(phase, begin)| NextPhaseView {
        name: phase.name.to_string(),
        begin: begin.rfc3339(),
        begin_unix: begin.unix_millis_secs(),
        in_seconds: begin.since(now).as_secs_f64(),
    });
    let origin = course.timeline_origin(now);
    let turn = now.since(origin).as_nanos() / plan.timeline.length.as_nanos().max(1);
    let has_phases = !plan.timeline.phases.is_empty();
    TimelineView {
        config: plan.config.clone(),
        turn: has_phases.then(|| turn.min(plan.timeline.repeat - 1) + 1),
        turns: (has_phases && plan.timeline.repeat < u64::MAX).then_some(plan.timeline.repeat),
        phases: phases.collect(),
        next,
        faults: plan.faults.iter().map(|fault| fault_view(fault, &course, now)).collect(),
    }
}

/// The phase that begins next, if one does.
fn next_phase<'a>(plan: &'a Plan, course: &Course, now: Time) -> Option<(&'a PhasePlan, Time)> {
    let begins = plan.timeline.phases.iter().map(|phase| (phase, course.next_begin(phase.timed(), now)));
    begins.min_by_key(|(_, begin)| *begin).filter(|(_, begin)| *begin != Time::NEVER)
}

fn phase_view(phase: &PhasePlan, course: &Course, now: Time) -> PhaseView {
    let on = course.window(phase.timed(), now);
    let lasts = Some(phase.times.lasts).filter(|lasts| *lasts != Span::FOREVER);
    PhaseView {
        name: phase.name.to_string(),
        lasts_seconds: lasts.map(Span::as_secs_f64),
        present: present_view(on, now),
        alerts: phase.truth.alerts.clone(),
    }
}

fn fault_view(fault: &RunFault, course: &Course, now: Time) -> FaultView {
    let timed: Timed<'_> = fault.timed();
    let on = course.window(timed, now);
    let next = Some(course.next_begin(timed, now)).filter(|next| *next != Time::NEVER);
    FaultView {
        id: fault.id.to_string(),
        kind: fault.kind_name().to_owned(),
        target: fault.target(),
        root: fault.truth.root.clone(),
        alerts: fault.truth.alerts.clone(),
        present: present_view(on, now),
        next: next.map(Time::rfc3339),
        next_unix: next.map(Time::unix_millis_secs),
    }
}

/// The present time of a phase or a fault that is on in this window.
fn present_view(on: Option<(Time, Time)>, now: Time) -> PresentView {
    let (begin, end) = (on.map(|(begin, _)| begin), on.map(|(_, end)| end).filter(|end| *end != Time::NEVER));
    PresentView {
        is_on: on.is_some(),
        begin: begin.map(Time::rfc3339),
        begin_unix: begin.map(Time::unix_millis_secs),
        end: end.map(Time::rfc3339),
        end_unix: end.map(Time::unix_millis_secs),
        left_seconds: end.map(|end| end.since(now).as_secs_f64()),
    }
}
