//! The first pass: hosts are driven through all their time, and their samples spooled.

use std::io;
use std::sync::Arc;

use promemu_core::backfill::{HostSampler, MemberSamples};
use promemu_core::event::HostId;
use promemu_core::host::DrivenHost;
use promemu_core::plan::HostPlan;

use super::members::{MemberSpooler, SpooledMember};
use super::report::{DroppedEvents, ExportReport, HostWork, WrittenCount};
use super::spec::{ExportSpec, sample_count, series_count};
use super::spool::Spool;
use super::spooled::SpooledRun;
use super::threads::on_threads;

/// Number of cells of a host that are sampled at once, about.
const CELLS_AT_ONCE: usize = 250_000;

/// The outcome for some hosts.
#[derive(Default)]
struct Sampled {
    work: HostWork,
    hosts: Vec<(HostId, DrivenHost)>,
    /// Host numbers, and the members of their pools.
    members: Vec<(usize, Vec<SpooledMember>)>,
}

/// Drives all hosts and spools their samples. Nothing is written yet.
pub(super) fn sample<'a>(spec: &'a ExportSpec<'a>) -> io::Result<(SpooledRun<'a>, ExportReport)> {
    let sampling = &spec.sampling;
    let plan = sampling.run.plan();
    let hosts = plan.hosts.len();
    // Each sample is spooled, then written.
    sampling.progress.add_total(2 * sampling.own_samples());
    let spool = Spool::new(spec.spool_dir, plan, sampling.grid.count())?;
    let threads = sampling.threads.clamp(1, hosts.max(1));
    let work = |thread: usize| {
        let hosts = (thread..hosts).step_by(threads);
        sampling.progress.interrupts(|| sample_hosts(spec, &spool, hosts))
    };
    let sampled = on_threads((0..threads).collect(), work)?;
    let mut run = SpooledRun { spec, spool, members: Vec::new() };
    run.members.resize_with(hosts, Vec::new);
    let mut of_threads = Vec::new();
    for sampled in sampled {
        of_threads.push((sampled.work, sampled.hosts));
        for (host, members) in sampled.members {
            sampling.progress.add_total(member_samples(&plan.hosts[host], &members));
            run.members[host] = members;
        }
    }
    Ok((run, ExportReport::of_threads(WrittenCount::default(), of_threads)))
}

fn sample_hosts(
    spec: &ExportSpec<'_>,
    spool: &Spool,
    hosts: impl Iterator<Item = usize>,
) -> io::Result<Sampled> {
    let mut outcome = Sampled::default();
    for id in hosts {
        sample_host(spec, spool, id, &mut outcome)?;
    }
    Ok(outcome)
}

fn sample_host(spec: &ExportSpec<'_>, spool: &Spool, host: usize, outcome: &mut Sampled) -> io::Result<()> {
    let sampling = &spec.sampling;
    let plan = &sampling.run.plan().hosts[host];
    let (id, shape) = (HostId::try_from(host).map_err(io::Error::other)?, &plan.shape);
    let mut driven = HostSampler::new(sampling.run.host(id), 0..shape.width);
    let (mut members, mut first) = (MemberSpooler::default(), 0);
    let mut first_dropped = None;
    for grid in sampling.grid.parts(CELLS_AT_ONCE / shape.width.max(1)) {
        sampling.progress.check()?;
        let mut written = Ok(());
        let mut put = |samples: &MemberSamples<'_>| {
            if written.is_ok() {
                written = members.put(samples, first, spool);
            }
        };
        let samples = driven.sample(&grid, |_| {}, Some(&mut put));
        written?;
        for cell in 0..shape.width {
            spool.put(host, cell, first, samples.cell(cell))?;
        }
        if plan.has_own_times() {
            spool.put_own_times(host, shape.width, first, samples.own_times())?;
        }
        outcome.work.counts = outcome.work.counts.and(samples.counts);
        first_dropped = first_dropped.or_else(|| samples.first_dropped.clone());
        sampling.progress.add_done(sample_count(&shape.metrics, &grid));
        first += samples.moments();
    }
    let dropped = first_dropped.map(|first| DroppedEvents { host: Arc::clone(&plan.name), first });
    outcome.work.dropped.extend(dropped);
    outcome.members.push((host, members.into_members()));
    if sampling.keeps_hosts {
        outcome.hosts.push((id, driven.into_host(sampling.grid.to)));
    }
    Ok(())
}

/// Number of samples of a host's pool members.
fn member_samples(host: &HostPlan, members: &[SpooledMember]) -> u64 {
    let series: Vec<u64> = host.shape.pools.iter().map(|pool| series_count(&pool.shape.metrics)).collect();
    members.iter().map(|member| series[member.pool] * member.moments() as u64).sum()
}
