//! `--history`: the hosts live through the history in virtual time, it is written to a file, and they go on live.

use std::path::Path;
use std::sync::Arc;

use promemu_core::backfill::{Backfill, Grid, ReplayedHost, drive};
use promemu_core::error::Error;
use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, Outbox};
use promemu_core::plan::Plan;
use promemu_core::time::{Span, Time};
use promemu_run::clock::Clock;
use promemu_wire::export::Format;
use tracing::{info, warn};

use crate::export;
use crate::settings::HistorySettings;

/// Time to drive the hosts and write the samples, at most, in multiples of driving alone.
const WORK_FACTOR: u64 = 4;
/// Additional time for the disk.
const DISK_TIME: Span = Span::from_secs(1);
/// Number of hosts from which the time for all is estimated.
const PROBED_HOSTS: u32 = 20;

/// The start of a history that ends now.
pub(super) fn start(history: &HistorySettings, clock: &Clock) -> Time {
    clock.started_at().before(history.length)
}

/// Drives the hosts through the history, and writes it. Returns the hosts as they are at the returned time, which is
/// about to come.
pub(super) fn emulate(
    history: &HistorySettings,
    plan: Plan,
    seed: u64,
    clock: &Clock,
) -> Result<(Plan, Vec<DrivenHost>, Time), Error> {
    let (start, plan, threads) = (start(history, clock), Arc::new(plan), export::thread_count(None));
    let until = clock.now() + expected_work(&plan, seed, start, clock, threads)?;
    let run = Backfill::new(Arc::clone(&plan), seed, start, until)?;
    let ids: Vec<HostId> = (0..).take(plan.hosts.len()).collect();
    let mut hosts = Vec::with_capacity(ids.len());
    let driven_host = |_, mut host: ReplayedHost<'_>| {
        drive(&mut host, until, &mut Outbox::default(), |_, _, _| {});
        host.into_host()
    };
    let driven: Result<(), Error> = run.each_host(&ids, threads, driven_host, |_, host| {
        hosts.push(host);
        Ok(())
    });
    driven?;
    let format = Format::of_path(Path::new(&history.out)).unwrap_or(Format::OpenMetrics);
    let grid = Grid { from: start, to: until, step: history.step };
    export::write(&run, grid, format, threads, &history.out)?;
    drop(run);
    let gap = clock.now().since(until);
    if gap > history.step {
        warn!(%gap, "history took longer than expected; samples are missing between it and the live run");
    }
    info!(file = history.out, from = start.rfc3339(), "history is written; the hosts go on live");
    match Arc::try_unwrap(plan) {
        Ok(plan) => Ok((plan, hosts, until)),
        Err(_) => Err(Error::Run("plan is still in use because of a bug".to_owned())),
    }
}

/// Upper estimate, from a sample of hosts, of the emulated time that passes while the history is written.
fn expected_work(
    plan: &Arc<Plan>,
    seed: u64,
    start: Time,
    clock: &Clock,
    threads: usize,
) -> Result<Span, Error> {
    let real = clock.real();
    let begin = real.now();
    let run = Backfill::new(Arc::clone(plan), seed, start, clock.now())?;
    let setup_nanos = real.now().since(begin).as_nanos();
    let (begin, count) = (real.now(), plan.hosts.len().min(PROBED_HOSTS as usize));
    let last = plan.hosts.len() - count;
    for id in (0..).take(plan.hosts.len()).skip(last) {
        drive(&mut run.host(id), clock.now(), &mut Outbox::default(), |_, _, _| {});
    }
    let per_host = real.now().since(begin).as_nanos() / count.max(1) as u64;
    let drive_nanos = per_host.saturating_mul(plan.hosts.len() as u64) / threads.max(1) as u64;
    let work = setup_nanos.saturating_add(drive_nanos.saturating_mul(WORK_FACTOR));
    Ok(clock.speed().emulated(Span::from_nanos(work.saturating_add(DISK_TIME.as_nanos())).duration()))
}
