//! Blocks in the data folder of a Prometheus, each a slice. The Prometheus need not run.

use std::io;
use std::path::PathBuf;

use promemu_wire::block_reader::Block;
use promemu_wire::recording::SourceEntry;
use promemu_wire::samples::SampleValue;
use tokio::sync::watch;
use tracing::{info, warn};

use super::outlet::{Outlet, Piece};
use super::{Input, Work, blocking};

/// A data folder.
#[derive(Debug)]
pub struct BlockFiles {
    /// The folder.
    pub data: PathBuf,
    /// First millisecond since the Unix epoch that is read, and the one after the last.
    pub range_ms: (i64, i64),
}

impl Input for BlockFiles {
    fn entry(&self) -> SourceEntry {
        SourceEntry::new("blocks", self.data.display())
    }

    fn is_live(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        blocking(move || self.read(&outlet, &stopped))
    }
}

impl BlockFiles {
    fn read(&self, outlet: &Outlet, stopped: &watch::Receiver<bool>) -> Result<(), String> {
        let blocks = Block::all(&self.data).map_err(|error| error.to_string())?;
        let (from, to) = self.range_ms;
        let mut last_end = i64::MIN;
        for block in blocks.iter().filter(|block| block.begin_ms < to && block.end_ms > from) {
            // An overlapping block begins with samples that the one before it has, too.
            let range = (block.begin_ms.max(from).max(last_end), block.end_ms.min(to));
            if block.begin_ms < last_end {
                warn!(block = %block.name(), "block overlaps the one before it; of the time that both have, only the first is read");
            }
            last_end = last_end.max(block.end_ms);
            let is_recorded = outlet.recorded.iter().any(|known| known.0 <= range.0 && known.1 >= range.1);
            if range.0 >= range.1 || is_recorded {
                continue;
            }
            if *stopped.borrow() {
                return Ok(());
            }
            outlet.put_blocking(Piece::Begin(range.0))?;
            block
                .for_each(&|series| outlet.selection.takes(series), &mut |series, mut samples| {
                    samples.retain(|(at, _): &(i64, SampleValue)| (range.0..range.1).contains(at));
                    if samples.is_empty() {
                        return Ok(());
                    }
                    outlet.put_blocking(Piece::Series(series.clone(), samples)).map_err(io::Error::other)
                })
                .map_err(|error| error.to_string())?;
            outlet.end_slice_blocking(range.1)?;
            info!(block = %block.name(), "block is recorded");
        }
        Ok(())
    }
}
