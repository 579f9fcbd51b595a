//! The history of a run: its hosts live through it in virtual time, it is written down, and they go on live.
//!
//! It knows no file and no format: whoever starts the run writes the samples.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;
use promemu_core::backfill::{Backfill, Grid, RecentSamples, ReplayedHost, drive};
use promemu_core::error::Error;
use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, Outbox};
use promemu_core::plan::{Plan, Shard};
use promemu_core::stop::Stop;
use promemu_core::time::{Span, Time};
use promemu_core::timeline::RunLog;
use tracing::warn;

use crate::clock::Clock;
use crate::transport::Payload;

/// Time to drive the hosts and write the samples, at most, in multiples of driving alone.
const WORK_FACTOR: u64 = 4;
/// Additional time for the disk.
const DISK_TIME: Span = Span::from_secs(1);
/// Number of hosts from which the time for all is estimated.
const PROBED_HOSTS: u32 = 20;
/// Part of a history from which the time for the whole is estimated.
const PROBED_PART: u64 = 24;
/// The shortest such part.
const PROBED_MIN: Span = Span::from_secs(3_600);

/// Real time of a live page's longest window: the part of a history that pages show.
const RECENT: Duration = Duration::from_hours(1);

/// Drives the hosts of a run through a grid and writes their samples; returns them at its end, in the order of the plan. Gives up
/// when it is asked to stop.
pub type WriteHistory = dyn Fn(&Backfill, Grid, &Stop) -> Result<Vec<DrivenHost>, Error> + Send + Sync;

/// The history that a run begins with.
pub struct History {
    /// Emulated time from its begin to the run's.
    pub length: Span,
    /// Time between two samples.
    pub step: Span,
    /// The longest real time that it takes; `None` for as long as it likes.
    pub work_max: Option<Duration>,
    /// Emulates and writes it; called once, on a thread that may block.
    pub write: Box<WriteHistory>,
    /// All that has come to the run from outside, if the history is the run's own begin; `None` for a history before a run.
    pub log: Option<RunLog>,
    /// The shard whose hosts live through it; `None` for all.
    pub shard: Option<Shard>,
    /// The other shards know the events of this one up to this moment, and are told the later ones; `None` if nobody is.
    pub told_to: Option<Time>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The hosts of a run as they come out of its history.
#[derive(Debug)]
pub(crate) struct Emulated {
    pub(crate) plan: Plan,
    pub(crate) past: Past,
}

/// The past that a live run goes on from.
#[derive(Debug)]
pub(crate) struct Past {
    /// The hosts at its end: one for each host of the plan, in its order.
    pub(crate) hosts: Vec<DrivenHost>,
    /// Its end, which is about to come.
    pub(crate) until: Time,
    /// Its newest samples.
    pub(crate) recent: Option<RecentSamples>,
    /// The run that it is the begin of; `None` for a history before a run.
    pub(crate) of_run: Option<RunSoFar>,
}

/// A run that has gone on for a while.
#[derive(Debug)]
pub(crate) struct RunSoFar {
    pub(crate) start: Time,
    /// All that has come to it.
    pub(crate) log: RunLog,
    /// The events and actions of this shard's hosts that other shards have yet to hear, in order.
    pub(crate) untold: Vec<Payload>,
}

impl History {
    /// The begin of a run that has been going on for this long elsewhere: its hosts live through it, and nothing is written.
    #[must_use]
    pub fn so_far(length: Span, log: RunLog, shard: Option<Shard>) -> Self {
        let step = Span::from_nanos(length.as_nanos().max(1));
        let write =
            |run: &Backfill, grid: Grid, stop: &Stop| stop.interrupts(|| lived_through(run, grid.to, stop));
        Self { length, step, work_max: None, write: Box::new(write), log: Some(log), shard, told_to: None }
    }

    /// Its begin, if the run goes live when this clock started.
    #[must_use]
    pub const fn start(&self, clock: &Clock) -> Time {
        clock.started_at().before(self.length)
    }

    /// The most samples that it has of a plan, with those of `up`.
    #[must_use]
    pub fn samples_max(&self, plan: &Plan) -> usize {
        let moments = self.length.as_nanos() / self.step.as_nanos().max(1);
        let moments = usize::try_from(moments).unwrap_or(usize::MAX).saturating_add(1);
        moments.saturating_mul(plan.series_count().saturating_add(plan.hosts.len()))
    }

    /// The events and actions of this shard's hosts since the others were last told.
    fn untold(&self, run: &Backfill, log: &RunLog) -> Vec<Payload> {
        let Some(told_to) = self.told_to else { return Vec::new() };
        let plan = run.plan();
        let own: IndexSet<&str> = plan.hosts.iter().map(|host| &*host.name).collect();
        let events = run.log().iter().filter(|event| {
            event.time > told_to && own.contains(&*event.source) && plan.heard_elsewhere.contains(&event.name)
        });
        let mut untold: Vec<Payload> = events.map(|event| Payload::of_event(&event)).collect();
        let actions = log.actions().iter().filter(|logged| {
            logged.sent.time > told_to
                && own.contains(&*logged.sent.source)
                && !logged.sent.action.is_of_timeline()
        });
        untold.extend(actions.filter_map(|logged| Payload::of_action(&logged.targets, &logged.sent, plan)));
        untold.sort_by(|a, b| a.order().cmp(&b.order()));
        untold
    }

    /// Drives the hosts of a plan that starts with the history through it, and writes it. Blocks. It gives up soon after it is
    /// asked to stop.
    pub(crate) fn emulate(
        &self,
        plan: Plan,
        seed: u64,
        clock: &Clock,
        stop: &Stop,
    ) -> Result<Emulated, Error> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (start, whole) = (self.start(clock), Arc::new(plan));
        let expected = stop.interrupts(|| expected_work(&whole, seed, start, clock, threads))?;
        let until = clock.now() + if stop.is_set() { Span::ZERO } else { expected };
        let grid = Grid { from: start, to: until, step: self.step };
        let recent = clock.speed().emulated(RECENT);
        let run = stop.interrupts(|| match &self.log {
            None => Backfill::before_live(Arc::clone(&whole), seed, grid),
            Some(log) => Backfill::with_log(Arc::clone(&whole), seed, (start, until), log),
        })?;
        drop(whole);
        let run = run.of_shard(self.shard).keeping_recent(grid, recent);
        if stop.is_set() {
            return Err(Error::Run("history was stopped".to_owned()));
        }
        let hosts = (self.write)(&run, grid, stop)?;
        let plan = Arc::clone(run.plan());
        if hosts.len() != plan.hosts.len() {
            return Err(Error::Run("history was not written to its end".to_owned()));
        }
        let of_run = self.log.as_ref().map(|log| {
            let log = run.log().run_log(log);
            RunSoFar { start, untold: self.untold(&run, &log), log }
        });
        let recent = run.into_recent();
        let gap = clock.now().since(until);
        if gap > self.step {
            warn!(%gap, "history took longer than expected; samples are missing between it and the live run");
        }
        match Arc::try_unwrap(plan) {
            Ok(plan) => Ok(Emulated { plan, past: Past { hosts, until, recent, of_run } }),
            Err(_) => Err(Error::Run("plan is still in use because of a bug".to_owned())),
        }
    }
}

/// The hosts at this time, in the order of the plan.
fn lived_through(run: &Backfill, until: Time, stop: &Stop) -> Result<Vec<DrivenHost>, Error> {
    let ids: Vec<HostId> = (0..).take(run.plan().hosts.len()).collect();
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let live = |_: HostId, mut host: ReplayedHost<'_>| {
        drive(&mut host, until, &mut Outbox::default(), |_, _, _| {});
        host.into_host()
    };
    let mut hosts = Vec::with_capacity(ids.len());
    run.each_host(&ids, threads, live, |_, host| {
        hosts.push(host);
        Ok::<(), Error>(())
    })?;
    if stop.is_set() {
        return Err(Error::Run("history was stopped".to_owned()));
    }
    Ok(hosts)
}

/// Upper estimate, from some hosts and a part of the time, of the emulated time that passes while the history is written.
fn expected_work(
    plan: &Arc<Plan>,
    seed: u64,
    start: Time,
    clock: &Clock,
    threads: usize,
) -> Result<Span, Error> {
    let real = clock.real();
    let length = clock.now().since(start);
    let probed = PROBED_MIN.max(Span::from_nanos(length.as_nanos() / PROBED_PART)).min(length);
    let begin = real.now();
    let run = Backfill::new(Arc::clone(plan), seed, start, start + probed)?;
    let setup_nanos = real.now().since(begin).as_nanos();
    let (begin, count) = (real.now(), plan.hosts.len().min(PROBED_HOSTS as usize));
    let last = plan.hosts.len() - count;
    for id in (0..).take(plan.hosts.len()).skip(last) {
        drive(&mut run.host(id), start + probed, &mut Outbox::default(), |_, _, _| {});
    }
    let per_host = real.now().since(begin).as_nanos() / count.max(1) as u64;
    let drive_nanos = per_host.saturating_mul(plan.hosts.len() as u64) / threads.max(1) as u64;
    let parts = length.as_nanos().div_ceil(probed.as_nanos().max(1));
    let work = setup_nanos.saturating_add(drive_nanos.saturating_mul(WORK_FACTOR)).saturating_mul(parts);
    Ok(clock.speed().emulated(Span::from_nanos(work.saturating_add(DISK_TIME.as_nanos())).duration()))
}
