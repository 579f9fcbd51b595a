//! Hosts are driven through the whole time, and what they show is spooled.

use std::io;
use std::ops::Range;

use super::generations::{Generation, Generations};
use super::{Export, Spool, ended_by_a_bug};
use promemu_core::backfill::{HostSamples, MemberSamples, MemberSink, UpdateCounts};
use promemu_core::event::HostId;
use promemu_core::plan::MetricPlan;

/// So many cells of a host are sampled at once; of a host with more, some metrics at a time.
const CELLS_MAX: usize = 8_000_000;

/// What was done for a host, and who has lived in its pools.
type Filled = (UpdateCounts, Vec<(usize, Vec<Generation>)>);

impl Export<'_> {
    /// Drives all hosts, and spools what they show.
    pub(super) fn fill(&self, spool: &Spool) -> io::Result<Filled> {
        let hosts = self.run.plan().hosts.len();
        let threads = self.threads.clamp(1, hosts.max(1));
        let filled: Vec<io::Result<Filled>> = std::thread::scope(|scope| {
            let works: Vec<_> = (0..threads)
                .map(|thread| scope.spawn(move || self.fill_hosts(spool, (thread..hosts).step_by(threads))))
                .collect();
            works.into_iter().map(|work| work.join().unwrap_or_else(|_| Err(ended_by_a_bug()))).collect()
        });
        filled.into_iter().try_fold(Filled::default(), |(total, mut all), filled| {
            let (tally, mut generations) = filled?;
            all.append(&mut generations);
            Ok((total.and(tally), all))
        })
    }

    fn fill_hosts(&self, spool: &Spool, hosts: impl Iterator<Item = usize>) -> io::Result<Filled> {
        let moments = self.grid.count();
        let (mut total, mut all) = Filled::default();
        for id in hosts {
            let shape = &self.run.plan().hosts[id].shape;
            let mut rest = shape.metrics.as_slice();
            let mut is_first = true;
            while !rest.is_empty() || is_first {
                let (metrics, cells) = first_few(rest, CELLS_MAX / moments.max(1));
                let host = self.run.host(HostId::try_from(id).map_err(io::Error::other)?);
                let (mut generations, mut outcome) = (Generations::default(), Ok(()));
                let mut put = |stretch: &MemberSamples<'_>| {
                    if outcome.is_ok() {
                        outcome = generations.put(stretch, spool);
                    }
                };
                // In each piece the host does the same.
                let pools: Option<MemberSink<'_>> = if is_first { Some(&mut put) } else { None };
                let samples = HostSamples::of_cells(host, &self.grid, cells.clone(), pools);
                outcome?;
                spool.put(id, cells.start, samples.cells())?;
                if std::mem::take(&mut is_first) {
                    total = total.and(samples.counts);
                    if shape.stamps() {
                        spool.put_own_times(id, shape.width, samples.own_times())?;
                    }
                    all.push((id, generations.into_vec()));
                }
                self.count(&rest[..metrics]);
                rest = &rest[metrics..];
            }
        }
        Ok((total, all))
    }
}

/// How many metrics, at least one, have so few cells together; and which cells these are.
pub(super) fn first_few(metrics: &[MetricPlan], cells_max: usize) -> (usize, Range<usize>) {
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
