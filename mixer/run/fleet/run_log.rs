//! The run log of a live run: hosts read their actions from it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::warn;

use promemu_core::event::{CLIENT_SOURCE, Event, HostId, MIXER_SOURCE};
use promemu_core::fault::Course;
use promemu_core::host::{DrivenHost, EmulatedHost};
use promemu_core::plan::{Action, HostPlan, PhasePlan, Plan};
use promemu_core::rng::Seed;
use promemu_core::time::Time;
use promemu_core::timeline::{
    LogFull, RunEdge, RunLog, SentAction, Targets, active_edges, next_run_edge, run_edges_at,
};

use super::live_fleet::Fleet;

impl Fleet {
    /// Goes on with the log of a run that has begun elsewhere, and gives the position behind its actions.
    pub(super) fn go_on_with_log(&self, log: RunLog) -> u64 {
        log.actions().iter().for_each(|logged| self.follow(&logged.sent));
        let mut own = self.counters.run_log();
        *own = log;
        own.end()
    }

    /// A copy of the run log.
    pub(crate) fn run_log(&self) -> RunLog {
        self.counters.run_log().clone()
    }

    /// Logs a client's action, wakes these hosts, and gives the moment at which it acts.
    pub(crate) fn log_action(
        &self,
        time: Time,
        targets: &Targets,
        action: Action,
        hosts: &[HostId],
    ) -> Result<Time, LogFull> {
        let sequence = self.counters.own_events.fetch_add(1, Ordering::Relaxed);
        let mut log = self.counters.run_log();
        let sent = SentAction { action, time, source: CLIENT_SOURCE.into(), sequence };
        let acts_at = sent.acts_at();
        let sent = Arc::new(sent);
        log.append(targets.clone(), Arc::clone(&sent))?;
        drop(log);
        self.tell_of_sent(targets, &sent, true);
        self.follow(&sent);
        for id in hosts {
            self.tell_of_action(*id);
        }
        Ok(acts_at)
    }

    /// Moves a lever, or changes the timeline or a fault, for some hosts or for all. Gives the moment at which it acts.
    pub(crate) fn change_run(&self, time: Time, targets: &Targets, action: Action) -> Result<Time, LogFull> {
        let reached = self.hosts().filter(|(_, host)| action.concerns(host) && targets.reach(host));
        let reached: Vec<HostId> = reached.map(|(id, _)| id).collect();
        self.log_action(time, targets, action, &reached)
    }

    /// Notes an action that may change the times of phases and faults.
    fn follow(&self, sent: &SentAction) {
        let mut course = self.counters.course();
        if sent.change(&mut course) {
            course.forget_before(sent.time);
            drop(course);
            self.counters.course_changed.notify_one();
        }
    }

    /// Completes when the times of phases and faults have changed since the last time.
    pub(crate) async fn course_changed(&self) {
        self.counters.course_changed.notified().await;
    }

    /// The times of the run's phases and faults, as planned and as changed so far; from now on if the run has not begun.
    pub(crate) fn course(&self) -> Course {
        let mut course = self.counters.course().clone();
        if self.counters.run_start.get().is_none() {
            course.count_from(self.clock.now());
        }
        course
    }

    /// Logs the action of a host or of an event, which is for all hosts, and gives the number of hosts that it reaches.
    pub(super) fn log_own_action(&self, sent: SentAction) -> usize {
        self.log_and_tell(Targets::All, &Arc::new(sent))
    }

    /// Logs an action that is not a client's of this shard, and gives the number of hosts that it reaches.
    pub(super) fn log_and_tell(&self, targets: Targets, sent: &Arc<SentAction>) -> usize {
        let of_all = targets.clone();
        let reached = |sent: &SentAction| {
            let action = sent.action.clone();
            self.hosts().filter(move |(_, host)| action.concerns(host) && of_all.reach(host))
        };
        if sent.is_known(&self.counters.course()) {
            return reached(sent).count();
        }
        let outcome = self.counters.run_log().append(targets, Arc::clone(sent));
        if outcome.is_ok() {
            self.follow(sent);
            return reached(sent).map(|(id, _)| self.tell_of_action(id)).count();
        }
        self.counters.tally.events_dropped.inc();
        if !self.counters.was_log_full.swap(true, Ordering::Relaxed) {
            let _in_run = self.counters.log_span.enter();
            warn!(
                "the run log is full; further moves of levers and begins of faults by events are dropped and counted (logged once)"
            );
        }
        0
    }

    fn tell_of_action(&self, id: HostId) {
        self.state(id).has_actions.store(true, Ordering::Release);
        self.mailbox(id).wake();
    }

    /// Notes an event from outside in the log.
    pub(super) fn log_event(&self, event: &Event) {
        self.counters.run_log().append_event(Arc::new(event.clone()));
    }

    /// Hands a host its actions from a position in the log on, and moves the position.
    pub(super) fn read_actions(&self, id: HostId, host: &mut DrivenHost, position: &mut u64) {
        if self.state(id).has_actions.swap(false, Ordering::Acquire) {
            let log = self.counters.run_log();
            let actions: Vec<_> = log.actions_for(host.host().plan(), *position).collect();
            *position = log.end();
            drop(log);
            host.post_actions(actions);
        }
    }

    /// A host that begins in the middle of the run: it knows the levers as they are. Also gives its position in the log.
    pub(super) fn joining(&self, host: EmulatedHost) -> (DrivenHost, u64) {
        let host = host.in_run_since(self.run_start());
        let log = self.counters.run_log();
        let is_of_run = |sent: &Arc<SentAction>| {
            sent.action.is_of_timeline()
                || matches!(sent.action, Action::Lever { .. } | Action::ReleaseLever { .. })
        };
        let moves: Vec<_> = log.actions_for(host.plan(), 0).filter(is_of_run).collect();
        let mut driven = DrivenHost::new(host);
        driven.post_actions(moves);
        (driven, log.end())
    }

    /// The actions on the timeline and on faults so far, for a host that goes on with another plan.
    pub(super) fn timeline_actions(&self, host: &HostPlan) -> Vec<Arc<SentAction>> {
        if !self.counters.course().is_changed() {
            return Vec::new();
        }
        let log = self.counters.run_log();
        log.actions_for(host, 0).filter(|sent| sent.action.is_of_timeline()).collect()
    }

    /// Goes on with the log under another plan.
    pub(super) fn renumber_levers(&self, old: &Plan) {
        let levers = &self.plan.levers;
        let index_of = |index: usize| {
            let name = &old.levers.get(index)?.name;
            levers.iter().position(|lever| lever.name == *name)
        };
        self.counters.run_log().renumber_levers(index_of);
    }

    /// Start of the run, from which its faults count; now if it has not begun.
    pub(crate) fn run_start(&self) -> Time {
        self.counters.run_start.get().copied().unwrap_or_else(|| self.clock.now())
    }

    /// The course of the run as planned.
    pub(crate) fn planned_course(&self) -> Course {
        let mut course = self.counters.course().as_planned();
        course.count_from(self.run_start());
        course
    }

    /// Notes the start of the run, from which its faults count, and its seed.
    pub(super) fn set_run_start(&self, start: Time, seed: Seed) {
        // Later fleets of the run keep the first one.
        if self.counters.run_start.set(start).is_ok() {
            self.counters.course().count_as(&Course::new(start, seed));
        }
    }

    /// The next begin or end of a phase or fault of the run after this moment, or event of its timeline; [`Time::NEVER`] if
    /// there is none.
    pub(crate) fn next_run_edge(&self, after: Time) -> Time {
        let has_begun = self.counters.run_start.get().is_some();
        if has_begun { next_run_edge(&self.plan, &self.counters.course(), after) } else { Time::NEVER }
    }

    /// `true` if the run ends with its timeline, and that is over at this moment.
    pub(crate) fn is_timeline_over(&self, at: Time) -> bool {
        let course = self.counters.course();
        let goes_on = |phase: &PhasePlan| {
            course.window(phase.timed(), at).is_some() || course.next_begin(phase.timed(), at) != Time::NEVER
        };
        let has_begun = self.counters.run_start.get().is_some();
        self.plan.ends_with_timeline && has_begun && !self.plan.timeline.phases.iter().any(goes_on)
    }

    /// `true` if the timeline has passed once by now, or there is none.
    pub(crate) fn has_passed_timeline(&self) -> bool {
        let now = self.clock.now();
        now.since(self.course().timeline_origin(now)) >= self.plan.timeline.length
    }

    /// Emits the events of phases and faults that begin or end at this moment, and those of the timeline.
    pub(crate) fn tell_edges(&self, at: Time) {
        let edges = run_edges_at(&self.plan, &self.course(), at);
        for edge in edges {
            self.tell_edge(&edge, at);
        }
    }

    /// Emits the events of phases and faults that another plan has begun or ended: of those that are told to be on up to
    /// `told_to`, and those that are on now.
    pub(crate) fn tell_edges_since(&self, old: &Plan, told_to: Time, now: Time) {
        let course = self.course();
        let (before, after) = (active_edges(old, &course, told_to), active_edges(&self.plan, &course, now));
        for [_, end] in before.iter().filter(|edges| !after.contains(edges)) {
            self.tell_edge(end, now);
        }
        for [begin, _] in after.iter().filter(|edges| !before.contains(edges)) {
            self.tell_edge(begin, now);
        }
    }

    fn tell_edge(&self, edge: &RunEdge, at: Time) {
        self.publish(self.own_event(&edge.event, MIXER_SOURCE, edge.data(), at), None);
    }
}
