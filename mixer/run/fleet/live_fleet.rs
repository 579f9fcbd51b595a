//! A live fleet: the hosts and jobs of one plan, and the hosts that a run added to them or removed.
//!
//! A host's place never changes, so hosts run on while others are added and removed. It knows neither their turns nor what
//! they do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use promemu_core::event::{EventBus, HostId};
use promemu_core::plan::{HostPlan, Plan};
use promemu_core::series::Job;
use promemu_core::time::Time;
use promemu_core::timeline::Triggers;

use super::alarms::Alarms;
use super::counters::Counters;
use super::fleet_job::FleetJob;
use super::host_names::HostNames;
use super::host_table::{ExitRequest, HostState, HostTable};
use super::mailbox::{Mailbox, Sleeper};
use crate::clock::Clock;
use crate::event_tap::EventTap;
use crate::self_metrics::Tally;
use crate::simulation::{SimulationProgress, simulates};

/// All hosts of a run, until it goes on with another plan.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(super) plan: Plan,
    /// The events that begin faults.
    pub(super) triggers: Triggers,
    /// The jobs, as the plan numbers them.
    jobs: Box<[FleetJob]>,
    bus: RwLock<EventBus>,
    table: HostTable,
    alarms: Alarms,
    pub(super) names: HostNames,
    /// Number of series of all hosts when all metrics and members exist at once.
    pub(super) series_max: AtomicUsize,
    /// Estimated memory of the hosts that were added, in bytes.
    pub(super) added_memory: AtomicUsize,
    pub(super) counters: Arc<Counters>,
    pub(super) clock: Clock,
}

impl Fleet {
    /// The first fleet of a run, which adds to this tally and copies its events to this tap.
    pub(crate) fn new(plan: Plan, clock: Clock, tally: Tally, events: Arc<EventTap>) -> Self {
        Self::of_plan(plan, clock, Arc::new(Counters::new(tally, events)))
    }

    /// A fleet of a run that has these counters.
    pub(super) fn of_plan(plan: Plan, clock: Clock, counters: Arc<Counters>) -> Self {
        let mut bus = EventBus::default();
        for (id, host) in (0..).zip(&plan.hosts) {
            bus.subscribe(id, host.shape.subscriptions());
        }
        bus.shrink();
        Self {
            jobs: plan.jobs.iter().map(|job| FleetJob::new(&plan, job)).collect(),
            bus: RwLock::new(bus),
            table: HostTable::new(&plan),
            alarms: Alarms::new(&clock),
            names: HostNames::default(),
            series_max: AtomicUsize::new(plan.series_count()),
            added_memory: AtomicUsize::new(0),
            counters,
            clock,
            triggers: Triggers::of(&plan),
            plan,
        }
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The plan as the run began with it. [`Self::host`] and [`Self::ids`] know the present hosts.
    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The jobs that have hosts.
    pub(crate) fn jobs(&self) -> Vec<Arc<Job>> {
        self.present_jobs().map(|index| Arc::clone(&self.jobs[index].job)).collect()
    }

    /// The indices of the jobs that have hosts.
    pub(crate) fn present_jobs(&self) -> impl Iterator<Item = usize> {
        (0..self.jobs.len()).filter(|index| self.jobs[*index].hosts() > 0)
    }

    pub(super) fn job(&self, index: usize) -> &FleetJob {
        &self.jobs[index]
    }

    /// Number of hosts of a job.
    pub(crate) fn job_host_count(&self, job: usize) -> usize {
        self.jobs[job].hosts()
    }

    /// The hosts of a job, first those of the plan.
    pub(crate) fn job_hosts(&self, job: usize) -> impl Iterator<Item = HostId> {
        let planned = self.plan.jobs[job].hosts.iter().copied().filter(|id| !self.table.is_removed(*id));
        planned.chain(self.table.added_ids().filter(move |id| self.job_of(*id) == job))
    }

    /// Number of families of a job.
    pub(crate) fn job_family_count(&self, job: usize) -> usize {
        let mut seen = vec![false; self.plan.families.len()];
        let mut last = None;
        for id in self.job_hosts(job) {
            let shape = Arc::clone(&self.host(id).shape);
            if last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &shape)) {
                shape.all_metrics().for_each(|metric| seen[metric.family] = true);
                last = Some(shape);
            }
        }
        seen.into_iter().filter(|seen| *seen).count()
    }

    pub(super) const fn table(&self) -> &HostTable {
        &self.table
    }

    pub(super) const fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Wakes each host whenever something of its own is due, and never returns.
    pub(super) async fn ring_alarms(&self) {
        let wake = |hosts: BTreeSet<HostId>| {
            // Threads that are woken one host at a time would sleep again in between.
            let sleepers: Vec<_> = hosts.into_iter().filter_map(|id| self.mailbox(id).sleeper()).collect();
            sleepers.into_iter().for_each(Sleeper::wake);
        };
        self.alarms.ring(&self.clock, wake).await;
    }

    pub(super) fn bus(&self) -> RwLockReadGuard<'_, EventBus> {
        self.bus.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn bus_mut(&self) -> RwLockWriteGuard<'_, EventBus> {
        self.bus.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of all hosts, first those of the plan.
    pub(crate) fn ids(&self) -> impl Iterator<Item = HostId> {
        self.table.ids()
    }

    /// Number of hosts.
    pub(crate) fn host_count(&self) -> usize {
        self.table.count()
    }

    /// A host's plan.
    pub(crate) fn host(&self, id: HostId) -> Arc<HostPlan> {
        self.plan.hosts.get(id as usize).map_or_else(|| self.table.added_plan(id), Arc::clone)
    }

    /// All hosts, first those of the plan.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (HostId, Arc<HostPlan>)> {
        self.ids().map(|id| (id, self.host(id)))
    }

    pub(super) fn job_of(&self, id: HostId) -> usize {
        self.plan.hosts.get(id as usize).map_or_else(|| self.table.added_plan(id).job, |host| host.job)
    }

    /// A host's job, and its row in the job's store.
    pub(super) fn place(&self, id: HostId) -> (&Job, usize) {
        (&self.jobs[self.job_of(id)].job, self.state(id).row.load(Ordering::Relaxed) as usize)
    }

    pub(super) fn state(&self, id: HostId) -> &HostState {
        &self.table.entry(id).state
    }

    pub(super) fn mailbox(&self, id: HostId) -> &Mailbox {
        &self.table.entry(id).mailbox
    }

    /// The host of this name.
    pub(crate) fn id_of(&self, name: &str) -> Option<HostId> {
        self.names.find(&self.plan.hosts, name).filter(|id| !self.table.is_removed(*id))
    }

    /// Number of hosts that run.
    pub(crate) fn active_hosts(&self) -> usize {
        self.table.active.load(Ordering::Relaxed)
    }

    /// Start of a host, if it has started.
    pub(crate) fn started_at(&self, id: HostId) -> Option<Time> {
        match self.state(id).started_at_nanos.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Time::from_unix_nanos(nanos)),
        }
    }

    /// `true` if the host is over.
    pub(crate) fn has_ended(&self, id: HostId) -> bool {
        self.state(id).has_ended.load(Ordering::Acquire)
    }

    /// Asks all hosts to end. A step that is under way is cut short, as if it had not begun.
    pub(crate) fn stop(&self) {
        self.table.request_exit(ExitRequest::EndAll);
    }

    /// Cuts short what the ends of hosts cause.
    pub(crate) fn cut_ends(&self) {
        self.table.cuts_ends.store(true, Ordering::Relaxed);
    }

    /// Asks the hosts marked to leave alive, and the others to end. Events for those that stay wait.
    pub(crate) fn hand_over(&self, kept: Box<[bool]>) {
        self.table.request_exit(ExitRequest::HandOver(kept));
    }

    /// The tap of all events of the run.
    pub(crate) fn event_tap(&self) -> &EventTap {
        &self.counters.event_tap
    }

    /// The progress of its simulated workloads.
    pub(crate) fn simulation(&self) -> &SimulationProgress {
        &self.counters.simulation
    }

    /// `true` if hosts have a workload that says when it is over, and it is on each of them.
    pub(crate) fn is_workload_over(&self) -> bool {
        let is_over = |(id, host): (HostId, Arc<HostPlan>)| {
            !simulates(&host) || self.has_ended(id) || self.simulation().is_over(&host.name)
        };
        self.simulation().is_over_somewhere() && self.hosts().all(is_over)
    }

    /// Number of series that have a sample now.
    pub(crate) fn series_count(&self) -> usize {
        self.jobs.iter().map(|of_fleet| of_fleet.job.store().series_count()).sum()
    }

    /// Number of series of all hosts when all metrics and members exist at once.
    pub(crate) fn series_max(&self) -> usize {
        self.series_max.load(Ordering::Relaxed)
    }

    /// Estimated memory of the hosts that were added to the plan's, in bytes.
    pub(crate) fn added_memory(&self) -> usize {
        self.added_memory.load(Ordering::Relaxed)
    }
}
