//! `EmulatedHost`: one machine, as a state machine without I/O.
//!
//! At one instant: the start, the actions and events that came, the begins and ends of faults, the updates that are due, the pools,
//! the rows of a recording, the report. The host handles the events that these emit at once, each time.

use std::borrow::Cow;
use std::sync::Arc;

use super::event_budget::{DropCause, EventBudget};
use super::extras::{Cause, Extras};
use super::faults::{Faults, Stamp};
use super::mail::Mail;
use super::member_change::MemberChange;
use super::metric_set::{MetricSet, emit};
use super::outbox::Outbox;
use super::player::Player;
use super::pool::Pools;
use super::step_count::StepCount;
use crate::error::Error;
use crate::event::{Event, HOST_STARTED, HOST_STOPPED};
use crate::fault::{Course, FaultPlan, FaultWindow, Presence};
use crate::interrupt::is_interrupted;
use crate::plan::{Action, HostPlan};
use crate::replay::{ReplayRows, WantedPart};
use crate::rng::Seed;
use crate::series::LabelBlock;
use crate::time::{Span, Time};
use crate::timeline::{HostLevers, SentAction};
use crate::work;

/// A host's first values come at its start time plus a random part of this.
pub const START_SPREAD: Span = Span::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Waiting,
    Running,
    Ended,
}

/// A running emulated host.
///
/// [`Self::advance`] is the only way that time passes in it. It reads no clock, never sleeps, and draws from its own
/// random streams only, so the same calls give the same values.
#[derive(Debug)]
pub struct EmulatedHost {
    plan: Arc<HostPlan>,
    run_start: Time,
    phase: Phase,
    next_report: Time,
    events: EventBudget,
    metrics: MetricSet,
    extras: Option<Box<Extras>>,
}

impl EmulatedHost {
    /// A host of a run that starts at `run_start`.
    #[must_use]
    pub fn new(plan: Arc<HostPlan>, seed: Seed, run_start: Time) -> Self {
        let course = Course::new(run_start, seed);
        let seed = seed.child(&plan.name);
        let mut rng = seed.rng();
        let spread = Span::from_nanos(rng.below(START_SPREAD.as_nanos()));
        let is_replay = plan.shape.replay.is_some();
        // Hosts of one recording keep their distances in time.
        let spread = if is_replay { Span::ZERO } else { spread };
        let starts_at = run_start + plan.start_time + spread;
        Self {
            run_start,
            phase: Phase::Waiting,
            // A recording has its own times.
            next_report: if is_replay { Time::NEVER } else { starts_at },
            events: EventBudget::default(),
            metrics: MetricSet::new(&plan, seed, starts_at, rng),
            extras: Extras::of(&plan, seed, starts_at, &course),
            plan,
        }
    }

    /// A copy that does the same from here on. The error names the host, and its metric or pool that cannot be copied
    /// because a plugin keeps its state.
    pub fn try_clone(&self) -> Result<Self, Error> {
        let copied = || {
            let extras = self.extras.as_ref().map(|extras| extras.try_clone(&self.plan)).transpose()?;
            Ok(Self {
                plan: Arc::clone(&self.plan),
                events: self.events.clone(),
                metrics: self.metrics.try_clone(&self.plan)?,
                extras: extras.map(Box::new),
                ..*self
            })
        };
        let refuse = |why: String| Error::Run(format!("host {:?} cannot be copied: {why}", self.plan.name));
        copied().map_err(refuse)
    }

    /// Goes on with a plan that differs from its own in levers and faults of the run at most. Those faults count from
    /// `now` on, with what is left of them; the run has this seed.
    #[must_use]
    pub fn with_plan(mut self, plan: Arc<HostPlan>, seed: Seed, now: Time) -> Self {
        if let Some(pools) = self.pools_mut() {
            pools.replace_plan(&plan);
        }
        let (planned, seed) = (Course::new(self.run_start, seed), seed.child(&plan.name));
        let now = now.max(self.starts_at());
        let window = |fault: &FaultPlan, course: &Course| {
            FaultWindow::new(fault, seed.child(&fault.stream).rng(), now, course)
        };
        let row = self.metrics.values().row(&plan.shape);
        Extras::replace_run_part(&mut self.extras, [&self.plan, &plan], &row, ((&planned, now), &window));
        Self { plan, ..self }
    }

    /// The same host in a run that started then, from which faults of the run count. A host that is added or starts again
    /// counts its own times from later.
    #[must_use]
    pub fn in_run_since(mut self, run_start: Time) -> Self {
        let starts_at = self.starts_at();
        if let Some(extras) = self.extras.as_deref_mut() {
            extras.count_from(&self.plan, starts_at, run_start);
        }
        self.run_start = run_start;
        self
    }

    /// Start of the run, from which faults of the run count.
    #[must_use]
    pub const fn run_start(&self) -> Time {
        self.run_start
    }

    /// The levers as it sees them; `None` for a host that reads none.
    #[must_use]
    pub fn levers(&self) -> Option<&HostLevers> {
        self.extras.as_deref()?.levers.as_ref()
    }

    /// The plan it follows.
    #[must_use]
    pub const fn plan(&self) -> &Arc<HostPlan> {
        &self.plan
    }

    /// `true` from its start on, even after its end.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.phase != Phase::Waiting
    }

    /// Time of its first values.
    #[must_use]
    pub const fn starts_at(&self) -> Time {
        self.metrics.starts_at()
    }

    /// The cells of all its series, as [`crate::metric`] describes them and as outputs see them. Empty for a host that has
    /// shed them.
    #[must_use]
    pub fn row(&self) -> &[f64] {
        self.faults().map_or(self.metrics.values().kept_row(), Faults::shown)
    }

    /// The same, also of a host that has shed them.
    #[must_use]
    pub fn shown_row(&self) -> Cow<'_, [f64]> {
        match self.faults() {
            Some(faults) => Cow::Borrowed(faults.shown()),
            None => self.metrics.values().row(&self.plan.shape),
        }
    }

    /// Sheds its cells where they follow from other state. It goes on as before, and takes less memory.
    pub fn shed_row(&mut self) {
        if self.faults().is_none() {
            self.metrics.values_mut().shed_row(&self.plan.shape);
        }
    }

    /// The labels and the cells of a pool's member, as outputs see them. `None` if the slot is empty, and while the
    /// host reports nothing.
    #[must_use]
    pub fn slot(&self, pool: usize, slot: usize) -> Option<(&LabelBlock, &[f64])> {
        let is_there = self.stamp().is_none_or(|stamp| stamp.presence == Presence::Up);
        self.pools().filter(|_| is_there)?.member(pool, slot)
    }

    /// All slots of its pools, as if every member were new.
    #[must_use]
    pub fn all_members(&self) -> Vec<MemberChange> {
        self.pools().map(Pools::all_members).unwrap_or_default()
    }

    /// Its presence and its own time; `None` for a host without faults, which is always there and has no time of its
    /// own.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        let of_faults = self.faults().map(Faults::stamp);
        let Some(player) = self.player() else { return of_faults };
        let Stamp { own_time, presence } =
            of_faults.unwrap_or(Stamp { own_time: None, presence: Presence::Up });
        Some(Stamp { own_time: own_time.or_else(|| player.shown_at()), presence })
    }

    /// The overrides of its metrics: the metric, the value and the end of each.
    pub fn overrides(&self) -> impl Iterator<Item = (usize, f64, Time)> {
        self.metrics.values().rare().into_iter().flat_map(|rare| rare.overrides.iter())
    }

    /// Marks the host as live at normal speed: plugins may then do work in real time.
    pub fn go_live(&mut self) {
        if let Some(pools) = self.pools_mut() {
            pools.go_live();
        }
    }

    /// Lets time pass to `now`, with the mail that came since the last call, in order. Returns the time at which
    /// something is due next; [`Time::NEVER`] when it has ended.
    pub fn advance(&mut self, now: Time, inbox: &[Mail], out: &mut Outbox) -> Time {
        match self.phase {
            Phase::Ended => return Time::NEVER,
            Phase::Waiting if now < self.starts_at() => return self.starts_at(),
            Phase::Waiting | Phase::Running => {}
        }
        let steps = StepCount::begin(out);
        let first = self.events.open(self.plan.event_share.as_ref(), now, out);
        self.lend_levers(now, inbox, out);
        if std::mem::replace(&mut self.phase, Phase::Running) == Phase::Waiting {
            self.emit(now, HOST_STARTED, out);
        }
        if now >= self.metrics.ends_at(&self.plan) {
            self.end(now, out);
        } else {
            self.run(now, inbox, out);
        }
        self.events.settle(first, out);
        self.take_back_levers(out);
        // Scripts have added theirs.
        work::add(steps.of_values(&self.plan.shape, out));
        self.due()
    }

    /// Does everything that is due, and what the events cause.
    fn run(&mut self, now: Time, inbox: &[Mail], out: &mut Outbox) {
        out.report |= self.metrics.values_mut().end_overrides(&self.plan, now);
        for mail in inbox {
            if is_interrupted() {
                return;
            }
            match mail {
                Mail::Event(event) => self.handle(now, event, out),
                Mail::Action(sent) => self.carry_out(now, sent, out),
            }
        }
        self.handle_pending(now, out);
        if let Some(extras) = self.extras.as_deref_mut() {
            extras.advance_faults(&self.plan, &mut self.metrics, now, out);
            self.handle_pending(now, out);
        }
        self.metrics.update_due(&self.plan, now, out);
        self.handle_pending(now, out);
        if let Some(Extras { pools: Some(pools), .. }) = self.extras.as_deref_mut() {
            pools.advance(&self.plan, &mut self.metrics, now, out);
            self.handle_pending(now, out);
        }
        if let Some(Extras { player: Some(player), .. }) = self.extras.as_deref_mut() {
            player.advance(&self.plan, &mut self.metrics, now, out);
        }
        if out.stops {
            self.end(now, out);
            return;
        }
        self.report(now, out);
    }

    /// Lends the levers to the outbox for this step, if the host reads some. Actions that move them act before all else.
    fn lend_levers(&mut self, now: Time, inbox: &[Mail], out: &mut Outbox) {
        out.levers = self.extras.as_deref_mut().and_then(|extras| extras.levers.take());
        let Some(levers) = &mut out.levers else { return };
        for mail in inbox {
            if let Mail::Action(sent) = mail {
                levers.apply(sent);
            }
        }
        levers.advance(now);
    }

    fn take_back_levers(&mut self, out: &mut Outbox) {
        if let Some(extras) = self.extras.as_deref_mut() {
            extras.levers = out.levers.take();
        }
    }

    /// Ends the host, with the event that says so.
    pub fn stop(&mut self, now: Time, out: &mut Outbox) {
        let first = self.events.open(self.plan.event_share.as_ref(), now, out);
        self.lend_levers(now, &[], out);
        self.end(now, out);
        self.events.settle(first, out);
        self.take_back_levers(out);
    }

    fn end(&mut self, now: Time, out: &mut Outbox) {
        if self.phase == Phase::Running {
            self.metrics.stop_scenarios(&self.plan, now, out);
            if let Some(pools) = self.extras.as_deref_mut().and_then(|extras| extras.pools.as_mut()) {
                pools.stop_scenarios(now, out);
            }
            self.handle_pending(now, out);
            self.emit(now, HOST_STOPPED, out);
        }
        self.phase = Phase::Ended;
        out.report = false;
    }

    /// Leaves out what is overdue by more than one interval, so that a process that was asleep does not catch up in a
    /// burst. Returns the number of values left out.
    pub fn skip_overdue(&mut self, now: Time) -> u64 {
        let pools = self.extras.as_deref_mut().and_then(|extras| extras.pools.as_mut());
        let mut skipped = pools.map_or(0, |pools| pools.skip_overdue(&self.plan, now));
        skipped += self.metrics.skip_overdue(&self.plan, now);
        if now.since(self.next_report) > self.plan.interval.1 {
            self.next_report = now;
        }
        skipped
    }

    /// Time at which something is due next.
    pub(super) fn due(&self) -> Time {
        if self.phase == Phase::Ended {
            return Time::NEVER;
        }
        let own = self.metrics.due().min(self.next_report).min(self.metrics.ends_at(&self.plan));
        let faults = self.faults().map_or(Time::NEVER, Faults::due);
        let player = self.player().map_or(Time::NEVER, Player::due);
        own.min(faults).min(player).min(self.pools().map_or(Time::NEVER, Pools::due))
    }

    /// Decides on a report, and times the next one.
    fn report(&mut self, now: Time, out: &mut Outbox) {
        let is_replay = self.plan.shape.replay.is_some();
        if !is_replay && (now >= self.next_report || out.report) {
            out.report = true;
            let (shortest, longest) = self.plan.interval;
            let spread = longest.minus(shortest).as_nanos().saturating_add(1);
            let jitter = Span::from_nanos(self.metrics.values_mut().rng_mut().below(spread));
            // A report that was on time keeps the rhythm; one that an event caused begins it anew.
            let from = if now >= self.next_report { self.next_report } else { now };
            self.next_report = from + shortest + jitter;
        }
        let Some(Extras { faults, pools, player, .. }) = self.extras.as_deref_mut() else { return };
        if let Some(faults) = faults {
            let row = self.metrics.values().row(&self.plan.shape);
            out.report = faults.report(&self.plan, &row, out.report, now);
        }
        if let Some(player) = player
            && out.report
        {
            player.note_report(now);
        }
        if let Some(pools) = pools
            && out.report
        {
            pools.take_changes(&mut out.members);
        }
    }

    /// Emits an event about the host itself, and handles what follows.
    fn emit(&mut self, now: Time, name: &str, out: &mut Outbox) {
        emit(&self.plan, now, name.into(), 0, serde_json::Value::Null, out);
        self.handle_pending(now, out);
    }

    /// Handles the events that the host itself has emitted.
    fn handle_pending(&mut self, now: Time, out: &mut Outbox) {
        while let Some(event) = out.pending.pop_front().filter(|_| !is_interrupted()) {
            self.handle(now, &event, out);
        }
    }

    /// Carries out an action from outside. The host ignores one that names a part which it does not have.
    fn carry_out(&mut self, now: Time, sent: &SentAction, out: &mut Outbox) {
        let Self { plan, metrics, extras, .. } = self;
        if metrics.carry_out(plan, now, sent, out) {
            return;
        }
        if let Some(extras) = extras.as_deref_mut().filter(|_| sent.action.is_of_timeline()) {
            extras.follow(plan, metrics, sent, now, out);
            return;
        }
        let cause = Cause { now, acts_at: sent.acts_at(), hops: 0, is_own: false };
        Extras::act(extras, plan, metrics, &sent.action, cause, out);
        let pools = extras.as_deref_mut().and_then(|extras| extras.pools.as_mut());
        if let (Action::ReplaceMembers(pool), Some(pools)) = (&sent.action, pools) {
            pools.replace(plan, *pool, now, out);
        }
    }

    /// Handles one event, unless events have kept the host too busy in this second.
    fn handle(&mut self, now: Time, event: &Event, out: &mut Outbox) {
        if self.events.has_steps() {
            let steps = StepCount::begin(out);
            self.react(now, event, out);
            self.events.count_steps(steps.all(&self.plan.shape, out));
        } else if self.plan.shape.listeners_to(event, &self.plan.name).next().is_some() {
            out.drop_events(&event.name, DropCause::TooMuchWork, 1);
        }
    }

    /// Reacts to one event, first with the metrics and faults, then with the members of pools.
    fn react(&mut self, now: Time, event: &Event, out: &mut Outbox) {
        let Self { plan, metrics, extras, .. } = self;
        let plan = &**plan;
        metrics.handle(plan, now, event, out, |metrics, action, out| {
            let cause = Cause { now, acts_at: now, hops: event.hops + 1, is_own: true };
            Extras::act(extras, plan, metrics, action, cause, out);
        });
        if let Some(Extras { pools: Some(pools), .. }) = extras.as_deref_mut() {
            pools.handle(plan, metrics, now, event, out);
        }
    }

    /// The cells as they are without faults.
    #[cfg(test)]
    pub(super) fn own_row(&self) -> &[f64] {
        self.metrics.values().kept_row()
    }

    /// Time of the next report.
    #[cfg(test)]
    pub(super) const fn next_report(&self) -> Time {
        self.next_report
    }

    /// The part of a recording that it needs to go on.
    pub(super) fn wanted_part(&self) -> Option<WantedPart> {
        if self.phase == Phase::Running { self.player()?.wanted_part() } else { None }
    }

    /// Takes that part.
    pub(super) fn take_part(&mut self, rows: Result<Arc<ReplayRows>, String>) {
        if let Some(Extras { player: Some(player), .. }) = self.extras.as_deref_mut() {
            player.take_part(rows);
        }
    }

    fn player(&self) -> Option<&Player> {
        self.extras.as_deref()?.player.as_ref()
    }

    fn faults(&self) -> Option<&Faults> {
        self.extras.as_deref()?.faults.as_ref()
    }

    pub(super) fn pools(&self) -> Option<&Pools> {
        self.extras.as_deref()?.pools.as_ref()
    }

    fn pools_mut(&mut self) -> Option<&mut Pools> {
        self.extras.as_deref_mut()?.pools.as_mut()
    }
}
