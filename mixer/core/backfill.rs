//! The virtual driver: the hosts of a live run, as fast as the machine can, on any number of threads.
//!
//! Hosts touch each other by events only, and an event takes [`DELIVERY_DELAY`](crate::event::DELIVERY_DELAY) from one to
//! another. So a run has two passes. The first drives the hosts whose events others listen to, together, in order of
//! time, and records their events: the [`EventLog`]. The second drives every host alone through the whole time, with
//! its events from the log. Nothing else passes between hosts, so the threads need no order among them, and the
//! outcome depends on the seed alone.

mod drive;
mod event_log;
mod members;
mod recent;
mod replayed_host;
mod sampler;
mod samples;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

pub use drive::drive;
pub use event_log::EventLog;
pub use members::{MemberSamples, MemberSink};
pub use recent::{Aggregate, RecentSamples};
pub use replayed_host::ReplayedHost;
pub use sampler::HostSampler;
pub use samples::{Grid, HostSamples};

use crate::error::Error;
use crate::event::HostId;
use crate::fault::Course;
use crate::host::{DrivenHost, EmulatedHost};
use crate::plan::{Plan, Shard, TimelineFrom};
use crate::rng::Seed;
use crate::time::{Span, Time};
use crate::timeline::RunLog;

/// The largest number of outcomes of one thread that wait for the consumer.
const OUTCOMES_MAX: usize = 4;

/// A run of a plan in virtual time.
#[derive(Debug)]
pub struct Backfill {
    plan: Arc<Plan>,
    seed: u64,
    times: RunTimes,
    log: EventLog,
    recent: Option<RecentSamples>,
    /// The ids of the hosts in the whole run, whose events the log has; `None` if this is it.
    whole_ids: Option<Vec<HostId>>,
}

/// The times of a run in virtual time.
#[derive(Clone, Copy, Debug)]
struct RunTimes {
    /// Its hosts start with it.
    start: Time,
    /// The last moment.
    until: Time,
    /// The moment from which phases and faults count.
    timeline_start: Time,
}

impl Backfill {
    /// A run of the plan from `start` to `until`. It makes the first pass at once, which fails if there are too many
    /// events.
    pub fn new(plan: Arc<Plan>, seed: u64, start: Time, until: Time) -> Result<Self, Error> {
        Self::with_log(plan, seed, (start, until), &RunLog::default())
    }

    /// As [`Self::new`], of the history of a live run that begins right after this grid, at which its hosts are sampled. Its phases
    /// and faults count from where the plan says.
    pub fn before_live(plan: Arc<Plan>, seed: u64, grid: Grid) -> Result<Self, Error> {
        let (start, until) = (grid.from, grid.to);
        let timeline_start = match plan.timeline_from {
            TimelineFrom::Live => until + Span::from_nanos(1),
            TimelineFrom::History => start,
        };
        Self::recorded(plan, seed, RunTimes { start, until, timeline_start }, &RunLog::default())
    }

    /// The same run, which keeps the newest samples of about this length.
    #[must_use]
    pub fn keeping_recent(mut self, grid: Grid, recent: Span) -> Self {
        self.recent = Some(RecentSamples::new(&self.plan, grid, recent));
        self
    }

    /// The part of the run that is one shard's, with the events of the whole run.
    #[must_use]
    pub fn of_shard(mut self, shard: Option<Shard>) -> Self {
        if let Some(shard) = shard {
            self.whole_ids = Some(shard.ids(&self.plan).collect());
            self.plan = Arc::new(self.plan.of_shard(shard));
        }
        self
    }

    /// As [`Self::new`], with the events and actions that came to another run of the plan from outside, such as a live run
    /// or a [world](crate::world::WorldBatch::log). Also fails if the log is not complete.
    pub fn with_log(
        plan: Arc<Plan>,
        seed: u64,
        (start, until): (Time, Time),
        log: &RunLog,
    ) -> Result<Self, Error> {
        Self::recorded(plan, seed, RunTimes { start, until, timeline_start: start }, log)
    }

    fn recorded(plan: Arc<Plan>, seed: u64, times: RunTimes, log: &RunLog) -> Result<Self, Error> {
        plan.refuse_real_work()?;
        let log = EventLog::record(&plan, seed, times, log)?;
        Ok(Self { plan, seed, times, log, recent: None, whole_ids: None })
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The seed of the run.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The start of the run.
    #[must_use]
    pub const fn start(&self) -> Time {
        self.times.start
    }

    /// The times of its phases and faults.
    #[must_use]
    pub fn course(&self) -> Course {
        let planned = || Course::new(self.times.timeline_start, Seed::new(self.seed));
        self.log.course().cloned().unwrap_or_else(planned)
    }

    /// The events that pass between hosts.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// One host at its start, with all events that it will receive.
    #[must_use]
    pub fn host(&self, id: HostId) -> ReplayedHost<'_> {
        let plan = Arc::clone(&self.plan.hosts[id as usize]);
        let host = EmulatedHost::new(plan, Seed::new(self.seed), self.times.start);
        let host = host.in_run_since(self.times.timeline_start);
        let id = self.whole_ids.as_ref().map_or(id, |ids| ids[id as usize]);
        ReplayedHost::new(id, DrivenHost::new(host), self)
    }

    /// The newest samples of a history, once its hosts are sampled.
    #[must_use]
    pub fn into_recent(self) -> Option<RecentSamples> {
        self.recent
    }

    /// Calls `make` for each host on `threads` threads, and `take` for the outcomes in the order of the hosts. Stops at
    /// the first error of `take`.
    pub fn each_host<T: Send, E>(
        &self,
        hosts: &[HostId],
        threads: usize,
        make: impl Fn(HostId, ReplayedHost<'_>) -> T + Sync,
        mut take: impl FnMut(HostId, T) -> Result<(), E>,
    ) -> Result<(), E> {
        if threads <= 1 || hosts.len() <= 1 {
            return hosts.iter().try_for_each(|id| take(*id, make(*id, self.host(*id))));
        }
        thread::scope(|scope| {
            // Each thread has every n-th host, so the thread of the next outcome is known.
            let outcomes: Vec<_> = (0..threads)
                .map(|n| {
                    let (send, outcomes) = sync_channel(OUTCOMES_MAX);
                    let make = &make;
                    let worker = move || {
                        for id in hosts.iter().skip(n).step_by(threads) {
                            // The receiver is gone after an error of `take`.
                            if send.send(make(*id, self.host(*id))).is_err() {
                                return;
                            }
                        }
                    };
                    // Without a thread its hosts are driven here.
                    thread::Builder::new().spawn_scoped(scope, worker).is_ok().then_some(outcomes)
                })
                .collect();
            for (n, id) in hosts.iter().enumerate() {
                let Some(outcomes) = &outcomes[n % threads] else {
                    take(*id, make(*id, self.host(*id)))?;
                    continue;
                };
                match outcomes.recv() {
                    Ok(outcome) => take(*id, outcome)?,
                    // The thread has panicked; the scope propagates the panic.
                    Err(_) => break,
                }
            }
            Ok(())
        })
    }
}
