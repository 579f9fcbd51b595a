//! A run stretch by stretch: threads drive their hosts through neighbouring moments, and a [`SeriesSink`] takes the series.
//!
//! In memory are the hosts, and one host's samples of one stretch per thread. Series that end get a staleness marker, as a
//! scrape gives them. Samples whose time a host sets itself are the exception: they have no markers, and such a host's samples
//! are held in memory, as they may belong to any stretch. No format is known here.

mod host_series;
mod sink;
mod stretch;
mod whole_host;
mod worker;

use std::io;

use promemu_core::backfill::Grid;
use promemu_core::event::HostId;

use super::spec::Sampling;
use super::threads::on_threads;

pub(super) use sink::{LabelSymbols, SeriesSink, Staleness, index_of_symbol};
pub(super) use worker::Worker;

/// A range of time, and the moments in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeRange {
    /// First millisecond since the Unix epoch.
    pub(super) begin: i64,
    /// The millisecond after the last.
    pub(super) end: i64,
    /// The moments of the export in it, if there are any.
    pub(super) grid: Option<Grid>,
}

/// The workers of all threads, with their hosts at their start.
pub(super) fn workers<'a>(sampling: &'a Sampling<'a>) -> io::Result<Vec<Worker<'a>>> {
    let hosts = sampling.run.plan().hosts.len();
    let threads = sampling.threads.clamp(1, hosts.max(1));
    let ids = (0..threads).map(|thread| {
        let ids = (0..hosts).skip(thread).step_by(threads);
        ids.map(|id| HostId::try_from(id).map_err(io::Error::other)).collect::<io::Result<Vec<_>>>()
    });
    let ids: Vec<Vec<HostId>> = ids.collect::<io::Result<_>>()?;
    on_threads(ids, |ids| sampling.progress.interrupts(|| Worker::new(sampling, ids)))
}

/// The earliest and the latest time that a host set itself, in milliseconds since the Unix epoch.
pub(super) fn own_times(workers: &[Worker<'_>]) -> Option<(i64, i64)> {
    let times = workers.iter().flat_map(Worker::own_times);
    times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
