//! The faults of a host: they change its reports.
//!
//! The host itself goes on unchanged, except for counter resets. A host without faults has nothing of this.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;

use super::metric_set::{MetricSet, emit};
use super::outbox::Outbox;
use crate::event::Event;
use crate::fault::{
    Course, FaultEvent, FaultPlan, FaultWindow, HELD_REPORTS_MAX, Presence, ReportDelay, Turn,
};
use crate::metric::ABSENT;
use crate::plan::{Action, HostPlan};
use crate::rng::Seed;
use crate::time::Time;
use crate::timeline::SentAction;

/// The host's own time of its samples, and its presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The time that the host's clock shows, if samples carry it.
    pub own_time: Option<Time>,
    /// Its presence.
    pub presence: Presence,
}

/// A report on its way.
#[derive(Clone, Debug)]
struct Held {
    arrives_at: Time,
    own_time: Option<Time>,
    /// `true` if later reports wait for it.
    is_in_order: bool,
    row: Box<[f64]>,
}

/// The faults of one host.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    /// The times of the faults of the run.
    course: Course,
    windows: Box<[FaultWindow]>,
    /// The cells that outputs see.
    shown: Box<[f64]>,
    own_time: Option<Time>,
    presence: Presence,
    /// End of the time for which an action has taken the host down.
    down_until: Option<Time>,
    /// `true` if a change is to be seen at once.
    is_urgent: bool,
    held: VecDeque<Held>,
    /// Episodes that another plan has cut short, to be ended.
    cut: Option<Box<Cut>>,
}

/// Episodes that another plan has cut short.
#[derive(Clone, Debug)]
struct Cut {
    at: Time,
    /// The events that tell of their ends.
    events: Vec<Arc<str>>,
}

impl Faults {
    /// The faults of a host that has this seed; `None` for a host without faults.
    pub(super) fn new(plan: &HostPlan, seed: Seed, starts_at: Time, course: &Course) -> Option<Self> {
        let windows = plan.faults().map(|fault| {
            let rng = seed.child(&fault.stream).rng();
            FaultWindow::new(fault, rng, starts_at, course)
        });
        let windows: Box<[FaultWindow]> = windows.collect();
        let shown = || vec![ABSENT; plan.shape.width].into();
        (!windows.is_empty()).then(|| Self { course: course.clone(), windows, ..Self::none(shown()) })
    }

    /// Counts the faults of the run from then. The host has not started yet.
    pub(super) fn count_from(&mut self, plan: &HostPlan, starts_at: Time, run_start: Time) {
        self.course.count_from(run_start);
        for (window, fault) in self.windows.iter_mut().zip(plan.faults()) {
            window.count_from(fault, starts_at, &self.course);
        }
    }

    /// No faults, of a host that shows these cells.
    pub(super) fn none(shown: Box<[f64]>) -> Self {
        Self {
            // Faults of the run come with a plan, and with its start.
            course: Course::new(Time::from_unix_nanos(0), Seed::new(0)),
            windows: Box::default(),
            shown,
            own_time: None,
            presence: Presence::Up,
            down_until: None,
            is_urgent: false,
            held: VecDeque::new(),
            cut: None,
        }
    }

    /// Takes over the faults of another plan. Those that are equal in both go on as they are; an episode of another one
    /// ends now, and `window` gives the new one.
    pub(super) fn replace_plan(
        &mut self,
        old: &HostPlan,
        new: &HostPlan,
        (planned, now): (&Course, Time),
        window: impl Fn(&FaultPlan, &Course) -> FaultWindow,
    ) {
        self.course.count_as(planned);
        let windows = std::mem::take(&mut self.windows).into_iter();
        let mut known: IndexMap<&str, (&FaultPlan, FaultWindow)> =
            old.faults().zip(windows).map(|(fault, window)| (&*fault.stream, (fault, window))).collect();
        let mut go_on = |fault: &FaultPlan| match known.swap_remove(&*fault.stream) {
            Some((same, window)) if same == fault => Ok(window),
            other => Err(other),
        };
        let mut events = Vec::new();
        let mut cut = |(fault, on): (&FaultPlan, FaultWindow)| {
            if on.is_on() {
                events.push(Arc::clone(&fault.events[1]));
            }
        };
        let windows = new.faults().map(|fault| {
            go_on(fault).unwrap_or_else(|other| {
                other.into_iter().for_each(&mut cut);
                window(fault, &self.course)
            })
        });
        self.windows = windows.collect();
        known.into_values().for_each(&mut cut);
        if !events.is_empty() {
            // Those of another plan before may still be there.
            let cut = self.cut.get_or_insert_with(|| Box::new(Cut { at: now, events: Vec::new() }));
            cut.events.append(&mut events);
        }
    }

    /// Takes the host down until then; [`Time::NEVER`] for as long as no other call says otherwise.
    pub(super) const fn set_down(&mut self, until: Time) {
        (self.down_until, self.is_urgent) = (Some(until), true);
    }

    pub(super) const fn shown(&self) -> &[f64] {
        &self.shown
    }

    pub(super) const fn stamp(&self) -> Stamp {
        Stamp { own_time: self.own_time, presence: self.presence }
    }

    /// Time of the next begin, end or delayed report.
    pub(super) fn due(&self) -> Time {
        let windows = self.windows.iter().map(FaultWindow::due).min().unwrap_or(Time::NEVER);
        let down = self.down_until.unwrap_or(Time::NEVER);
        let cut = self.cut.as_ref().map_or(Time::NEVER, |cut| cut.at);
        windows.min(down).min(cut).min(self.held.front().map_or(Time::NEVER, |held| held.arrives_at))
    }

    /// Begins and ends the episodes that are due. Returns `true` if all members of pools are to be reported anew.
    pub(super) fn advance(
        &mut self,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        now: Time,
        out: &mut Outbox,
    ) -> bool {
        let mut changes_members = self.down_until.take_if(|until| *until <= now).is_some();
        if let Some(cut) = self.cut.take_if(|cut| cut.at <= now) {
            changes_members = true;
            cut.events.into_iter().for_each(|event| emit(plan, now, event, 0, serde_json::Value::Null, out));
        }
        self.is_urgent |= changes_members;
        let mut at = 0;
        while let Some((index, turn)) = self.step(plan, now, at) {
            at = index;
            changes_members |= self.turn(plan, metrics, (index, turn), (now, 0), out);
        }
        changes_members
    }

    /// Opens or closes a window by an event; `hops` is the hop count of the events that this causes. Returns `true` if all
    /// members of pools must be reported again.
    pub(super) fn switch(
        &mut self,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        (index, opens): (usize, bool),
        (now, hops): (Time, u8),
        out: &mut Outbox,
    ) -> bool {
        // An action from outside may name a fault that the host does not have. Those of the run have their own times.
        let (Some(window), Some(fault)) = (self.windows.get_mut(index), plan.shape.faults.get(index)) else {
            return false;
        };
        let turn = if opens { window.open(fault, now) } else { window.close(fault, &self.course, now) };
        turn.is_some_and(|turn| self.turn(plan, metrics, (index, turn), (now, hops), out))
    }

    /// Follows an action on the timeline or on a fault of the run. Returns `true` if all members of pools must be reported
    /// again.
    pub(super) fn follow(
        &mut self,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        sent: &SentAction,
        now: Time,
        out: &mut Outbox,
    ) -> bool {
        if !sent.change(&mut self.course) {
            return false;
        }
        // Instants from before its start have passed it by.
        let changed_at = sent.acts_at().max(metrics.starts_at());
        self.course.forget_before(changed_at);
        let mut changes_members = false;
        for (index, fault) in plan.faults().enumerate().filter(|(_, fault)| concerns(&sent.action, fault)) {
            let Some(window) = self.windows.get_mut(index) else { break };
            if let Some(turn) = window.follow(fault, &self.course, (changed_at, now)) {
                changes_members |= self.turn(plan, metrics, (index, turn), (now, 0), out);
            }
        }
        changes_members
    }

    /// The consequences of an episode's begin or end.
    fn turn(
        &mut self,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        (index, turn): (usize, Turn),
        (now, hops): (Time, u8),
        out: &mut Outbox,
    ) -> bool {
        let Some(fault) = plan.fault(index) else { return false };
        if fault.fault.resets() {
            fault.metrics.iter().for_each(|metric| metrics.values_mut().reset(plan, *metric, now));
        }
        self.is_urgent |= fault.fault.shows_at_once();
        let event = Arc::clone(&fault.events[usize::from(turn == Turn::Ended)]);
        emit(plan, now, event, hops, serde_json::Value::Null, out);
        let event = match turn {
            Turn::Begun => fault.model_event(self.windows[index].ends_in(now)),
            Turn::Ended => fault.fault.emits_at_end(),
        };
        if let Some(FaultEvent { name, data }) = event {
            // It is the model of this host that has the fault.
            let source = Arc::clone(&plan.name);
            out.emit_to_self(Event { name, source, data, time: now, sequence: 0, hops });
        }
        fault.presence() != Presence::Up || fault.fault.own_time(now).is_some()
    }

    /// The next begin or end that is due by now, from the fault with this index on, and the index of its fault.
    fn step(&mut self, plan: &HostPlan, now: Time, from: usize) -> Option<(usize, Turn)> {
        (from..self.windows.len()).find_map(|index| {
            let turn = self.windows[index].step(plan.fault(index)?, &self.course, now)?;
            Some((index, turn))
        })
    }

    fn presence_now(&self, plan: &HostPlan) -> Presence {
        let ordered = if self.down_until.is_some() { Presence::Down } else { Presence::Up };
        let faults = self.windows.iter().zip(plan.faults()).filter(|(window, _)| window.is_on());
        faults.map(|(_, fault)| fault.presence()).fold(ordered, Presence::max)
    }

    /// Updates the cells that outputs see; `is_made` if the host reports this row now. Returns `true` if outputs see
    /// something new.
    pub(super) fn report(&mut self, plan: &HostPlan, row: &[f64], is_made: bool, now: Time) -> bool {
        let is_made = is_made | std::mem::take(&mut self.is_urgent);
        let presence = self.presence_now(plan);
        let before = std::mem::replace(&mut self.presence, presence);
        if self.presence != Presence::Up {
            // Reports on their way are lost.
            self.held.clear();
            self.shown.fill(ABSENT);
            return self.presence != before;
        }
        let arrives_at = if is_made { self.arrival(plan, now) } else { None };
        if let Some((arrives_at, is_in_order)) = arrives_at.filter(|(at, _)| *at > now) {
            let mut held =
                Held { arrives_at, own_time: self.own_time_at(plan, now), is_in_order, row: row.into() };
            corrupt(&mut self.windows, plan, &mut held.row);
            if self.held.len() >= HELD_REPORTS_MAX {
                self.held.pop_back();
            }
            let place = self.held.partition_point(|other| other.arrives_at <= arrives_at);
            self.held.insert(place, held);
        }
        let mut is_changed = false;
        while let Some(held) = self.held.pop_front_if(|held| held.arrives_at <= now) {
            (self.shown, self.own_time) = (held.row, held.own_time);
            is_changed = true;
        }
        if is_made && arrives_at.is_none_or(|(at, _)| at <= now) {
            self.shown.copy_from_slice(row);
            corrupt(&mut self.windows, plan, &mut self.shown);
            self.own_time = self.own_time_at(plan, now);
            is_changed = true;
        }
        is_changed
    }

    /// Arrival of a report that is made now, `None` for at once; and `true` if later ones wait for it.
    fn arrival(&mut self, plan: &HostPlan, now: Time) -> Option<(Time, bool)> {
        let mut arrives_at = None;
        for (window, fault) in self.windows.iter_mut().zip(plan.faults()).filter(|(on, _)| on.is_on()) {
            let Some(ReportDelay { by, keeps_order }) = fault.fault.delay() else { continue };
            if window.draws(fault) {
                arrives_at = arrives_at.max(Some((now + by, keeps_order)));
            }
        }
        let before = self.held.iter().rev().find(|held| held.is_in_order).map(|held| (held.arrives_at, true));
        match arrives_at {
            Some((_, false)) => arrives_at,
            _ => arrives_at.max(before),
        }
    }

    /// The time that the host's clock shows.
    fn own_time_at(&self, plan: &HostPlan, now: Time) -> Option<Time> {
        if !plan.stamps() {
            return None;
        }
        let mut time = now;
        for (_, fault) in self.windows.iter().zip(plan.faults()).filter(|(window, _)| window.is_on()) {
            time = fault.fault.own_time(time).unwrap_or(time);
        }
        Some(time)
    }
}

/// `true` for an action that changes the times of a fault.
fn concerns(action: &Action, fault: &FaultPlan) -> bool {
    match action {
        Action::BeginFault { fault: id, .. } | Action::EndFault { fault: id } => {
            fault.id_in_run() == Some(id)
        }
        _ => fault.timed().is_some_and(|timed| timed.times.follows_timeline),
    }
}

/// Changes the cells of a report.
fn corrupt(windows: &mut [FaultWindow], plan: &HostPlan, row: &mut [f64]) {
    for (window, fault) in windows.iter_mut().zip(plan.faults()).filter(|(on, _)| on.is_on()) {
        for metric in fault.metrics.iter().map(|metric| &plan.shape.metrics[*metric]) {
            let cells = &mut row[metric.offset..metric.offset + metric.cells.width()];
            fault.fault.corrupt(&metric.cells, cells, &mut || window.draws(fault));
        }
    }
}
