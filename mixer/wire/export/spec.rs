//! The input of an export.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::plan::MetricPlan;

use super::format::Format;
use super::target_labels::TargetLabels;

/// The input of an export.
#[derive(Debug)]
pub struct ExportSpec<'a> {
    /// The run.
    pub run: &'a Backfill,
    /// The times at which it is sampled.
    pub grid: Grid,
    /// Format of the file.
    pub format: Format,
    /// Labels of the way into a Prometheus.
    pub labels: TargetLabels,
    /// Number of threads.
    pub threads: usize,
    /// Folder of the spool, with room for 8 bytes per sample.
    pub spool_dir: &'a Path,
    /// Steps done so far, up to [`Self::steps`]; for others to watch the progress.
    pub done: &'a AtomicU64,
}

impl ExportSpec<'_> {
    /// Number of steps: two for each sample of a host's own series, as it is first sampled and then written. The series
    /// of pools are not counted, as their number is not known beforehand.
    #[must_use]
    pub fn steps(&self) -> u64 {
        2 * sample_count(self.run.plan().hosts.iter().flat_map(|host| &host.shape.metrics), &self.grid)
    }

    /// Counts one step for each sample of these metrics.
    pub(super) fn add_done(&self, metrics: &[MetricPlan]) {
        self.done.fetch_add(sample_count(metrics, &self.grid), Ordering::Relaxed);
    }
}

/// Number of samples of these metrics at the moments of a grid.
pub(super) fn sample_count<'m>(metrics: impl IntoIterator<Item = &'m MetricPlan>, grid: &Grid) -> u64 {
    let series: usize = metrics.into_iter().map(|metric| metric.cells.series()).sum();
    series as u64 * grid.count() as u64
}

/// The error of a thread that is gone without a result.
pub(super) fn thread_panicked() -> io::Error {
    io::Error::other("an export thread panicked")
}
