//! Times of samples that hosts set themselves, because a fault makes their clock wrong or their reports late.
//!
//! A report that is seen at several moments is one sample, at the time that the host set. A sample older than one before
//! it keeps its place in CSV and Parquet; OpenMetrics leaves it out, as promtool rejects samples that are out of order.

use std::io;

use promemu_core::backfill::HostSamples;
use promemu_core::event::HostId;
use promemu_core::time::Time;

use super::format::Format;
use super::spec::ExportSpec;
use super::spool::Spool;

/// Later times stand for moments before the first report, which have no time yet.
const UNREPORTED: Time = Time::from_unix_secs(9_000_000_000);

/// Times of a host's samples, of which the first is that of moment `first`; `None` if they are those of the grid. Removes
/// the samples that the format does not have.
pub(super) fn own_times(
    spec: &ExportSpec<'_>,
    spool: &Spool,
    host: HostId,
    first: usize,
    samples: &mut HostSamples,
) -> io::Result<Option<Vec<Time>>> {
    let plan = &spec.sampling.run.plan().hosts[host as usize];
    if !plan.has_own_times() {
        return Ok(None);
    }
    let times = spool.own_times(host as usize, plan.shape.width)?;
    let mut newest = Time::from_unix_nanos(0);
    let mut is_new = vec![true; times.len()];
    for (moment, time) in times.iter().enumerate().filter(|(_, time)| **time < UNREPORTED) {
        let is_repeated = moment > 0 && times[moment - 1] == *time;
        is_new[moment] = !is_repeated && (spec.format != Format::OpenMetrics || *time > newest);
        newest = newest.max(*time);
    }
    samples.clear_moments(|moment| !is_new[first + moment]);
    Ok(Some(times[first..first + samples.moments()].to_vec()))
}
