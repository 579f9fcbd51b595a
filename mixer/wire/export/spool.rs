//! All samples of an export on disk. Each host has a place of a fixed size; samples of pool members are appended.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use promemu_core::backfill::HostSamples;
use promemu_core::plan::Plan;
use promemu_core::time::Time;

const CELL_BYTES: usize = size_of::<f64>();
/// Number of bytes that are read at once.
const READ_BYTES: usize = 16 << 10;

/// A file without a name: it is gone when it is closed, however the process ends.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    /// First cell of each host.
    starts: Vec<usize>,
    moments: usize,
    /// Offset of the next bytes that are appended.
    end: AtomicU64,
}

impl Spool {
    /// A spool with room for the cells of all hosts at so many moments.
    pub(super) fn new(dir: &Path, plan: &Plan, moments: usize) -> io::Result<Self> {
        let mut next = 0usize;
        let starts = plan.hosts.iter().map(|host| {
            let start = next;
            let own_times = usize::from(host.has_own_times());
            next = next.saturating_add(host.shape.width + own_times);
            start
        });
        let starts: Vec<usize> = starts.collect();
        let end = AtomicU64::new((next * moments * CELL_BYTES) as u64);
        Ok(Self { starts, file: tempfile::tempfile_in(dir)?, moments, end })
    }

    fn offset(&self, host: usize, cell: usize) -> u64 {
        ((self.starts[host] + cell) * self.moments * CELL_BYTES) as u64
    }

    /// Writes neighbouring moments of one cell of a host.
    pub(super) fn put(&self, host: usize, cell: usize, first: usize, values: &[f64]) -> io::Result<()> {
        self.file.write_all_at(&to_bytes(values), self.offset(host, cell) + (first * CELL_BYTES) as u64)
    }

    /// Cells of a host.
    pub(super) fn samples(&self, host: usize, cells: Range<usize>) -> io::Result<HostSamples> {
        let values = self.values(self.offset(host, cells.start), cells.len() * self.moments)?;
        Ok(HostSamples::from_cells(values, cells, self.moments))
    }

    /// Writes the times of neighbouring samples of a host behind its `width` cells.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are below 2^53")]
    pub(super) fn put_own_times(
        &self,
        host: usize,
        width: usize,
        first: usize,
        times: &[Time],
    ) -> io::Result<()> {
        let millis: Vec<f64> = times.iter().map(|time| time.unix_millis() as f64).collect();
        self.put(host, width, first, &millis)
    }

    /// Times of a host's samples, in whole milliseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole milliseconds")]
    pub(super) fn own_times(&self, host: usize, width: usize) -> io::Result<Vec<Time>> {
        let millis = self.samples(host, width..width + 1)?;
        let time = |millis: &f64| Time::from_unix_nanos((*millis as u64).saturating_mul(1_000_000));
        Ok(millis.cells().iter().map(time).collect())
    }

    /// Appends bytes. Returns their offset.
    pub(super) fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let offset = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, offset)?;
        Ok(offset)
    }

    /// Bytes that were appended.
    pub(super) fn appended(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Appends cells. Returns their offset.
    pub(super) fn append_cells(&self, cells: &[f64]) -> io::Result<u64> {
        self.append(&to_bytes(cells))
    }

    /// Some of the cells that were appended at this offset.
    pub(super) fn appended_cells(&self, offset: u64, cells: Range<usize>) -> io::Result<Vec<f64>> {
        self.values(offset + (cells.start * CELL_BYTES) as u64, cells.len())
    }

    /// Reads so many cells.
    fn values(&self, mut offset: u64, count: usize) -> io::Result<Vec<f64>> {
        let mut values = Vec::with_capacity(count);
        let mut bytes = [0; READ_BYTES];
        while values.len() < count {
            let len = READ_BYTES.min((count - values.len()) * CELL_BYTES);
            self.file.read_exact_at(&mut bytes[..len], offset)?;
            values.extend(bytes[..len].as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            offset += len as u64;
        }
        Ok(values)
    }
}

fn to_bytes(cells: &[f64]) -> Vec<u8> {
    cells.iter().flat_map(|cell| cell.to_le_bytes()).collect()
}
