//! A host's steps in its fleet: its start, the results of each step, and its end.

use std::sync::atomic::Ordering;

use tracing::warn;

use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, EmulatedHost, EventDrop, MemberChange, MemberCounts, Outbox, Place};
use promemu_core::time::Time;
use promemu_core::timeline::Targets;
use promemu_core::world::Step;

use super::live_fleet::Fleet;

impl Fleet {
    /// Takes over a host that comes out of the history: its series, or its end.
    pub(crate) fn resume(&self, id: HostId, host: &DrivenHost) {
        if host.due() == Time::NEVER {
            self.state(id).has_ended.store(true, Ordering::Relaxed);
        } else if host.host().has_begun() {
            self.counters.hosts_begun.fetch_add(1, Ordering::Relaxed);
            self.report(id, host.host(), &host.host().all_members());
        }
    }

    fn report(&self, id: HostId, host: &EmulatedHost, changes: &[MemberChange]) {
        let (job, row) = self.place(id);
        let MemberCounts { begun, ended } = Place(row).report(host, changes, &mut job.store());
        if begun + ended > 0 {
            self.counters.members_begun.fetch_add(begun, Ordering::Relaxed);
            self.counters.members_ended.fetch_add(ended, Ordering::Relaxed);
        }
    }

    /// Takes over a step of a host of a world of the same plan; this fleet does not run.
    pub(crate) fn follow_step(&self, step: &Step<'_>) {
        if step.out.report {
            self.report(step.host, step.driven.host(), &step.out.members);
        }
        if self.started_at(step.host).is_none() && step.driven.host().has_begun() {
            self.mark_begun(step.host, step.at);
        }
        if step.driven.due() == Time::NEVER && !self.has_ended(step.host) {
            self.mark_ended(step.host);
        }
    }

    /// `true` if all hosts have begun.
    pub(crate) fn has_begun_all(&self) -> bool {
        self.ids().all(|id| self.started_at(id).is_some())
    }

    /// Counts a host in that begins now.
    pub(crate) fn mark_begun(&self, id: HostId, at: Time) {
        self.counters.hosts_begun.fetch_add(1, Ordering::Relaxed);
        self.mark_started(id, at);
    }

    /// Counts a host in among those that run.
    pub(crate) fn mark_started(&self, id: HostId, at: Time) {
        let nanos = at.since(Time::from_unix_nanos(0)).as_nanos();
        self.state(id).started_at_nanos.store(nanos, Ordering::Relaxed);
        self.table().active.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a host out: its series leave, and it gets no more events.
    pub(crate) fn mark_ended(&self, id: HostId) {
        self.table().active.fetch_sub(1, Ordering::Relaxed);
        self.counters.hosts_ended.fetch_add(1, Ordering::Relaxed);
        let (job, row) = self.place(id);
        let mut store = job.store();
        let members = store.pool_rows(row).iter().cloned().flatten().filter(|row| store.has_row(*row));
        self.counters.members_ended.fetch_add(members.count() as u64, Ordering::Relaxed);
        store.remove_host(row);
        drop(store);
        self.mark_gone(id);
    }

    /// Notes that a host gets no more events, as it has ended or never starts.
    pub(crate) fn mark_gone(&self, id: HostId) {
        self.take_events(id);
        self.forget_commands(id);
        // From now on the host may be removed, and another one may get its id.
        self.state(id).has_ended.store(true, Ordering::Release);
    }

    /// Takes the results of a host's step out of its outbox: its report, its events, its counts.
    pub(crate) fn carry_out(&self, id: HostId, host: &EmulatedHost, out: &mut Outbox) {
        let plan = host.plan();
        if out.report {
            self.report(id, host, &out.members);
        }
        for (metric, error) in out.failures.drain(..) {
            let _in_run = self.counters.log_span.enter();
            warn!(host = %plan.name, metric = %metric, error = %error, "scenario failed and gave no value; logged once");
        }
        let tally = &self.counters.tally;
        tally.updates.inc_by(out.updates);
        tally.scenario_errors.inc_by(out.scenario_errors);
        tally.events_dropped.inc_by(out.events_dropped);
        if let Some(EventDrop { event, cause }) = out.first_dropped.take()
            && self.counters.may_tell_of_drops(self.clock.now())
        {
            let _in_run = self.counters.log_span.enter();
            warn!(host = %plan.name, event = %event, "{cause}; further ones are dropped and counted (logged once per burst)");
        }
        for pool in out.crowded.drain(..) {
            let _in_run = self.counters.log_span.enter();
            warn!(
                host = %plan.name,
                pool = %pool,
                "slots stay empty because all label sets are in use; promemu tries again; give a label more values (logged once)"
            );
        }
        if out.series_refused > 0 {
            self.counters.refuse_series(&plan.name, out.series_refused);
        }
        tally.series_refused.inc_by(out.series_alike);
        for event in out.events.drain(..) {
            self.counters.simulation.observe(&event);
            self.tell_of_event(&event);
            self.publish(event, Some(id));
        }
        for sent in out.actions.drain(..) {
            self.tell_of_sent(&Targets::All, &sent, false);
            self.log_own_action(sent);
        }
        if !out.overrides.is_empty() {
            self.note_overrides(id, out.overrides.drain(..));
        }
    }

    pub(crate) fn count_skipped(&self, updates: u64) {
        self.counters.tally.updates_skipped.inc_by(updates);
    }

    /// Observes the lateness of a host's step, if something was due.
    pub(crate) fn observe_lateness(&self, due: Time, now: Time) {
        if due <= now {
            let late = self.clock.real_span(now.since(due));
            self.counters.tally.lateness.observe(late.as_secs_f64());
        }
    }
}
