//! The live fleet of one plan: its hosts, and what is known of each.

mod commands;
pub(crate) mod host_task;
mod mail;
mod report;
pub(crate) mod runner;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::warn;

use crate::clock::Clock;
use crate::event_tap::EventTap;
use crate::self_metrics::Tally;
use commands::HostOrders;
pub(crate) use commands::Standing;
pub(crate) use mail::MAILBOX_MAX;
use mail::Mailbox;
use promemu_core::event::{EventBus, HostId};
use promemu_core::host::{DrivenHost, EmulatedHost, MemberChange, Outbox, Place};
use promemu_core::plan::{JobPlan, Plan, PoolRows};
use promemu_core::series::Job;
use promemu_core::time::Time;

/// What is known of one host from outside its task.
#[derive(Debug, Default)]
struct HostState {
    started_at_nanos: AtomicU64,
    has_ended: AtomicBool,
    /// Somebody has asked it to end; it may be started again.
    is_stopped: AtomicBool,
    has_orders: AtomicBool,
}

/// What is counted. One serves a whole run.
#[derive(Debug)]
struct Counters {
    tally: Tally,
    /// The mixer's own events.
    own_events: AtomicU64,
    /// Whether series were refused for which there is no room.
    has_refused: AtomicBool,
    audience: EventTap,
}

/// What the hosts of a fleet are asked to do.
#[derive(Debug)]
enum Orders {
    EndAll,
    /// The hosts marked are to go on in another fleet; the others end.
    HandOver(Box<[bool]>),
}

/// What one host is asked to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    End,
    HandOver,
}

/// All hosts of a plan.
#[derive(Debug)]
pub(crate) struct Fleet {
    plan: Plan,
    jobs: Arc<[Arc<Job>]>,
    rows: Vec<u32>,
    /// Where the pools of each job are in its store.
    pool_rows: Box<[PoolRows]>,
    bus: EventBus,
    mailboxes: Box<[Mailbox]>,
    states: Box<[HostState]>,
    active: AtomicUsize,
    orders: OnceLock<Orders>,
    host_orders: Mutex<HostOrders>,
    /// Sorted by name; made when somebody asks for a host by its name.
    by_name: OnceLock<Box<[HostId]>>,
    counters: Arc<Counters>,
    clock: Clock,
}

impl Fleet {
    /// The first fleet of a run, which adds to this tally.
    pub(crate) fn new(plan: Plan, clock: Clock, tally: Tally) -> Self {
        Self::with_counters(
            plan,
            clock,
            Arc::new(Counters {
                tally,
                own_events: AtomicU64::new(0),
                has_refused: AtomicBool::new(false),
                audience: EventTap::default(),
            }),
        )
    }

    /// The fleet after this one. `kept` has for each host of the plan the one here that it goes on from;
    /// those that still live are `alive`. They keep what is known of them, their series and their mail.
    pub(crate) fn successor(
        &self,
        plan: Plan,
        kept: &[Option<HostId>],
        alive: impl Fn(HostId) -> bool,
    ) -> Self {
        let next = Self::with_counters(plan, self.clock, Arc::clone(&self.counters));
        for (id, from) in (0..).zip(kept) {
            if let Some(from) = *from {
                next.inherit(id, self, from, alive(from));
            }
        }
        next
    }

    fn inherit(&self, id: HostId, old: &Self, from: HostId, is_alive: bool) {
        let (state, known) = (&self.states[id as usize], &old.states[from as usize]);
        state.started_at_nanos.store(known.started_at_nanos.load(Ordering::Relaxed), Ordering::Relaxed);
        state.has_ended.store(!is_alive, Ordering::Relaxed);
        state.is_stopped.store(known.is_stopped.load(Ordering::Relaxed), Ordering::Relaxed);
        if !is_alive {
            return;
        }
        self.inherit_orders(id, old, from);
        let (mailbox, waiting) = (&self.mailboxes[id as usize], &old.mailboxes[from as usize]);
        let (mut mail, mut waiting) = (mailbox.mail(), waiting.mail());
        mail.is_overflowing = waiting.is_overflowing;
        mail.events = std::mem::take(&mut waiting.events);
        drop(waiting);
        Mailbox::wake_with(mail);
        let (job, row) = self.place(id);
        let (old_job, old_row) = old.place(from);
        let (mut store, old_store) = (job.store(), old_job.store());
        store.inherit(row, &old_store, old_row);
        let rows = self.pools_of(id).of_host(id).zip(old.pools_of(from).of_host(from));
        rows.for_each(|(row, old_row)| store.inherit(row, &old_store, old_row));
    }

    fn with_counters(plan: Plan, clock: Clock, counters: Arc<Counters>) -> Self {
        let job = |job: &JobPlan| {
            let names = job.hosts.iter().map(|id| Arc::clone(&plan.hosts[*id as usize].name));
            Arc::new(Job::new(Arc::clone(&job.name), plan.store(job)).with_hosts(names.collect()))
        };
        let jobs = plan.jobs.iter().map(job).collect();
        let mut bus = EventBus::default();
        for (id, host) in (0..).zip(&plan.hosts) {
            bus.subscribe(id, host.shape.listeners.iter().map(|listener| &listener.subscription));
        }
        let mut rows = vec![0; plan.hosts.len()];
        for job in &plan.jobs {
            for (row, host) in (0..).zip(&job.hosts) {
                rows[*host as usize] = row;
            }
        }
        let count = plan.hosts.len();
        Self {
            jobs,
            rows,
            pool_rows: plan.jobs.iter().map(|job| plan.pool_rows(job)).collect(),
            bus,
            mailboxes: (0..count).map(|_| Mailbox::default()).collect(),
            states: (0..count).map(|_| HostState::default()).collect(),
            active: AtomicUsize::new(0),
            orders: OnceLock::new(),
            host_orders: Mutex::default(),
            by_name: OnceLock::new(),
            counters,
            clock,
            plan,
        }
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn jobs(&self) -> &[Arc<Job>] {
        &self.jobs
    }

    pub(crate) fn active_hosts(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Asks all hosts to end.
    pub(crate) fn stop(&self) {
        self.give(Orders::EndAll);
    }

    /// Asks the hosts marked to come out of their tasks alive, and the others to end. Mail that comes for
    /// those who stay waits for them.
    pub(crate) fn hand_over(&self, stay: Box<[bool]>) {
        self.give(Orders::HandOver(stay));
    }

    fn give(&self, orders: Orders) {
        let is_first = self.orders.set(orders).is_ok();
        debug_assert!(is_first, "a fleet is asked once");
        for mailbox in &self.mailboxes {
            mailbox.wake();
        }
    }

    pub(crate) fn order(&self, id: HostId) -> Option<Order> {
        let to_all = self.orders.get().map(|orders| match orders {
            Orders::HandOver(stay) if stay[id as usize] => Order::HandOver,
            Orders::HandOver(_) | Orders::EndAll => Order::End,
        });
        to_all.or_else(|| self.is_stopped(id).then_some(Order::End))
    }

    /// A host's job, and its row in the job's store.
    fn place(&self, id: HostId) -> (&Job, usize) {
        (&self.jobs[self.plan.hosts[id as usize].job], self.rows[id as usize] as usize)
    }

    /// Takes over a host that comes out of the past: what it shows, or that it has ended.
    pub(crate) fn resumed(&self, id: HostId, host: &DrivenHost) {
        if host.due() == Time::NEVER {
            self.states[id as usize].has_ended.store(true, Ordering::Relaxed);
        } else if host.host().has_begun() {
            let (job, row) = self.place(id);
            Place { host: id, row, pools: self.pools_of(id) }.report_all(host.host(), &mut job.store());
        }
    }

    fn report(&self, id: HostId, host: &EmulatedHost, changes: &[MemberChange]) {
        let (job, row) = self.place(id);
        Place { host: id, row, pools: self.pools_of(id) }.report(host, changes, &mut job.store());
    }

    fn pools_of(&self, id: HostId) -> &PoolRows {
        &self.pool_rows[self.plan.hosts[id as usize].job]
    }

    /// Counts a host in.
    pub(crate) fn begun(&self, id: HostId, at: Time) {
        let nanos = at.since(Time::from_unix_nanos(0)).as_nanos();
        self.states[id as usize].started_at_nanos.store(nanos, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    /// When a host began, if it has.
    pub(crate) fn begun_at(&self, id: HostId) -> Option<Time> {
        match self.states[id as usize].started_at_nanos.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Time::from_unix_nanos(nanos)),
        }
    }

    /// Counts a host out: its series leave, and it gets no more mail.
    pub(crate) fn ended(&self, id: HostId) {
        self.active.fetch_sub(1, Ordering::Relaxed);
        let (job, row) = self.place(id);
        let mut store = job.store();
        store.remove(row);
        self.pools_of(id).of_host(id).for_each(|row| store.remove(row));
        drop(store);
        self.lost(id);
    }

    /// A host gets no more mail; one that has not begun never will.
    pub(crate) fn lost(&self, id: HostId) {
        self.states[id as usize].has_ended.store(true, Ordering::Relaxed);
        self.take_events(id);
        self.forget_orders(id);
    }

    /// Who listens to all events from outside.
    pub(crate) fn audience(&self) -> &EventTap {
        &self.counters.audience
    }

    /// Carries out what a host wants.
    pub(crate) fn carry_out(&self, id: HostId, host: &EmulatedHost, out: &mut Outbox) {
        let plan = host.plan();
        if out.report {
            self.report(id, host, &out.members);
        }
        for (metric, why) in out.failures.drain(..) {
            warn!("metric {metric:?} of host {:?} has no new value: {why}; this is said once", plan.name);
        }
        let tally = &self.counters.tally;
        tally.updates.inc_by(out.updates);
        tally.scenario_errors.inc_by(out.scenario_errors);
        tally.events_dropped.inc_by(out.events_dropped);
        for kind in out.crowded.drain(..) {
            warn!(
                "pools {kind:?} of host {:?} are empty for now where labels would be the same as another slot's; they try \
                 again; this is said once",
                plan.name
            );
        }
        if out.series_refused > 0 {
            self.refuse_series(&plan.name, out.series_refused);
        }
        tally.series_refused.inc_by(out.series_alike);
        for event in out.events.drain(..) {
            self.publish(event, Some(id));
        }
    }

    /// Counts series that were not made; the first time it is said.
    fn refuse_series(&self, host: &str, count: u64) {
        if !self.counters.has_refused.swap(true, Ordering::Relaxed) {
            warn!(
                "host {host:?} would have {count} series more than --max-series has room for; they are not made, and \
                 others are counted only"
            );
        }
        self.counters.tally.series_refused.inc_by(count);
    }

    pub(crate) fn count_skipped(&self, updates: u64) {
        self.counters.tally.updates_skipped.inc_by(updates);
    }

    /// Takes note of how late a host gets to work, if something was due.
    pub(crate) fn note_lateness(&self, due: Time, now: Time) {
        if due <= now {
            let late = self.clock.real_span(now.since(due));
            self.counters.tally.lateness.observe(late.as_secs_f64());
        }
    }

    /// How many series have a sample now.
    pub(crate) fn series_count(&self) -> usize {
        self.jobs.iter().map(|job| job.store().series_count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::host_task::HostTask;
    use crate::self_metrics::SelfMetrics;
    use promemu_core::config::{ConfigFile, LoadOptions};
    use promemu_core::rng::Seed;

    fn plan(hosts: &str) -> Plan {
        let metrics = "metrics: [Metric(name: \"up\", default_value: 1, listen_events: [\"go\"])]";
        let text = format!("Config(hosts: [{}])", hosts.replace("..", metrics));
        let file = ConfigFile::from_text("test", &text);
        file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).unwrap().plan
    }

    fn tally() -> Tally {
        SelfMetrics::new().unwrap().tally().clone()
    }

    #[test]
    fn hosts_that_live_on_keep_their_mail_and_series_and_those_that_ended_stay_so() {
        let old = Fleet::new(
            plan("Host(name: \"gone\", ..), Host(name: \"over\", ..), Host(name: \"on\", ..)"),
            Clock::start(),
            tally(),
        );
        let start = Time::from_unix_secs(1_767_600_000);
        for id in 0..3 {
            old.begun(id, start);
            let (job, row) = old.place(id);
            job.store().report(row, &[7.0]);
        }
        old.ended(1);
        old.publish_own("go");
        let plan = plan("Host(name: \"new\", ..), Host(name: \"on\", ..), Host(name: \"over\", ..)");
        let new = old.successor(plan, &[None, Some(2), Some(1)], |id| id == 2);
        assert_eq!(new.jobs[0].store().rows_present(), 1, "no gap before the sink goes on");
        assert_eq!(new.jobs[0].store().row(new.rows[1] as usize), [7.0]);
        let mail = |id| new.take_events(id).iter().map(|event| event.name.to_string()).collect::<Vec<_>>();
        new.publish_own("go");
        assert_eq!((mail(0).len(), mail(1).len(), mail(2).len()), (1, 2, 0));
        let started = |id: usize| new.states[id].started_at_nanos.load(Ordering::Relaxed);
        assert!(started(0) == 0 && started(1) > 0 && started(2) > 0);
        assert_eq!(new.counters.own_events.load(Ordering::Relaxed), 2, "its numbers go on");
    }

    #[test]
    fn those_who_stay_are_handed_over_and_the_others_end() {
        let fleet = Fleet::new(plan("Host(name: \"a\", ..), Host(name: \"b\", ..)"), Clock::start(), tally());
        assert_eq!(fleet.order(0), None);
        fleet.hand_over([true, false].into());
        assert_eq!((fleet.order(0), fleet.order(1)), (Some(Order::HandOver), Some(Order::End)));
    }

    #[test]
    fn a_hosts_task_is_small() {
        let fleet = Arc::new(Fleet::new(plan("Host(name: \"a\", ..)"), Clock::start(), tally()));
        let host = EmulatedHost::new(Arc::clone(&fleet.plan.hosts[0]), Seed::new(1), Time::from_unix_secs(1));
        let lived = Box::new(HostTask::new(host)).lived(fleet, 0);
        assert!(size_of_val(&lived) <= 152, "with what tokio adds, this is more than 256 bytes");
    }
}
