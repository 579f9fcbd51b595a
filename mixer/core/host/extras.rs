//! Parts that few hosts have: levers, faults, pools and a recording, and the actions on them.

use std::sync::Arc;

use super::faults::Faults;
use super::metric_set::MetricSet;
use super::outbox::Outbox;
use super::player::Player;
use super::pool::Pools;
use crate::fault::{Course, FaultPlan, FaultWindow};
use crate::plan::{Action, HostPlan};
use crate::rng::Seed;
use crate::time::Time;
use crate::timeline::{HostLevers, SentAction};

/// Parts that few hosts have.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) levers: Option<HostLevers>,
    pub(super) faults: Option<Faults>,
    pub(super) pools: Option<Pools>,
    pub(super) player: Option<Player>,
}

/// Gives the window of a new fault, in a run of this course.
pub(super) type NewWindow<'a> = dyn Fn(&FaultPlan, &Course) -> FaultWindow + 'a;

/// The cause of an action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    pub(super) now: Time,
    /// The moment from which the action counts.
    pub(super) acts_at: Time,
    /// The hops of the events that it causes.
    pub(super) hops: u8,
    /// `true` for an action of the host itself, `false` for mail. An own action that moves a lever is sent to all hosts.
    pub(super) is_own: bool,
}

impl Extras {
    /// The extras of a host that has some.
    pub(super) fn of(plan: &HostPlan, seed: Seed, starts_at: Time, course: &Course) -> Option<Box<Self>> {
        let (faults, pools) = (Faults::new(plan, seed, starts_at, course), Pools::new(plan, seed, starts_at));
        let (levers, player) = (levers_of(plan, course), Player::new(plan, starts_at));
        let has_some = faults.is_some() || pools.is_some() || levers.is_some() || player.is_some();
        has_some.then(|| Box::new(Self { levers, faults, pools, player }))
    }

    /// Counts levers and faults of the run from another start of it.
    pub(super) fn count_from(&mut self, plan: &HostPlan, starts_at: Time, run_start: Time) {
        if let Some(levers) = &mut self.levers {
            let mut course = levers.course().as_planned();
            course.count_from(run_start);
            *levers = HostLevers::new(Arc::clone(levers.part()), course);
        }
        if let Some(faults) = &mut self.faults {
            faults.count_from(plan, starts_at, run_start);
        }
    }

    /// Takes over the levers and faults of the run from the second plan, which is equal to the first but for these.
    /// The run has this course as planned. `window` gives the one of a new fault.
    pub(super) fn replace_run_part(
        extras: &mut Option<Box<Self>>,
        [old, new]: [&HostPlan; 2],
        row: &[f64],
        ((planned, now), window): ((&Course, Time), &NewWindow<'_>),
    ) {
        let levers = extras.as_deref_mut().and_then(|extras| extras.levers.as_mut());
        if let (Some(levers), Some(part)) = (levers, &new.run) {
            levers.replace_part(Arc::clone(part));
        }
        if old.run != new.run && old.faults().chain(new.faults()).next().is_some() {
            let faults = &mut extras.get_or_insert_default().faults;
            let faults = faults.get_or_insert_with(|| Faults::none(row.into()));
            faults.replace_plan(old, new, (planned, now), window);
        }
    }

    pub(super) fn try_clone(&self, plan: &HostPlan) -> Result<Self, String> {
        let pools = self.pools.as_ref().map(|pools| pools.try_clone(plan)).transpose()?;
        let Self { levers, faults, player, .. } = self;
        Ok(Self { levers: levers.clone(), faults: faults.clone(), pools, player: player.clone() })
    }

    /// Carries out an action that concerns neither metrics nor pools.
    pub(super) fn act(
        extras: &mut Option<Box<Self>>,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        action: &Action,
        Cause { now, acts_at, hops, is_own }: Cause,
        out: &mut Outbox,
    ) {
        match *action {
            Action::OpenFault(index) | Action::CloseFault(index) => {
                if let Some(extras) = extras {
                    let opens = matches!(action, Action::OpenFault(_));
                    extras.switch_fault(plan, metrics, (index, opens), (now, hops), out);
                }
            }
            Action::Down { lasts } => extras.get_or_insert_default().set_down(plan, metrics, acts_at + lasts),
            Action::Up => extras.get_or_insert_default().set_down(plan, metrics, now),
            Action::Stop => out.stops = true,
            Action::Lever { .. } | Action::ReleaseLever { .. } if is_own => {
                let (action, source) = (action.clone(), Arc::clone(&plan.name));
                out.send(SentAction { action, time: now, source, sequence: 0 }, hops);
            }
            _ => {}
        }
    }

    /// Follows an action on the timeline or on a fault of the run.
    pub(super) fn follow(
        &mut self,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        sent: &SentAction,
        now: Time,
        out: &mut Outbox,
    ) {
        let changes_members =
            self.faults.as_mut().is_some_and(|faults| faults.follow(plan, metrics, sent, now, out));
        self.mark_members(changes_members);
    }

    pub(super) fn advance_faults(
        &mut self,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        now: Time,
        out: &mut Outbox,
    ) {
        let changes_members =
            self.faults.as_mut().is_some_and(|faults| faults.advance(plan, metrics, now, out));
        self.mark_members(changes_members);
    }

    fn switch_fault(
        &mut self,
        plan: &HostPlan,
        metrics: &mut MetricSet,
        switch: (usize, bool),
        at: (Time, u8),
        out: &mut Outbox,
    ) {
        let changes_members =
            self.faults.as_mut().is_some_and(|faults| faults.switch(plan, metrics, switch, at, out));
        self.mark_members(changes_members);
    }

    /// Takes the host down until then.
    fn set_down(&mut self, plan: &HostPlan, metrics: &MetricSet, until: Time) {
        let row = || metrics.values().row(&plan.shape).into_owned().into();
        let faults = self.faults.get_or_insert_with(|| Faults::none(row()));
        faults.set_down(until);
        self.mark_members(true);
    }

    /// A fault that hides or stamps the host does so with all its members.
    fn mark_members(&mut self, is_changed: bool) {
        if let Some(pools) = self.pools.as_mut().filter(|_| is_changed) {
            pools.mark_all();
        }
    }
}

/// The levers of a host that reads some.
fn levers_of(plan: &HostPlan, course: &Course) -> Option<HostLevers> {
    let part = plan.run.as_ref().filter(|_| plan.shape.reads_levers)?;
    Some(HostLevers::new(Arc::clone(part), course.clone()))
}
