//! The first pass: hosts are driven through all their time, and their samples spooled.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};

use promemu_core::backfill::{HostSamples, MemberSamples, MemberSink};
use promemu_core::event::HostId;
use promemu_core::host::UpdateCounts;
use promemu_core::plan::MetricPlan;

use super::members::{MemberSpooler, SpooledMember};
use super::report::{DroppedEvents, HostWork};
use super::spec::{ExportSpec, thread_panicked};
use super::spool::Spool;
use super::spooled::SpooledRun;

/// Number of cells of a host that are sampled at once. A host with more is driven several times, for some metrics each.
const CELLS_MAX: usize = 8_000_000;

/// The outcome for some hosts.
#[derive(Default)]
struct Sampled {
    counts: UpdateCounts,
    /// The first events that hosts dropped, of each host that did.
    dropped: Vec<DroppedEvents>,
    /// Host numbers, and the members of their pools.
    members: Vec<(usize, Vec<SpooledMember>)>,
}

/// Drives all hosts and spools their samples.
pub(super) fn sample<'a>(spec: &'a ExportSpec<'a>) -> io::Result<(SpooledRun<'a>, HostWork)> {
    let hosts = spec.run.plan().hosts.len();
    let spool = Spool::new(spec.spool_dir, spec.run.plan(), spec.grid.count())?;
    let threads = spec.threads.clamp(1, hosts.max(1));
    let sampled: Vec<io::Result<Sampled>> = thread::scope(|scope| {
        let spool = &spool;
        let worker = |n: usize| move || sample_hosts(spec, spool, (n..hosts).step_by(threads));
        let spawned: Vec<_> =
            (0..threads).map(|n| thread::Builder::new().spawn_scoped(scope, worker(n))).collect();
        let outcome = |(n, spawned): (usize, io::Result<ScopedJoinHandle<'_, _>>)| match spawned {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err(thread_panicked())),
            // Without a thread its hosts are driven here.
            Err(_) => worker(n)(),
        };
        spawned.into_iter().enumerate().map(outcome).collect()
    });
    let mut run = SpooledRun { spec, spool, members: Vec::new() };
    run.members.resize_with(hosts, Vec::new);
    let mut work = HostWork::default();
    for sampled in sampled {
        let sampled = sampled?;
        work.counts = work.counts.and(sampled.counts);
        work.dropped.extend(sampled.dropped);
        for (host, members) in sampled.members {
            run.members[host] = members;
        }
    }
    work.dropped.sort_by(|a, b| a.host.cmp(&b.host));
    Ok((run, work))
}

fn sample_hosts(
    spec: &ExportSpec<'_>,
    spool: &Spool,
    hosts: impl Iterator<Item = usize>,
) -> io::Result<Sampled> {
    let moments = spec.grid.count();
    let mut outcome = Sampled::default();
    for id in hosts {
        let shape = &spec.run.plan().hosts[id].shape;
        let mut rest = shape.metrics.as_slice();
        let mut is_first = true;
        while !rest.is_empty() || is_first {
            let (metrics, cells) = next_metrics(rest, CELLS_MAX / moments.max(1));
            let host = spec.run.host(HostId::try_from(id).map_err(io::Error::other)?);
            let (mut spooler, mut written) = (MemberSpooler::default(), Ok(()));
            let mut put = |samples: &MemberSamples<'_>| {
                if written.is_ok() {
                    written = spooler.put(samples, spool);
                }
            };
            // The host does the same each time it is driven, so its pools are recorded once.
            let pools: Option<MemberSink<'_>> = if is_first { Some(&mut put) } else { None };
            let samples = HostSamples::of_cells(host, &spec.grid, cells.clone(), pools);
            written?;
            spool.put(id, cells.start, samples.cells())?;
            if std::mem::take(&mut is_first) {
                outcome.counts = outcome.counts.and(samples.counts);
                let name = &spec.run.plan().hosts[id].name;
                let dropped = samples.first_dropped.clone();
                outcome.dropped.extend(dropped.map(|first| DroppedEvents { host: Arc::clone(name), first }));
                if spec.run.plan().hosts[id].stamps() {
                    spool.put_own_times(id, shape.width, samples.own_times())?;
                }
                outcome.members.push((id, spooler.into_members()));
            }
            spec.add_done(&rest[..metrics]);
            rest = &rest[metrics..];
        }
    }
    Ok(outcome)
}

/// Number of the first metrics, at least one, that have no more than `cells_max` cells together; and these cells.
pub(super) fn next_metrics(metrics: &[MetricPlan], cells_max: usize) -> (usize, Range<usize>) {
    let start = metrics.first().map_or(0, |metric| metric.offset);
    let mut end = start;
    let mut count = 0;
    for metric in metrics {
        let metric_end = metric.offset + metric.cells.width();
        if count > 0 && metric_end - start > cells_max {
            break;
        }
        (count, end) = (count + 1, metric_end);
    }
    (count, start..end)
}
