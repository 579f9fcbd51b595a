//! The live fleet: a task per host, mailboxes between them, and what is known of each.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use tokio::sync::Notify;
use tracing::{debug, warn};

use super::RunSettings;
use crate::clock::{Clock, Span, Time};
use crate::event::{Event, EventBus, HostId, OWN_NAME};
use crate::host::{EmulatedHost, Outbox, START_SPREAD};
use crate::metric::{Cells, is_absent};
use crate::plan::{HostPlan, MetricPlan, Plan};
use crate::sink::Job;
use crate::status::{HostStatus, JobStatus, OutputStatus, Status};

/// More events than this wait for no host; the newest are dropped and counted.
const MAILBOX_MAX: usize = 256;

/// No more hosts of a job are listed in a status report.
const LISTED_HOSTS_MAX: usize = 100;

thread_local! {
    /// One outbox per thread serves all hosts that run on it.
    static OUTBOX: RefCell<Outbox> = RefCell::default();
}

/// Events on their way to one host.
#[derive(Debug, Default)]
struct Mailbox {
    events: Mutex<VecDeque<Arc<Event>>>,
    wake: Notify,
    is_overflowing: AtomicBool,
}

/// What is known of one host from outside its task.
#[derive(Debug, Default)]
struct HostState {
    started_at_nanos: AtomicU64,
    has_ended: AtomicBool,
}

/// What went wrong or was left out, counted.
#[derive(Debug, Default)]
struct Counters {
    updates_skipped: AtomicU64,
    events_dropped: AtomicU64,
    scenario_errors: AtomicU64,
}

/// All hosts of a run.
#[derive(Debug)]
pub(super) struct Fleet {
    plan: Plan,
    jobs: Arc<[Arc<Job>]>,
    rows: Vec<u32>,
    bus: EventBus,
    mailboxes: Box<[Mailbox]>,
    states: Box<[HostState]>,
    active: AtomicUsize,
    is_stopping: AtomicBool,
    own_sequence: AtomicU64,
    counters: Counters,
    clock: Clock,
}

impl Fleet {
    pub(super) fn new(plan: Plan, jobs: Arc<[Arc<Job>]>, clock: Clock) -> Self {
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
            is_stopping: AtomicBool::new(false),
            own_sequence: AtomicU64::new(0),
            counters: Counters::default(),
            clock,
            plan,
        }
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn host_plans(&self) -> &[Arc<HostPlan>] {
        &self.plan.hosts
    }

    pub(super) fn active_hosts(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Asks all hosts to end.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        for mailbox in &self.mailboxes {
            mailbox.wake.notify_one();
        }
    }

    /// Emits an event of the mixer itself.
    pub(super) fn publish_own(&self, name: &str) {
        let sequence = self.own_sequence.fetch_add(1, Ordering::Relaxed);
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
            let mut events = mailbox.events.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn drop_early_events(&self, id: HostId, starts_at: Time) {
        let mailbox = &self.mailboxes[id as usize];
        let mut events = mailbox.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.retain(|event| starts_at.since(event.time) <= START_SPREAD);
    }

    /// The events that wait for a host, in the order in which they are to be heard.
    fn take_events(&self, id: HostId) -> VecDeque<Arc<Event>> {
        let mailbox = &self.mailboxes[id as usize];
        let mut events = std::mem::take(&mut *mailbox.events.lock().unwrap_or_else(PoisonError::into_inner));
        if !events.is_empty() {
            mailbox.is_overflowing.store(false, Ordering::Relaxed);
            events.make_contiguous().sort_by(|a, b| a.order(b));
        }
        events
    }

    /// Carries out what a host wants.
    fn carry_out(&self, id: HostId, host: &EmulatedHost, out: &mut Outbox) {
        let plan = host.plan();
        if out.report {
            self.jobs[plan.job].store().report(self.rows[id as usize] as usize, host.row());
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

    fn counters(&self) -> BTreeMap<&'static str, u64> {
        let Counters { updates_skipped, events_dropped, scenario_errors } = &self.counters;
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
            timestamp: self.clock.now().rfc3339(),
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

/// A host's presence in the run. However its task ends, its series leave.
struct Presence<'a> {
    fleet: &'a Fleet,
    id: HostId,
}

impl<'a> Presence<'a> {
    fn begin(fleet: &'a Fleet, id: HostId, at: Time) -> Self {
        let nanos = at.since(Time::from_unix_nanos(0)).as_nanos();
        fleet.states[id as usize].started_at_nanos.store(nanos, Ordering::Relaxed);
        fleet.active.fetch_add(1, Ordering::Relaxed);
        Self { fleet, id }
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        let fleet = self.fleet;
        fleet.states[self.id as usize].has_ended.store(true, Ordering::Relaxed);
        fleet.active.fetch_sub(1, Ordering::Relaxed);
        fleet.take_events(self.id);
        let job = fleet.plan.hosts[self.id as usize].job;
        fleet.jobs[job].store().remove(fleet.rows[self.id as usize] as usize);
    }
}

/// One host's life.
pub(super) async fn live(fleet: Arc<Fleet>, id: HostId, mut host: EmulatedHost) {
    let mailbox = &fleet.mailboxes[id as usize];
    let mut presence = None;
    let mut due = host.starts_at();
    let mut last = due;
    while due != Time::NEVER {
        tokio::select! {
            biased;
            () = mailbox.wake.notified() => {}
            () = tokio::time::sleep_until(fleet.clock.instant_of(due).into()) => {}
        }
        let now = fleet.clock.now();
        if fleet.is_stopping.load(Ordering::Acquire) {
            with_outbox(|out| {
                host.stop(now.max(last), out);
                fleet.carry_out(id, &host, out);
            });
            return;
        }
        if now < host.starts_at() {
            fleet.drop_early_events(id, host.starts_at());
            continue;
        }
        if presence.is_none() {
            presence = Some(Presence::begin(&fleet, id, host.starts_at()));
        }
        fleet.counters.updates_skipped.fetch_add(host.skip_overdue(now), Ordering::Relaxed);
        due = with_outbox(|out| catch_up(&fleet, id, &mut host, due, &mut last, out));
    }
}

fn with_outbox<R>(work: impl FnOnce(&mut Outbox) -> R) -> R {
    OUTBOX.with_borrow_mut(|out| {
        out.clear();
        work(out)
    })
}

/// Lets everything happen that is due by now, each thing at its own time; gives when something is due next.
/// `last` is the emulated time that the host has reached; an event from before it is heard at it.
fn catch_up(
    fleet: &Fleet,
    id: HostId,
    host: &mut EmulatedHost,
    mut due: Time,
    last: &mut Time,
    out: &mut Outbox,
) -> Time {
    let mut events = fleet.take_events(id);
    // Read after the events were taken, so that none of them is from the future.
    let now = fleet.clock.now();
    while due != Time::NEVER {
        let event_time = events.front().map_or(Time::NEVER, |event| event.time.max(*last));
        let at = due.max(*last).min(event_time);
        if at > now {
            break;
        }
        let count = events.partition_point(|event| event.time <= at);
        let inbox: Vec<Arc<Event>> = events.drain(..count).collect();
        out.clear();
        due = host.advance(at, &inbox, out);
        *last = at;
        fleet.carry_out(id, host, out);
    }
    due
}

/// A metric's name, with its own labels where it has any.
fn shown_name(metric: &MetricPlan) -> String {
    let labels = String::from_utf8_lossy(metric.labels.as_text());
    if labels.is_empty() { metric.name.to_string() } else { format!("{}{{{labels}}}", metric.name) }
}
