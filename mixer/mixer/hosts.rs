//! The live fleet of one plan: mailboxes between its hosts, and what is known of each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexMap;
use tokio::sync::Notify;
use tracing::{debug, warn};

use super::RunSettings;
use crate::clock::{Clock, Span, Time};
use crate::event::{Event, EventBus, HostId, OWN_NAME};
use crate::host::{EmulatedHost, Outbox, START_SPREAD};
use crate::metric::{Cells, is_absent};
use crate::plan::{JobPlan, MetricPlan, Plan};
use crate::sink::Job;
use crate::status::{HostStatus, JobStatus, OutputStatus, Status};

/// More events than this wait for no host; the newest are dropped and counted.
const MAILBOX_MAX: usize = 256;

/// No more hosts of a job are listed in a status report.
const LISTED_HOSTS_MAX: usize = 100;

/// Events on their way to one host.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    events: Mutex<VecDeque<Arc<Event>>>,
    pub(super) wake: Notify,
    is_overflowing: AtomicBool,
}

impl Mailbox {
    fn events(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of one host from outside its task.
#[derive(Debug, Default)]
struct HostState {
    started_at_nanos: AtomicU64,
    has_ended: AtomicBool,
}

/// What went wrong or was left out, counted, and the mixer's own events. One serves a whole run.
#[derive(Debug, Default)]
struct Counters {
    updates_skipped: AtomicU64,
    events_dropped: AtomicU64,
    scenario_errors: AtomicU64,
    own_events: AtomicU64,
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
pub(super) enum Order {
    End,
    HandOver,
}

/// All hosts of a plan.
#[derive(Debug)]
pub(super) struct Fleet {
    plan: Plan,
    jobs: Arc<[Arc<Job>]>,
    rows: Vec<u32>,
    bus: EventBus,
    mailboxes: Box<[Mailbox]>,
    states: Box<[HostState]>,
    active: AtomicUsize,
    orders: OnceLock<Orders>,
    counters: Arc<Counters>,
    clock: Clock,
}

impl Fleet {
    /// The first fleet of a run.
    pub(super) fn new(plan: Plan, clock: Clock) -> Self {
        Self::with_counters(plan, clock, Arc::default())
    }

    /// The fleet after this one. `kept` has for each host of the plan the one here that it goes on from;
    /// those that still live are `alive`. They keep what is known of them, their series and their mail.
    pub(super) fn successor(
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
        if !is_alive {
            return;
        }
        let (mailbox, waiting) = (&self.mailboxes[id as usize], &old.mailboxes[from as usize]);
        mailbox.is_overflowing.store(waiting.is_overflowing.load(Ordering::Relaxed), Ordering::Relaxed);
        *mailbox.events() = std::mem::take(&mut *waiting.events());
        mailbox.wake.notify_one();
        let (job, row) = self.place(id);
        let (old_job, old_row) = old.place(from);
        job.store().inherit(row, &old_job.store(), old_row);
    }

    fn with_counters(plan: Plan, clock: Clock, counters: Arc<Counters>) -> Self {
        let job = |job: &JobPlan| Arc::new(Job::new(Arc::clone(&job.name), plan.store(job)));
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
            bus,
            mailboxes: (0..count).map(|_| Mailbox::default()).collect(),
            states: (0..count).map(|_| HostState::default()).collect(),
            active: AtomicUsize::new(0),
            orders: OnceLock::new(),
            counters,
            clock,
            plan,
        }
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn jobs(&self) -> &[Arc<Job>] {
        &self.jobs
    }

    pub(super) fn active_hosts(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Asks all hosts to end.
    pub(super) fn stop(&self) {
        self.give(Orders::EndAll);
    }

    /// Asks the hosts marked to come out of their tasks alive, and the others to end. Mail that comes for
    /// those who stay waits for them.
    pub(super) fn hand_over(&self, stay: Box<[bool]>) {
        self.give(Orders::HandOver(stay));
    }

    fn give(&self, orders: Orders) {
        let is_first = self.orders.set(orders).is_ok();
        debug_assert!(is_first, "a fleet is asked once");
        for mailbox in &self.mailboxes {
            mailbox.wake.notify_one();
        }
    }

    pub(super) fn order(&self, id: HostId) -> Option<Order> {
        self.orders.get().map(|orders| match orders {
            Orders::HandOver(stay) if stay[id as usize] => Order::HandOver,
            Orders::HandOver(_) | Orders::EndAll => Order::End,
        })
    }

    pub(super) fn mailbox(&self, id: HostId) -> &Mailbox {
        &self.mailboxes[id as usize]
    }

    /// A host's job, and its row in the job's store.
    fn place(&self, id: HostId) -> (&Job, usize) {
        (&self.jobs[self.plan.hosts[id as usize].job], self.rows[id as usize] as usize)
    }

    /// Counts a host in.
    pub(super) fn begun(&self, id: HostId, at: Time) {
        let nanos = at.since(Time::from_unix_nanos(0)).as_nanos();
        self.states[id as usize].started_at_nanos.store(nanos, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a host out: its series leave, and it gets no more mail.
    pub(super) fn ended(&self, id: HostId) {
        self.states[id as usize].has_ended.store(true, Ordering::Relaxed);
        self.active.fetch_sub(1, Ordering::Relaxed);
        self.take_events(id);
        let (job, row) = self.place(id);
        job.store().remove(row);
    }

    /// Emits an event of the mixer itself.
    pub(super) fn publish_own(&self, name: &str) {
        let sequence = self.counters.own_events.fetch_add(1, Ordering::Relaxed);
        let data = serde_json::Value::Null;
        let time = self.clock.now();
        self.publish(
            Event { name: name.into(), source: OWN_NAME.into(), data, time, sequence, hops: 0 },
            None,
        );
    }

    /// Puts an event into the mailboxes of those that listen; never waits.
    fn publish(&self, event: Event, emitter: Option<HostId>) {
        debug!(event = &*event.name, source = &*event.source, "event");
        let event = Arc::new(event);
        for host in self.bus.listeners(&event, emitter) {
            if self.states[host as usize].has_ended.load(Ordering::Relaxed) {
                continue;
            }
            let mailbox = &self.mailboxes[host as usize];
            let mut events = mailbox.events();
            if events.len() >= MAILBOX_MAX {
                drop(events);
                self.counters.events_dropped.fetch_add(1, Ordering::Relaxed);
                if !mailbox.is_overflowing.swap(true, Ordering::Relaxed) {
                    let name = &self.plan.hosts[host as usize].name;
                    warn!(
                        "host {name:?} has {MAILBOX_MAX} events waiting; more are dropped until it has caught up"
                    );
                }
            } else {
                events.push_back(Arc::clone(&event));
                drop(events);
                mailbox.wake.notify_one();
            }
        }
    }

    /// Before a host's start only what comes right before it is kept, such as the start of the run.
    pub(super) fn drop_early_events(&self, id: HostId, starts_at: Time) {
        self.mailboxes[id as usize].events().retain(|event| starts_at.since(event.time) <= START_SPREAD);
    }

    /// The events that wait for a host, in the order in which they are to be heard.
    pub(super) fn take_events(&self, id: HostId) -> VecDeque<Arc<Event>> {
        let mailbox = &self.mailboxes[id as usize];
        let mut events = std::mem::take(&mut *mailbox.events());
        if !events.is_empty() {
            mailbox.is_overflowing.store(false, Ordering::Relaxed);
            events.make_contiguous().sort_by(|a, b| a.order(b));
        }
        events
    }

    /// Carries out what a host wants.
    pub(super) fn carry_out(&self, id: HostId, host: &EmulatedHost, out: &mut Outbox) {
        let plan = host.plan();
        if out.report {
            let (job, row) = self.place(id);
            job.store().report(row, host.row());
        }
        for (metric, why) in out.failures.drain(..) {
            warn!("metric {metric:?} of host {:?} has no new value: {why}; this is said once", plan.name);
        }
        self.counters.scenario_errors.fetch_add(out.scenario_errors, Ordering::Relaxed);
        self.counters.events_dropped.fetch_add(out.events_dropped, Ordering::Relaxed);
        for event in out.events.drain(..) {
            self.publish(event, Some(id));
        }
    }

    pub(super) fn count_skipped(&self, updates: u64) {
        self.counters.updates_skipped.fetch_add(updates, Ordering::Relaxed);
    }

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        let Counters { updates_skipped, events_dropped, scenario_errors, .. } = &*self.counters;
        let named = [
            ("updates_skipped", updates_skipped),
            ("events_dropped", events_dropped),
            ("scenario_errors", scenario_errors),
        ];
        named.into_iter().map(|(name, counter)| (name, counter.load(Ordering::Relaxed))).collect()
    }

    pub(super) fn status(&self, settings: &RunSettings, output: OutputStatus) -> Status {
        let jobs: IndexMap<String, JobStatus> = self
            .plan
            .jobs
            .iter()
            .zip(&*self.jobs)
            .map(|(plan, job)| {
                let listed = plan.hosts.iter().take(LISTED_HOSTS_MAX);
                let left_out = plan.hosts.len().saturating_sub(LISTED_HOSTS_MAX);
                let names =
                    || listed.clone().map(|host| self.plan.hosts[*host as usize].name.to_string()).collect();
                let hosts = || {
                    listed.clone().map(|host| self.host_status(*host, job, settings.shows_metrics)).collect()
                };
                let status = JobStatus {
                    hosts_count: plan.hosts.len(),
                    metrics_count: self.plan.job_families(plan),
                    hosts_not_listed: (settings.shows_hosts && left_out > 0).then_some(left_out),
                    host_names: settings.shows_hosts.then(names),
                    hosts: settings.shows_hosts.then(hosts),
                };
                (plan.name.to_string(), status)
            })
            .collect();
        Status {
            timestamp: self.clock.real().now().rfc3339(),
            emulated_time: self.clock.now().rfc3339(),
            speed: self.clock.speed().factor(),
            is_running: self.active_hosts() > 0,
            pushgateway_url: settings.pushgateway_url.to_string(),
            push_interval: settings.push.interval.as_secs_f64(),
            seed: settings.seed,
            total_jobs: jobs.len(),
            total_hosts: self.plan.hosts.len(),
            active_hosts: self.active_hosts(),
            total_metrics: jobs.values().map(|job| job.metrics_count).sum(),
            total_series: self.jobs.iter().map(|job| job.store().series_count()).sum(),
            output,
            counters: self.counters(),
            jobs,
        }
    }

    fn host_status(&self, id: HostId, job: &Job, shows_metrics: bool) -> HostStatus {
        let (plan, state) = (&self.plan.hosts[id as usize], &self.states[id as usize]);
        let started_at = match state.started_at_nanos.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Time::from_unix_nanos(nanos)),
        };
        let is_running = started_at.is_some() && !state.has_ended.load(Ordering::Relaxed);
        let uptime = started_at.filter(|_| is_running).map_or(Span::ZERO, |at| self.clock.now().since(at));
        let left = if is_running || started_at.is_none() { plan.ttl.minus(uptime) } else { Span::ZERO };
        let metrics = || {
            let store = job.store();
            let cells = store.row(self.rows[id as usize] as usize);
            plan.shape
                .metrics
                .iter()
                .map(|metric| {
                    let cells = &cells[metric.offset..metric.offset + metric.cells.width()];
                    let shown = match &metric.cells {
                        Cells::Histogram { bounds, .. } => cells[..=bounds.len()].iter().sum(),
                        Cells::Gauge | Cells::Counter { .. } => cells[0],
                    };
                    (shown_name(metric), (!is_absent(cells[0]) && shown.is_finite()).then_some(shown))
                })
                .collect()
        };
        HostStatus {
            name: plan.name.to_string(),
            labels: plan.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            is_running,
            start_time: started_at.map(Time::rfc3339),
            uptime: uptime.as_secs_f64(),
            ttl_remaining: (left != Span::FOREVER).then(|| left.as_secs_f64()),
            metrics_count: plan.shape.metrics.len(),
            metrics: shows_metrics.then(metrics),
        }
    }
}

/// A metric's name, with its own labels where it has any.
fn shown_name(metric: &MetricPlan) -> String {
    let labels = String::from_utf8_lossy(metric.labels.as_text());
    if labels.is_empty() { metric.name.to_string() } else { format!("{}{{{labels}}}", metric.name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};

    fn plan(hosts: &str) -> Plan {
        let metrics = "metrics: [Metric(name: \"up\", default_value: 1, listen_events: [\"go\"])]";
        let text = format!("Config(hosts: [{}])", hosts.replace("..", metrics));
        let file = ConfigFile::from_text("test", &text);
        file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).unwrap().plan
    }

    #[test]
    fn hosts_that_live_on_keep_their_mail_and_series_and_those_that_ended_stay_so() {
        let old = Fleet::new(
            plan("Host(name: \"gone\", ..), Host(name: \"over\", ..), Host(name: \"on\", ..)"),
            Clock::start(),
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
        let fleet = Fleet::new(plan("Host(name: \"a\", ..), Host(name: \"b\", ..)"), Clock::start());
        assert_eq!(fleet.order(0), None);
        fleet.hand_over([true, false].into());
        assert_eq!((fleet.order(0), fleet.order(1)), (Some(Order::HandOver), Some(Order::End)));
    }
}
