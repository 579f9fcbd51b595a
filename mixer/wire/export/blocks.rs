//! Blocks: a run in virtual time as the storage of a Prometheus, written straight into its data folder.
//!
//! Time is cut at multiples of a block's length. For each block, threads drive their hosts through its time, encode their
//! series, and spool the chunks; then the block is written, series by series in the order of their labels, while the next one is
//! encoded. In memory are, beside the hosts, one host's samples per thread, and what the indices of two blocks need. The number
//! of threads does not change a byte.
//!
//! Every host that is a target has a series `up`, as if it was scraped at each moment: 1, or 0 while it is down.

mod bits;
mod block_folder;
mod block_id;
mod block_sink;
mod encoded;
mod float_chunk;
mod grid_series;
mod histogram_chunk;
mod index;
mod merged;
mod ranges;
mod segments;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use promemu_core::thread_limit::not_started;
use promemu_core::time::Span;

pub use self::grid_series::{GridSeries, write_grid_series};

use self::block_folder::{UnfinishedBlock, WrittenBlock, block_ranges, delete_leftovers};
use self::block_id::BlockId;
use self::block_sink::BlockSink;
use self::encoded::EncodedPart;
use self::merged::MergedParts;
use self::ranges::{block_ranges_of, length_for};
use super::report::{ExportReport, WrittenCount};
use super::spec::Sampling;
use super::stretches::{TimeRange, Worker, own_times, workers};
use super::threads::{on_threads, thread_panicked};

/// The input of an export to blocks.
pub struct BlockSpec<'a> {
    /// The samples.
    pub sampling: Sampling<'a>,
    /// The data folder.
    pub data: &'a Path,
    /// Maximum length of a block.
    pub length_max: Span,
    /// `true` if blocks may overlap those that are there.
    pub may_overlap: bool,
    /// Called with the folder of each block that is about to be begun, for whoever removes it if the process ends before.
    pub begin: &'a (dyn Fn(&Path) + Sync),
}

/// A block whose series are encoded, and its begin in milliseconds since the Unix epoch.
struct EncodedBlock {
    block: UnfinishedBlock,
    parts: Vec<EncodedPart>,
    begin: i64,
}

/// Number of blocks, and their content.
#[derive(Debug, Default)]
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
            .field("sampling", &self.sampling)
            .finish_non_exhaustive()
    }
}

impl BlockSpec<'_> {
    /// Drives the run and writes its blocks. Either all of them appear in the folder, or none. Fails if one would overlap a
    /// block that is there and may not.
    pub fn write(&self) -> io::Result<BlockReport> {
        let sampling = &self.sampling;
        sampling.progress.add_total(sampling.own_samples());
        delete_leftovers(self.data)?;
        let length = length_for(self.length_max);
        let mut workers = workers(sampling)?;
        let ranges = block_ranges_of(&sampling.grid, own_times(&workers), length);
        self.refuse_overlaps(&ranges)?;
        let (written, counted) = thread::scope(|scope| {
            let (send, encoded) = sync_channel(0);
            let writer = thread::Builder::new().spawn_scoped(scope, move || write_blocks(&encoded));
            let writer = writer.map_err(|error| not_started(&error))?;
            for (n, range) in (0..).zip(&ranges) {
                let encoded = self.encode(n, range, &mut workers)?;
                // The writer is gone after an error of its own.
                if send.send(encoded).is_err() {
                    break;
                }
            }
            drop(send);
            writer.join().unwrap_or_else(|_| Err(thread_panicked()))
        })?;
        let blocks = written.len();
        written.into_iter().try_for_each(|block: WrittenBlock| block.finish(self.data))?;
        let ends = on_threads(workers, |worker| Ok(worker.end()))?;
        Ok(BlockReport { blocks, export: ExportReport::of_threads(counted, ends) })
    }

    /// Drives all hosts through the time of the `n`-th block, and encodes their series.
    fn encode(&self, n: i64, range: &TimeRange, workers: &mut [Worker<'_>]) -> io::Result<EncodedBlock> {
        let id = BlockId::of_content((n, range.begin), [std::process::id(); 2]);
        let block = UnfinishedBlock::new(self.data, id, self.begin)?;
        let parts = on_threads(workers.iter_mut().collect(), |worker: &mut Worker<'_>| {
            let mut sink = BlockSink::new(EncodedPart::new(block.folder(), range.begin)?);
            worker.encode(range, &mut sink)?;
            sink.part.end()?;
            Ok(sink.part)
        })?;
        Ok(EncodedBlock { block, parts, begin: range.begin })
    }

    fn refuse_overlaps(&self, ranges: &[TimeRange]) -> io::Result<()> {
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
        self.sampling.grid.from.unix_millis().cast_signed()
    }
}

/// Writes blocks in the order in which they come, while the next one is encoded.
fn write_blocks(encoded: &Receiver<EncodedBlock>) -> io::Result<(Vec<WrittenBlock>, WrittenCount)> {
    let (mut written, mut counted) = (Vec::new(), WrittenCount::default());
    for EncodedBlock { block, parts, begin } in encoded {
        let parts = MergedParts::new(parts)?;
        counted.samples += parts.samples().iter().sum::<u64>();
        counted.series = counted.series.max(parts.series() as u64);
        written.extend(block.write(&parts, begin)?);
    }
    Ok((written, counted))
}
