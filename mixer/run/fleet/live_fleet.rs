//! A live fleet: the hosts and jobs of one plan.
//!
//! A fleet does not change its plan. A host more or less makes another fleet, which shares the host table and all jobs
//! but that host's.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tracing::warn;

use promemu_core::event::{EventBus, HostId};
use promemu_core::host::{DrivenHost, EmulatedHost, MemberChange, Outbox, Place};
use promemu_core::plan::{HostPlan, JobPlan, Plan, PoolRows};
use promemu_core::series::Job;
use promemu_core::time::Time;

use super::host_key::HostKey;
use super::host_table::{ExitRequest, HostState, HostTable};
use super::mailbox::Mailbox;
use crate::clock::Clock;
use crate::event_tap::EventTap;
use crate::self_metrics::Tally;

/// Counters and listeners of a whole run.
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) tally: Tally,
    /// Number of events from outside of hosts: the mixer's and clients'.
    pub(super) own_events: AtomicU64,
    /// `true` once series were refused because the limit was reached.
    has_refused: AtomicBool,
    pub(super) event_tap: EventTap,
}

/// All hosts of a plan.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(super) plan: Plan,
    jobs: Arc<[Arc<Job>]>,
    /// Each host's row in its job's store.
    rows: Vec<u32>,
    /// The rows of the pools of each job.
    pool_rows: Box<[PoolRows]>,
    pub(super) bus: EventBus,
    table: Arc<HostTable>,
    /// Each host's key; `None` while keys equal ids.
    keys: Option<Box<[HostKey]>>,
    /// Hosts sorted by name; made when a host is first looked up by its name.
    by_name: OnceLock<Box<[HostId]>>,
    pub(super) counters: Arc<Counters>,
    pub(super) clock: Clock,
}

impl Fleet {
    /// The first fleet of a run, which adds to this tally.
    pub(crate) fn new(plan: Plan, clock: Clock, tally: Tally) -> Self {
        let counters = Counters {
            tally,
            own_events: AtomicU64::new(0),
            has_refused: AtomicBool::new(false),
            event_tap: EventTap::default(),
        };
        Self::of_plan(plan, clock, Arc::new(counters))
    }

    /// The fleet of another plan. `kept` has for each of its hosts the one here that it continues, if any; `alive` says
    /// which of these still run. They keep their state, series and events.
    pub(crate) fn successor(
        &self,
        plan: Plan,
        kept: &[Option<HostId>],
        alive: impl Fn(HostId) -> bool,
    ) -> Self {
        let next = Self::of_plan(plan, self.clock, Arc::clone(&self.counters));
        for (id, from) in (0..).zip(kept) {
            if let Some(from) = *from {
                next.inherit(id, self, from, alive(from));
            }
        }
        next
    }

    fn inherit(&self, id: HostId, old: &Self, from: HostId, is_alive: bool) {
        let (state, known) = (self.state(id), old.state(from));
        state.started_at_nanos.store(known.started_at_nanos.load(Ordering::Relaxed), Ordering::Relaxed);
        state.has_ended.store(!is_alive, Ordering::Relaxed);
        state.is_stopped.store(known.is_stopped.load(Ordering::Relaxed), Ordering::Relaxed);
        if !is_alive {
            return;
        }
        self.inherit_commands(id, old, from);
        let (mailbox, waiting) = (self.mailbox(id), old.mailbox(from));
        let (mut mail, mut waiting) = (mailbox.mail(), waiting.mail());
        mail.is_overflowing = waiting.is_overflowing;
        mail.events = std::mem::take(&mut waiting.events);
        drop(waiting);
        Mailbox::wake_with(mail);
        self.inherit_rows(id, old, from);
    }

    /// Takes over the series of a host of another fleet, and those of its pools.
    fn inherit_rows(&self, id: HostId, old: &Self, from: HostId) {
        let (job, row) = self.place(id);
        let (old_job, old_row) = old.place(from);
        let (mut store, old_store) = (job.store(), old_job.store());
        store.inherit(row, &old_store, old_row);
        let rows = self.pools_of(id).of_host(id).zip(old.pools_of(from).of_host(from));
        rows.for_each(|(row, old_row)| store.inherit(row, &old_store, old_row));
    }

    /// The fleet with one host more, like a template. The new host waits for its task.
    pub(super) fn with_host(&self, host: HostPlan, template: HostId) -> Self {
        let (job, plan) = (host.job, self.plan.with_host(host, template));
        let id = HostId::try_from(self.plan.hosts.len()).unwrap_or(HostId::MAX);
        let jobs = self.jobs_for(&plan, job);
        let keys = self.ids().map(|id| self.key(id)).chain([self.table.add(id)]).collect();
        let by_name = self.by_name.get().map(|sorted| {
            let name = &plan.hosts[id as usize].name;
            let place = sorted.partition_point(|other| plan.hosts[*other as usize].name < *name);
            sorted[..place].iter().copied().chain([id]).chain(sorted[place..].iter().copied()).collect()
        });
        self.edited(plan, jobs, keys, by_name)
    }

    /// The fleet without a host that has ended. The ids behind it fall by one; [`Self::replace`] tells the table.
    pub(super) fn without_host(&self, gone: HostId) -> Self {
        let (job, plan) = (self.plan.hosts[gone as usize].job, self.plan.without_host(gone));
        let jobs = self.jobs_for(&plan, job);
        let keys = self.ids().filter(|id| *id != gone).map(|id| self.key(id)).collect();
        let by_name = self.by_name.get().map(|sorted| {
            let kept = sorted.iter().filter(|id| **id != gone);
            kept.map(|id| id - HostId::from(*id > gone)).collect()
        });
        self.edited(plan, jobs, keys, by_name)
    }

    /// The jobs of a plan in which only this one has changed, or is gone. The others are the same.
    fn jobs_for(&self, plan: &Plan, changed: usize) -> Arc<[Arc<Job>]> {
        let kept = |job: &JobPlan| {
            let known = self.jobs.iter().enumerate().find(|(_, known)| *known.name() == job.name);
            known.filter(|(index, _)| *index != changed).map(|(_, known)| Arc::clone(known))
        };
        plan.jobs.iter().map(|job| kept(job).unwrap_or_else(|| new_job(plan, job))).collect()
    }

    fn edited(
        &self,
        plan: Plan,
        jobs: Arc<[Arc<Job>]>,
        keys: Box<[HostKey]>,
        by_name: Option<Box<[HostId]>>,
    ) -> Self {
        let layout = Layout { jobs, table: Arc::clone(&self.table), keys: Some(keys) };
        let fleet = Self::with_layout(plan, layout, self.clock, Arc::clone(&self.counters));
        Self { by_name: by_name.map_or_else(OnceLock::new, OnceLock::from), ..fleet }
    }

    /// Takes the place of the fleet from which it was made by [`Self::with_host`] or [`Self::without_host`]. No task may
    /// report meanwhile.
    pub(super) fn replace(&self, old: &Self) {
        for id in self.ids() {
            let state = self.state(id);
            let from = state.id.swap(id, Ordering::Relaxed);
            let is_new = from as usize >= old.plan.hosts.len();
            if !is_new && !Arc::ptr_eq(&self.jobs[self.job_of(id)], &old.jobs[old.job_of(from)]) {
                self.inherit_rows(id, old, from);
            }
        }
    }

    fn job_of(&self, id: HostId) -> usize {
        self.plan.hosts[id as usize].job
    }

    fn of_plan(plan: Plan, clock: Clock, counters: Arc<Counters>) -> Self {
        let layout = Layout {
            jobs: plan.jobs.iter().map(|job| new_job(&plan, job)).collect(),
            table: Arc::new(HostTable::new(plan.hosts.len())),
            keys: None,
        };
        Self::with_layout(plan, layout, clock, counters)
    }

    fn with_layout(plan: Plan, layout: Layout, clock: Clock, counters: Arc<Counters>) -> Self {
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
        let Layout { jobs, table, keys } = layout;
        Self {
            jobs,
            rows,
            pool_rows: plan.jobs.iter().map(|job| plan.pool_rows(job)).collect(),
            bus,
            table,
            keys,
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

    pub(super) const fn table(&self) -> &Arc<HostTable> {
        &self.table
    }

    /// The ids of all hosts.
    pub(super) fn ids(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..).take(self.plan.hosts.len())
    }

    /// A host's key in the table.
    pub(super) fn key(&self, id: HostId) -> HostKey {
        self.keys.as_ref().map_or(HostTable::planned_key(id), |keys| keys[id as usize])
    }

    /// The present id of a host.
    pub(super) fn id(&self, key: HostKey) -> HostId {
        self.table.entry(key).state.id.load(Ordering::Relaxed)
    }

    /// The id of a host that is in this fleet, even after an edit has replaced it.
    pub(super) fn known_id(&self, key: HostKey) -> Option<HostId> {
        Some(self.id(key)).filter(|id| (*id as usize) < self.plan.hosts.len() && self.key(*id) == key)
    }

    pub(super) fn state(&self, id: HostId) -> &HostState {
        &self.table.entry(self.key(id)).state
    }

    pub(super) fn mailbox(&self, id: HostId) -> &Mailbox {
        &self.table.entry(self.key(id)).mailbox
    }

    /// The host of this name.
    pub(crate) fn id_of(&self, name: &str) -> Option<HostId> {
        let hosts = &self.plan.hosts;
        let by_name = self.by_name.get_or_init(|| {
            let mut ids: Vec<HostId> = self.ids().collect();
            ids.sort_unstable_by(|a, b| hosts[*a as usize].name.cmp(&hosts[*b as usize].name));
            ids.into()
        });
        let place = by_name.binary_search_by(|id| (*hosts[*id as usize].name).cmp(name)).ok()?;
        Some(by_name[place])
    }

    /// Number of hosts that run.
    pub(crate) fn active_hosts(&self) -> usize {
        self.table.active.load(Ordering::Relaxed)
    }

    /// Asks all hosts to end.
    pub(crate) fn stop(&self) {
        self.request_exit(ExitRequest::EndAll);
    }

    /// Asks the hosts marked to leave their tasks alive, and the others to end. Events for those that stay wait.
    pub(crate) fn hand_over(&self, kept: Box<[bool]>) {
        self.request_exit(ExitRequest::HandOver(kept));
    }

    fn request_exit(&self, request: ExitRequest) {
        self.table.request_exit(request);
        self.ids().for_each(|id| self.mailbox(id).wake());
    }

    /// A host's job, and its row in the job's store.
    pub(super) fn place(&self, id: HostId) -> (&Job, usize) {
        (&self.jobs[self.job_of(id)], self.rows[id as usize] as usize)
    }

    fn pools_of(&self, id: HostId) -> &PoolRows {
        &self.pool_rows[self.job_of(id)]
    }

    /// Takes over a host that comes out of the history: its series, or its end.
    pub(crate) fn resume(&self, id: HostId, host: &DrivenHost) {
        if host.due() == Time::NEVER {
            self.state(id).has_ended.store(true, Ordering::Relaxed);
        } else if host.host().has_begun() {
            let (job, row) = self.place(id);
            Place { host: id, row, pools: self.pools_of(id) }.report_all(host.host(), &mut job.store());
        }
    }

    fn report(&self, id: HostId, host: &EmulatedHost, changes: &[MemberChange]) {
        let (job, row) = self.place(id);
        Place { host: id, row, pools: self.pools_of(id) }.report(host, changes, &mut job.store());
    }

    /// Counts a host in.
    pub(crate) fn mark_started(&self, id: HostId, at: Time) {
        let nanos = at.since(Time::from_unix_nanos(0)).as_nanos();
        self.state(id).started_at_nanos.store(nanos, Ordering::Relaxed);
        self.table.active.fetch_add(1, Ordering::Relaxed);
    }

    /// Start of a host, if it has started.
    pub(crate) fn started_at(&self, id: HostId) -> Option<Time> {
        match self.state(id).started_at_nanos.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Time::from_unix_nanos(nanos)),
        }
    }

    /// Counts a host out: its series leave, and it gets no more events.
    pub(crate) fn mark_ended(&self, id: HostId) {
        self.table.active.fetch_sub(1, Ordering::Relaxed);
        let (job, row) = self.place(id);
        let mut store = job.store();
        store.remove(row);
        self.pools_of(id).of_host(id).for_each(|row| store.remove(row));
        drop(store);
        self.mark_gone(id);
    }

    /// Notes that a host gets no more events, as it has ended or never starts.
    pub(crate) fn mark_gone(&self, id: HostId) {
        self.state(id).has_ended.store(true, Ordering::Relaxed);
        self.take_events(id);
        self.forget_commands(self.key(id));
    }

    /// The tap of all events of the run.
    pub(crate) fn event_tap(&self) -> &EventTap {
        &self.counters.event_tap
    }

    /// Takes the results of a host's step out of its outbox: its report, its events, its counts.
    pub(crate) fn carry_out(&self, id: HostId, host: &EmulatedHost, out: &mut Outbox) {
        let plan = host.plan();
        if out.report {
            self.report(id, host, &out.members);
        }
        for (metric, error) in out.failures.drain(..) {
            warn!(host = %plan.name, metric = %metric, error = %error, "scenario failed and gave no value; logged once");
        }
        let tally = &self.counters.tally;
        tally.updates.inc_by(out.updates);
        tally.scenario_errors.inc_by(out.scenario_errors);
        tally.events_dropped.inc_by(out.events_dropped);
        for pool in out.crowded.drain(..) {
            warn!(
                host = %plan.name,
                pool = %pool,
                "slots stay empty because all label sets are in use; promemu tries again; give a label more values (logged once)"
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

    /// Counts series that were not made, and logs the first time.
    fn refuse_series(&self, host: &str, count: u64) {
        if !self.counters.has_refused.swap(true, Ordering::Relaxed) {
            warn!(host = %host, series = count, "limit of --max-series is reached; further series are dropped and counted");
        }
        self.counters.tally.series_refused.inc_by(count);
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

    /// Number of series that have a sample now.
    pub(crate) fn series_count(&self) -> usize {
        self.jobs.iter().map(|job| job.store().series_count()).sum()
    }
}

/// The parts of a fleet that it may share with the one before it.
struct Layout {
    jobs: Arc<[Arc<Job>]>,
    table: Arc<HostTable>,
    keys: Option<Box<[HostKey]>>,
}

fn new_job(plan: &Plan, job: &JobPlan) -> Arc<Job> {
    let names = job.hosts.iter().map(|id| Arc::clone(&plan.hosts[*id as usize].name));
    Arc::new(Job::new(Arc::clone(&job.name), plan.store(job)).with_hosts(names.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::current::CurrentFleet;
    use crate::fleet::host_table::Exit;
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

    fn fleet(hosts: &str) -> Fleet {
        Fleet::new(plan(hosts), Clock::start(), tally())
    }

    fn start_all(fleet: &Fleet) {
        for (id, value) in fleet.ids().zip([7.0, 8.0, 9.0]) {
            fleet.mark_started(id, Time::from_unix_secs(1_767_600_000));
            let (job, row) = fleet.place(id);
            job.store().report(row, &[value]);
        }
    }

    #[test]
    fn kept_hosts_keep_their_events_and_series_and_ended_ones_stay_ended() {
        let old = fleet("Host(name: \"gone\", ..), Host(name: \"over\", ..), Host(name: \"on\", ..)");
        start_all(&old);
        old.mark_ended(1);
        old.publish_own("go");
        let plan = plan("Host(name: \"new\", ..), Host(name: \"on\", ..), Host(name: \"over\", ..)");
        let new = old.successor(plan, &[None, Some(2), Some(1)], |id| id == 2);
        assert_eq!(new.jobs[0].store().rows_present(), 1, "no gap before the outputs go on");
        assert_eq!(new.jobs[0].store().row(new.rows[1] as usize), [9.0]);
        let events = |id| new.take_events(id).len();
        new.publish_own("go");
        assert_eq!((events(0), events(1), events(2)), (1, 2, 0));
        let started = |id| new.state(id).started_at_nanos.load(Ordering::Relaxed);
        assert!(started(0) == 0 && started(1) > 0 && started(2) > 0);
        assert_eq!(new.counters.own_events.load(Ordering::Relaxed), 2, "its numbers go on");
    }

    #[test]
    fn an_edit_leaves_the_other_hosts_keys_events_and_series_and_the_other_jobs_stores() {
        let hosts =
            "Host(name: \"a\", ..), Host(name: \"b\", ..), Host(name: \"c\", job_name: \"other\", ..)";
        let old = fleet(hosts);
        start_all(&old);
        old.publish_own("go");
        let host = HostPlan { name: "b2".into(), ..HostPlan::clone(&old.plan.hosts[1]) };
        let more = old.with_host(host, 1);
        more.replace(&old);
        more.mark_started(3, Time::from_unix_secs(1_767_600_000));
        more.stop_host(0);
        more.mark_ended(0);
        let less = more.without_host(0);
        less.replace(&more);
        let shown = |fleet: &Fleet, name: &str| {
            let id = fleet.id_of(name)?;
            let (job, row) = fleet.place(id);
            let store = job.store();
            Some((store.has_row(row), store.row(row)[0], fleet.mailbox(id).mail().events.len()))
        };
        assert_eq!(shown(&less, "a"), None);
        assert_eq!(shown(&less, "b"), Some((true, 8.0, 1)));
        assert_eq!(shown(&less, "c"), Some((true, 9.0, 1)));
        assert_eq!(shown(&less, "b2").map(|(is_there, ..)| is_there), Some(false));
        assert!(old.ids().skip(1).all(|id| old.key(id) == less.key(id - 1)));
        assert_eq!(less.ids().map(|id| less.id(less.key(id))).collect::<Vec<_>>(), [0, 1, 2]);
        let other = |fleet: &Fleet| fleet.jobs.iter().find(|job| &**job.name() == "other").cloned().unwrap();
        assert!(Arc::ptr_eq(&other(&old), &other(&less)));
        assert_eq!(less.active_hosts(), 3);
    }

    #[test]
    fn kept_hosts_are_handed_over_and_the_others_end() {
        let fleet = fleet("Host(name: \"a\", ..), Host(name: \"b\", ..)");
        assert_eq!(fleet.table.exit(fleet.key(0)), None);
        fleet.hand_over([true, false].into());
        let exits = fleet.ids().map(|id| fleet.table.exit(fleet.key(id)));
        assert_eq!(exits.collect::<Vec<_>>(), [Some(Exit::HandOver), Some(Exit::End)]);
    }

    #[test]
    fn a_hosts_task_is_small() {
        let fleet = Arc::new(fleet("Host(name: \"a\", ..)"));
        let host = EmulatedHost::new(Arc::clone(&fleet.plan.hosts[0]), Seed::new(1), Time::from_unix_secs(1));
        let key = fleet.key(0);
        let run = Box::new(HostTask::new(host)).run(Arc::new(CurrentFleet::new(fleet)), key);
        assert!(size_of_val(&run) <= 152, "with tokio's share, this is more than 256 bytes");
    }
}
