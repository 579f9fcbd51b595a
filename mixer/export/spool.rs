//! All samples of an export on the disk, where each host has its place.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::backfill::HostSamples;
use crate::clock::Time;
use crate::plan::Plan;

const CELL_BYTES: usize = size_of::<f64>();

/// A file without a name, which is gone when nobody has it open any more, however the process ends.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    /// The first cell of each host.
    starts: Vec<usize>,
    moments: usize,
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
        Ok(Self { starts: starts.collect(), file: tempfile::tempfile_in(dir)?, moments })
    }

    fn byte(&self, host: usize, cell: usize) -> u64 {
        ((self.starts[host] + cell) * self.moments * CELL_BYTES) as u64
    }

    /// Puts some of a host's cells at their place, each with all its moments.
    pub(super) fn put(&self, host: usize, first_cell: usize, cells: &[f64]) -> io::Result<()> {
        let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        self.file.write_all_at(&bytes, self.byte(host, first_cell))
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
