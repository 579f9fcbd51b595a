//! Dirt on a host: what outputs see of it is not what it has.
//!
//! The host lives on as it is; what differs is its report. A host without dirt has nothing of this.

use std::collections::VecDeque;
use std::sync::Arc;

use super::fault_window::{FaultWindow, Turn};
use super::{EmulatedHost, Outbox};
use crate::metric::{ABSENT, is_absent};
use crate::plan::{FaultKind, HELD_REPORTS_MAX, HostShape};
use crate::rng::Seed;
use crate::time::Time;

/// When the samples of a host's row were made, and whether the host is there at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The time that the host itself says, if it says one.
    pub own_time: Option<Time>,
    /// Whether it is not there.
    pub is_down: bool,
}

/// A report on its way.
#[derive(Debug)]
struct Held {
    arrives_at: Time,
    own_time: Option<Time>,
    /// Whether those that are made later wait for it.
    is_in_order: bool,
    row: Box<[f64]>,
}

/// The dirt of one host.
#[derive(Debug)]
pub(super) struct Fault {
    episodes: Box<[FaultWindow]>,
    /// What outputs see.
    shown: Box<[f64]>,
    own_time: Option<Time>,
    shows_down: bool,
    /// Whether a change is to be seen at once.
    is_urgent: bool,
    held: VecDeque<Held>,
    /// What resets took away from metrics whose scenario gives totals; empty until one has.
    bases: Box<[f64]>,
}

impl Fault {
    /// The dirt of a host that has this seed; none for one that is to have none.
    pub(super) fn new(shape: &HostShape, seed: Seed, starts_at: Time) -> Option<Box<Self>> {
        let episodes = shape.faults.iter().map(|plan| {
            let rng = seed.child(&plan.stream).rng();
            FaultWindow::new(plan, rng, starts_at)
        });
        (!shape.faults.is_empty()).then(|| {
            Box::new(Self {
                episodes: episodes.collect(),
                shown: vec![ABSENT; shape.width].into(),
                own_time: None,
                shows_down: false,
                is_urgent: false,
                held: VecDeque::new(),
                bases: [].into(),
            })
        })
    }

    pub(super) const fn shown(&self) -> &[f64] {
        &self.shown
    }

    pub(super) const fn stamp(&self) -> Stamp {
        Stamp { own_time: self.own_time, is_down: self.shows_down }
    }

    /// What a total of the metric is counted from.
    pub(super) fn base(&self, metric: usize) -> f64 {
        self.bases.get(metric).copied().unwrap_or(0.0)
    }

    pub(super) fn due(&self) -> Time {
        let turns = self.episodes.iter().map(FaultWindow::due).min().unwrap_or(Time::NEVER);
        turns.min(self.held.front().map_or(Time::NEVER, |held| held.arrives_at))
    }

    /// The next change that is due by now: which dirt, and whether it begins or ends.
    fn step(&mut self, shape: &HostShape, now: Time) -> Option<(usize, Turn)> {
        for (index, (episodes, plan)) in self.episodes.iter_mut().zip(&shape.faults).enumerate() {
            if let Some(turn) = episodes.step(plan, now) {
                return Some((index, turn));
            }
        }
        None
    }

    fn is_down(&self, shape: &HostShape) -> bool {
        let mut dirt = self.episodes.iter().zip(&shape.faults);
        dirt.any(|(episodes, plan)| episodes.is_on && plan.kind == FaultKind::Down)
    }

    /// Takes over what outputs are to see now, `is_made` if the host has made a report of this row. Gives
    /// whether they see something else than before.
    fn report(&mut self, shape: &HostShape, row: &[f64], is_made: bool, now: Time) -> bool {
        let is_made = is_made | std::mem::take(&mut self.is_urgent);
        if self.is_down(shape) {
            // What is on its way is lost.
            self.held.clear();
            self.shown.fill(ABSENT);
            return !std::mem::replace(&mut self.shows_down, true);
        }
        self.shows_down = false;
        let arrives_at = if is_made { self.arrival(shape, now) } else { None };
        if let Some((arrives_at, is_in_order)) = arrives_at.filter(|(at, _)| *at > now) {
            let mut held =
                Held { arrives_at, own_time: self.own_time_at(shape, now), is_in_order, row: row.into() };
            self.soil(shape, &mut held.row);
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
            let mut shown = std::mem::take(&mut self.shown);
            shown.copy_from_slice(row);
            self.soil(shape, &mut shown);
            self.shown = shown;
            self.own_time = self.own_time_at(shape, now);
            is_changed = true;
        }
        is_changed
    }

    /// When a report that is made now arrives, if not at once, and whether later ones wait for it.
    fn arrival(&mut self, shape: &HostShape, now: Time) -> Option<(Time, bool)> {
        let mut arrives_at = None;
        for (episodes, plan) in self.episodes.iter_mut().zip(&shape.faults).filter(|(on, _)| on.is_on) {
            let (by, is_in_order) = match plan.kind {
                FaultKind::Late(by) => (by, true),
                FaultKind::OutOfOrder(by) => (by, false),
                _ => continue,
            };
            if episodes.rng.unit() < plan.probability {
                arrives_at = arrives_at.max(Some((now + by, is_in_order)));
            }
        }
        let before = self.held.iter().rev().find(|held| held.is_in_order).map(|held| (held.arrives_at, true));
        match arrives_at {
            Some((_, false)) => arrives_at,
            _ => arrives_at.max(before),
        }
    }

    /// What the host's clock says.
    fn own_time_at(&self, shape: &HostShape, now: Time) -> Option<Time> {
        if !shape.stamps() {
            return None;
        }
        let mut time = now;
        for (_, plan) in self.episodes.iter().zip(&shape.faults).filter(|(episodes, _)| episodes.is_on) {
            if let FaultKind::ClockSkew { ahead, behind } = plan.kind {
                time = (time + ahead).before(behind);
            }
        }
        Some(time)
    }

    /// Leaves samples out, and makes others no numbers.
    fn soil(&mut self, shape: &HostShape, row: &mut [f64]) {
        for (episodes, plan) in self.episodes.iter_mut().zip(&shape.faults).filter(|(on, _)| on.is_on) {
            for metric in plan.metrics.iter().map(|metric| &shape.metrics[*metric]) {
                let cells = &mut row[metric.offset..metric.offset + metric.cells.width()];
                match plan.kind {
                    FaultKind::Gap => cells.fill(ABSENT),
                    FaultKind::Nan if !is_absent(cells[0]) && episodes.rng.unit() < plan.probability => {
                        if let Some(cell) = metric.cells.free_cell() {
                            cells[cell] = f64::NAN;
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

impl EmulatedHost {
    /// Begins and ends the episodes that are due.
    pub(super) fn pass_dirt(&mut self, now: Time, out: &mut Outbox) {
        let plan = Arc::clone(&self.plan);
        let shape = &*plan.shape;
        while let Some((index, turn)) = self.dirt_mut().and_then(|dirt| dirt.step(shape, now)) {
            self.turn(index, turn, now, 0, out);
        }
    }

    /// An event opens or closes a window.
    pub(super) fn hear_dirt(&mut self, index: usize, opens: bool, now: Time, hops: u8, out: &mut Outbox) {
        let plan = Arc::clone(&self.plan);
        let turn = self.dirt_mut().and_then(|dirt| {
            let episodes = &mut dirt.episodes[index];
            if opens { episodes.open(&plan.shape.faults[index], now) } else { episodes.close() }
        });
        if let Some(turn) = turn {
            self.turn(index, turn, now, hops, out);
        }
    }

    /// What follows from an episode's beginning or end.
    fn turn(&mut self, index: usize, turn: Turn, now: Time, hops: u8, out: &mut Outbox) {
        let plan = Arc::clone(&self.plan);
        let plan = &plan.shape.faults[index];
        if plan.kind == FaultKind::CounterReset {
            plan.metrics.iter().for_each(|metric| self.reset(*metric, now));
        }
        let is_urgent = matches!(plan.kind, FaultKind::Down | FaultKind::Gap | FaultKind::CounterReset);
        if let Some(dirt) = self.dirt_mut() {
            dirt.is_urgent |= is_urgent;
        }
        if matches!(plan.kind, FaultKind::Down | FaultKind::ClockSkew { .. })
            && let Some(pools) = self.pools_mut()
        {
            pools.mark_all();
        }
        let event = &plan.events[usize::from(turn == Turn::Ended)];
        self.emit(now, Arc::clone(event), None, serde_json::Value::Null, hops, out);
    }

    /// A counter, or what counts observations, begins anew.
    fn reset(&mut self, metric: usize, now: Time) {
        let host = Arc::clone(&self.plan);
        let (plan, level) = (&host.shape.metrics[metric], self.metrics[metric].level);
        let cells = &mut self.row[plan.offset..plan.offset + plan.cells.width()];
        let has_base = plan.cells.reset(&mut self.states, cells, now);
        if let Some(dirt) = self.dirt_mut().filter(|_| has_base) {
            if dirt.bases.is_empty() {
                dirt.bases = vec![0.0; host.shape.metrics.len()].into();
            }
            dirt.bases[metric] = level;
        }
    }

    /// Says what outputs are to take over.
    pub(super) fn report_dirt(&mut self, now: Time, out: &mut Outbox) {
        let plan = Arc::clone(&self.plan);
        let row = std::mem::take(&mut self.row);
        if let Some(dirt) = self.dirt_mut() {
            out.report = dirt.report(&plan.shape, &row, out.report, now);
        }
        self.row = row;
    }

    pub(super) fn dirt(&self) -> Option<&Fault> {
        self.rare.as_deref()?.dirt.as_deref()
    }

    fn dirt_mut(&mut self) -> Option<&mut Fault> {
        self.rare.as_deref_mut()?.dirt.as_deref_mut()
    }
}
