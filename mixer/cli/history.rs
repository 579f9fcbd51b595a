//! `--history`: the past of a live run. The hosts live through it in virtual time, it is written to a file, and
//! they go on live.

use std::path::Path;
use std::sync::Arc;

use promemu_core::backfill::{Backfill, Grid, drive};
use promemu_core::error::Error;
use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, Outbox};
use promemu_core::plan::Plan;
use promemu_core::time::{Span, Time};
use promemu_run::clock::Clock;
use promemu_wire::export::Format;
use tracing::{info, warn};

use crate::export;

/// Driving and writing the past takes so many times as long as driving alone, at most.
const WORK_FACTOR: u64 = 4;
/// What comes on top, for the disk.
const WORK_MORE: Span = Span::from_secs(1);
/// So many hosts tell how long all of them take.
const PROBED_HOSTS: u32 = 20;

/// What `--history` asks for.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) length: Span,
    pub(crate) step: Span,
    pub(crate) out: String,
}

impl History {
    /// When the past of a run begins that is started now.
    pub(crate) fn start(&self, clock: &Clock) -> Time {
        clock.started_at().before(self.length)
    }

    /// Lets the hosts live through the past, and writes it. They are then as they are to be at the time that is
    /// given, which is about to come.
    pub(crate) fn live_through(
        &self,
        plan: Plan,
        seed: u64,
        clock: &Clock,
    ) -> Result<(Plan, Vec<DrivenHost>, Time), Error> {
        let (start, plan, threads) = (self.start(clock), Arc::new(plan), export::threads(None));
        let until = clock.now() + expected_work(&plan, seed, start, clock, threads);
        let run = Backfill::new(Arc::clone(&plan), seed, start, until);
        let all: Vec<HostId> = (0..).take(plan.hosts.len()).collect();
        let mut hosts = Vec::with_capacity(all.len());
        let lived = |_, mut host: DrivenHost| {
            drive(&mut host, until, &mut Outbox::default(), |_, _, _| {});
            host
        };
        let taken: Result<(), Error> = run.each_host(&all, threads, lived, |_, host| {
            hosts.push(host);
            Ok(())
        });
        taken?;
        let format = Format::of_path(Path::new(&self.out)).unwrap_or(Format::OpenMetrics);
        let grid = Grid { from: start, to: until, step: self.step };
        export::write(&run, grid, format, threads, &self.out)?;
        drop(run);
        let late = clock.now().since(until);
        if late > self.step {
            warn!(
                "the history took {late} longer than expected: so much is missing between it and the live run"
            );
        }
        info!("the past from {} on is in {}; the hosts go on from there", start.rfc3339(), self.out);
        match Arc::try_unwrap(plan) {
            Ok(plan) => Ok((plan, hosts, until)),
            Err(_) => Err(Error::Run("the plan is still in use because of a bug".to_owned())),
        }
    }
}

/// How much emulated time passes until the past is made, about and at most: told by some of the hosts.
fn expected_work(plan: &Arc<Plan>, seed: u64, start: Time, clock: &Clock, threads: usize) -> Span {
    let real = clock.real();
    let begin = real.now();
    let run = Backfill::new(Arc::clone(plan), seed, start, clock.now());
    let log_nanos = real.now().since(begin).as_nanos();
    let (begin, count) = (real.now(), plan.hosts.len().min(PROBED_HOSTS as usize));
    let last = plan.hosts.len() - count;
    for id in (0..).take(plan.hosts.len()).skip(last) {
        drive(&mut run.host(id), clock.now(), &mut Outbox::default(), |_, _, _| {});
    }
    let per_host = real.now().since(begin).as_nanos() / count.max(1) as u64;
    let drive_nanos = per_host.saturating_mul(plan.hosts.len() as u64) / threads.max(1) as u64;
    let work = log_nanos.saturating_add(drive_nanos.saturating_mul(WORK_FACTOR));
    clock.speed().emulated(Span::from_nanos(work.saturating_add(WORK_MORE.as_nanos())).duration())
}
