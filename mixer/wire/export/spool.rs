//! All samples of an export on the disk, where each host has its place.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::generations::Generation;
use promemu_core::backfill::HostSamples;
use promemu_core::event::HostId;
use promemu_core::plan::Plan;
use promemu_core::time::Time;

const CELL_BYTES: usize = size_of::<f64>();

/// A file without a name, which is gone when nobody has it open any more, however the process ends.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    /// The first cell of each host.
    starts: Vec<usize>,
    moments: usize,
    /// Where the next stretch goes, in bytes: behind all hosts' places.
    end: AtomicU64,
    /// Those who have lived in the pools of each host.
    generations: Vec<Vec<Generation>>,
}

impl Spool {
    /// Room for so many moments of all hosts.
    pub(super) fn new(dir: &Path, plan: &Plan, moments: usize) -> io::Result<Self> {
        let mut next = 0usize;
        let starts = plan.hosts.iter().map(|host| {
            let start = next;
            let own_times = usize::from(host.shape.stamps());
            next = next.saturating_add(host.shape.width + own_times);
            start
        });
        let starts: Vec<usize> = starts.collect();
        let end = AtomicU64::new((next * moments * CELL_BYTES) as u64);
        Ok(Self { starts, file: tempfile::tempfile_in(dir)?, moments, end, generations: Vec::new() })
    }

    fn byte(&self, host: usize, cell: usize) -> u64 {
        ((self.starts[host] + cell) * self.moments * CELL_BYTES) as u64
    }

    /// Puts some of a host's cells at their place, each with all its moments.
    pub(super) fn put(&self, host: usize, first_cell: usize, cells: &[f64]) -> io::Result<()> {
        let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        self.file.write_all_at(&bytes, self.byte(host, first_cell))
    }

    /// Takes over who has lived in the hosts' pools.
    pub(super) fn set_generations(&mut self, of_hosts: Vec<(usize, Vec<Generation>)>) {
        self.generations.resize_with(self.starts.len(), Vec::new);
        for (host, generations) in of_hosts {
            self.generations[host] = generations;
        }
    }

    /// Those who have lived in a host's pools.
    pub(super) fn generations(&self, host: HostId) -> &[Generation] {
        self.generations.get(host as usize).map_or(&[], Vec::as_slice)
    }

    /// Puts bytes behind everything; gives where they are.
    pub(super) fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, at)?;
        Ok(at)
    }

    /// Bytes that were put behind everything.
    pub(super) fn appended(&self, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Puts cells behind everything; gives where they are.
    pub(super) fn append_cells(&self, cells: &[f64]) -> io::Result<u64> {
        let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        self.append(&bytes)
    }

    /// Cells that were put behind everything.
    pub(super) fn appended_cells(&self, at: u64, cells: Range<usize>) -> io::Result<Vec<f64>> {
        let bytes = self.appended(at + (cells.start * CELL_BYTES) as u64, cells.len() * CELL_BYTES)?;
        Ok(bytes.as_chunks::<CELL_BYTES>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }

    /// Puts the times that a host says behind its cells.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are below 2^53")]
    pub(super) fn put_own_times(&self, host: usize, width: usize, times: &[Time]) -> io::Result<()> {
        let millis: Vec<f64> = times.iter().map(|time| time.unix_millis() as f64).collect();
        self.put(host, width, &millis)
    }

    /// The times that a host says, in milliseconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole milliseconds")]
    pub(super) fn own_times(&self, host: usize, width: usize) -> io::Result<Vec<Time>> {
        let millis = self.samples(host, width..width + 1)?;
        let time = |millis: &f64| Time::from_unix_nanos((*millis as u64).saturating_mul(1_000_000));
        Ok(millis.cells().iter().map(time).collect())
    }

    /// Some of a host's cells.
    pub(super) fn samples(&self, host: usize, cells: Range<usize>) -> io::Result<HostSamples> {
        let mut bytes = vec![0; cells.len() * self.moments * CELL_BYTES];
        self.file.read_exact_at(&mut bytes, self.byte(host, cells.start))?;
        let values = bytes.as_chunks::<CELL_BYTES>().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
        Ok(HostSamples::from_cells(values.collect(), cells, self.moments))
    }
}
