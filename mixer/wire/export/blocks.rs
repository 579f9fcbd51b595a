//! Blocks: a run in virtual time as the storage of a Prometheus, written straight into its data folder.
//!
//! Time is cut at multiples of a block's length. For each block, threads drive their hosts through its time, encode their
//! series, and spool the chunks; then the block is written, series by series in the order of their labels. In memory are the
//! hosts, one host's samples per thread, and what the index of one block needs. The number of threads does not change a byte.
//!
//! Every host that is a target has a series `up`, as if it was scraped at each moment: 1, or 0 while it is down. Series that end get a staleness
//! marker, as a scrape gives them. Samples whose time a host sets itself are the exception: they have no markers, and such a
//! host's samples are held in memory, as they may belong to any block.

mod bits;
mod block_folder;
mod block_id;
mod encoded;
mod float_chunk;
mod histogram_chunk;
mod host_series;
mod index;
mod merged;
mod ranges;
mod segments;
mod stretch;
mod whole_host;
mod worker;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::event::HostId;
use promemu_core::time::Span;

use self::block_folder::{UnfinishedBlock, WrittenBlock, block_ranges, delete_leftovers};
use self::block_id::BlockId;
use self::merged::MergedParts;
use self::ranges::{BlockRange, block_ranges_of, length_for};
use self::worker::Worker;
use super::report::{ExportReport, HostWork, WrittenCount};
use super::spec::{sample_count, thread_panicked};
use super::target_labels::TargetLabels;

/// The input of an export to blocks.
pub struct BlockSpec<'a> {
    /// The run.
    pub run: &'a Backfill,
    /// The times at which it is sampled.
    pub grid: Grid,
    /// The data folder.
    pub data: &'a Path,
    /// Maximum length of a block.
    pub length_max: Span,
    /// `true` if blocks may overlap those that are there.
    pub may_overlap: bool,
    /// Labels of the way into a Prometheus. Hosts have the series `up` if they are targets.
    pub labels: TargetLabels,
    /// Number of threads.
    pub threads: usize,
    /// Steps done so far, up to [`Self::steps`]; for others to watch the progress.
    pub done: &'a AtomicU64,
    /// Called with the folder of each block that is about to be begun, for whoever removes it if the process ends before.
    pub begin: &'a (dyn Fn(&Path) + Sync),
}

/// Number of blocks, and their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockReport {
    /// Number of blocks.
    pub blocks: usize,
    /// As of any export.
    pub export: ExportReport,
}

impl fmt::Debug for BlockSpec<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockSpec")
            .field("data", &self.data)
            .field("grid", &self.grid)
            .finish_non_exhaustive()
    }
}

impl BlockSpec<'_> {
    /// Number of steps: one for each sample of a host's own series.
    #[must_use]
    pub fn steps(&self) -> u64 {
        sample_count(self.run.plan().hosts.iter().flat_map(|host| &host.shape.metrics), &self.grid)
    }

    /// Drives the run and writes its blocks. Either all of them appear in the folder, or none. Fails if one would overlap a
    /// block that is there and may not.
    pub fn write(&self) -> io::Result<BlockReport> {
        delete_leftovers(self.data)?;
        let length = length_for(self.length_max);
        let hosts = self.run.plan().hosts.len();
        let threads = self.threads.clamp(1, hosts.max(1));
        let workers = (0..threads).map(|thread| {
            let ids = (0..hosts).skip(thread).step_by(threads);
            ids.map(|id| HostId::try_from(id).map_err(io::Error::other)).collect::<io::Result<Vec<_>>>()
        });
        let ids: Vec<Vec<HostId>> = workers.collect::<io::Result<_>>()?;
        let made = on_threads(ids, |ids| Ok(Worker::new(self, ids)));
        let mut workers = made?;
        let own = workers.iter().filter_map(Worker::own_times).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let ranges = block_ranges_of(&self.grid, own, length);
        self.refuse_overlaps(&ranges)?;
        let mut written = Vec::new();
        let mut report = BlockReport::default();
        for (n, range) in (0..).zip(&ranges) {
            let id = BlockId::of_content((n, range.begin), [std::process::id(); 2]);
            let block = UnfinishedBlock::new(self.data, id, self.begin)?;
            let parts =
                on_threads(workers.iter_mut().collect(), |worker| worker.encode(range, block.folder()))?;
            let parts = MergedParts::new(parts)?;
            let samples = parts.samples().iter().sum();
            report.export.written = report.export.written.and(WrittenCount { series: 0, samples });
            report.export.written.series = report.export.written.series.max(parts.series() as u64);
            written.extend(block.write(&parts, range.begin)?);
        }
        report.blocks = written.len();
        written.into_iter().try_for_each(|block: WrittenBlock| block.finish(self.data))?;
        report.export.work = work_of(workers);
        Ok(report)
    }

    fn refuse_overlaps(&self, ranges: &[BlockRange]) -> io::Result<()> {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Ok(()) };
        if self.may_overlap {
            return Ok(());
        }
        let (begin, end) = (first.begin.max(self.first_millis()), last.end);
        match block_ranges(self.data)?.into_iter().find(|(_, range)| range.0 < end && begin < range.1) {
            None => Ok(()),
            Some((name, _)) => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!(
                    "{} has the block {name} at these times; choose other times or another folder, or allow it by \
                     --allow-overlap",
                    self.data.display()
                ),
            )),
        }
    }

    fn first_millis(&self) -> i64 {
        self.grid.from.unix_millis().cast_signed()
    }
}

/// The work of all hosts.
fn work_of(workers: Vec<Worker<'_>>) -> HostWork {
    let mut work = HostWork::default();
    for outcome in workers {
        let outcome = outcome.into_work();
        work.counts = work.counts.and(outcome.counts);
        work.dropped.extend(outcome.dropped);
    }
    work.dropped.sort_by(|a, b| a.host.cmp(&b.host));
    work
}

/// Does one thing on each of several threads, and returns the outcomes in order.
fn on_threads<T: Send, R: Send>(
    inputs: Vec<T>,
    work: impl Fn(T) -> io::Result<R> + Sync,
) -> io::Result<Vec<R>> {
    std::thread::scope(|scope| {
        let work = &work;
        let spawn = |input| std::thread::Builder::new().spawn_scoped(scope, move || work(input));
        let threads: Vec<_> = inputs.into_iter().map(spawn).collect();
        threads.into_iter().map(|thread| thread?.join().unwrap_or_else(|_| Err(thread_panicked()))).collect()
    })
}
