//! The virtual driver: the same hosts as live, as fast as the machine can, on any number of threads.
//!
//! Hosts touch each other by events only, and an event takes [`DELIVERY_DELAY`](crate::event::DELIVERY_DELAY) from one to
//! another. So a run has two passes. The first drives the hosts whose events others hear, together, one moment
//! after the other, and writes down what they emit: the [`EventLog`]. In the second every host is driven for
//! itself through the whole time, with its mail from the log; nothing else passes between hosts, so the threads
//! need no order among them, and the outcome depends on the seed alone.

mod log;
mod members;
mod samples;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

pub use log::EventLog;
pub use members::{MemberSamples, MemberSink};
pub use samples::{Grid, HostSamples};

use crate::event::HostId;
use crate::host::{DrivenHost, EmulatedHost, Outbox};
use crate::plan::Plan;
use crate::rng::Seed;
use crate::time::Time;

/// So many hosts' outcomes of a thread wait to be taken.
const OUTCOMES_MAX: usize = 4;

/// A plan in virtual time.
#[derive(Debug)]
pub struct Backfill {
    plan: Arc<Plan>,
    seed: u64,
    start: Time,
    log: EventLog,
}

/// What a virtual run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateCounts {
    /// How many values were made.
    pub updates: u64,
    /// How often a scenario failed.
    pub scenario_errors: u64,
}

impl UpdateCounts {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let (updates, errors) = (self.updates + other.updates, self.scenario_errors + other.scenario_errors);
        Self { updates, scenario_errors: errors }
    }
}

impl Backfill {
    /// A run of the plan from `start` to `until`. Makes the first pass.
    #[must_use]
    pub fn new(plan: Arc<Plan>, seed: u64, start: Time, until: Time) -> Self {
        let log = EventLog::record(&plan, Seed::new(seed), start, until);
        Self { plan, seed, start, log }
    }

    /// What runs.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The seed of its randomness.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// When it starts.
    #[must_use]
    pub const fn start(&self) -> Time {
        self.start
    }

    /// What hosts tell each other.
    #[must_use]
    pub const fn log(&self) -> &EventLog {
        &self.log
    }

    /// One host at its start, with all its mail.
    #[must_use]
    pub fn host(&self, id: HostId) -> DrivenHost {
        let plan = Arc::clone(&self.plan.hosts[id as usize]);
        let mail = self.log.mail(id, &plan.shape);
        let mut host = DrivenHost::new(EmulatedHost::new(plan, Seed::new(self.seed), self.start));
        host.post(mail);
        host
    }

    /// Lets one host live until a time; `seen` is told what it has after each of its steps.
    pub fn drive(
        host: &mut DrivenHost,
        until: Time,
        out: &mut Outbox,
        mut seen: impl FnMut(Time, &DrivenHost, &Outbox),
    ) -> UpdateCounts {
        let mut counts = UpdateCounts::default();
        while let Some(at) = host.step(until, out) {
            counts.updates += out.updates;
            counts.scenario_errors += out.scenario_errors;
            seen(at, host, out);
        }
        counts
    }

    /// Makes something of each host on so many threads, and takes the outcomes in the order of the hosts, until
    /// one is refused.
    pub fn each_host<T: Send, E>(
        &self,
        hosts: &[HostId],
        threads: usize,
        make: impl Fn(HostId, DrivenHost) -> T + Sync,
        mut take: impl FnMut(HostId, T) -> Result<(), E>,
    ) -> Result<(), E> {
        if threads <= 1 || hosts.len() <= 1 {
            return hosts.iter().try_for_each(|id| take(*id, make(*id, self.host(*id))));
        }
        std::thread::scope(|scope| {
            // Each thread has every n-th host, so that the order of the outcomes is known beforehand.
            let outcomes: Vec<_> = (0..threads)
                .map(|thread| {
                    let (send, outcomes) = sync_channel(OUTCOMES_MAX);
                    let make = &make;
                    scope.spawn(move || {
                        for id in hosts.iter().skip(thread).step_by(threads) {
                            // Nobody takes any more when one was refused.
                            if send.send(make(*id, self.host(*id))).is_err() {
                                return;
                            }
                        }
                    });
                    outcomes
                })
                .collect();
            for (n, id) in hosts.iter().enumerate() {
                match outcomes[n % threads].recv() {
                    Ok(outcome) => take(*id, outcome)?,
                    // The thread has panicked; the scope hands that on.
                    Err(_) => break,
                }
            }
            Ok(())
        })
    }
}
