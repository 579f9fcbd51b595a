//! The input of an export.

use std::path::Path;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::plan::MetricPlan;

use super::format::Format;
use super::progress::Progress;
use super::target_labels::TargetLabels;

/// The samples of a run.
#[derive(Debug)]
pub struct Sampling<'a> {
    /// The run.
    pub run: &'a Backfill,
    /// The times at which it is sampled.
    pub grid: Grid,
    /// Labels of the way into a Prometheus. Where formats have staleness markers, hosts that are targets have the series `up`.
    pub labels: TargetLabels,
    /// Number of threads.
    pub threads: usize,
    /// `true` if the hosts are to go on afterwards: they come back as they are at the end of the grid.
    pub keeps_hosts: bool,
    /// The progress.
    pub progress: &'a Progress,
}

/// The input of an export to a file.
#[derive(Debug)]
pub struct ExportSpec<'a> {
    /// The samples.
    pub sampling: Sampling<'a>,
    /// Format of the file.
    pub format: Format,
    /// Folder of the spool, with room for 8 bytes per sample.
    pub spool_dir: &'a Path,
}

impl Sampling<'_> {
    /// Number of samples of the hosts' own series. That of pools is not known beforehand.
    pub(super) fn own_samples(&self) -> u64 {
        sample_count(self.run.plan().hosts.iter().flat_map(|host| &host.shape.metrics), &self.grid)
    }
}

/// Number of samples of these metrics at the moments of a grid.
pub(super) fn sample_count<'m>(metrics: impl IntoIterator<Item = &'m MetricPlan>, grid: &Grid) -> u64 {
    series_count(metrics) * grid.count() as u64
}

/// Number of series of these metrics.
pub(super) fn series_count<'m>(metrics: impl IntoIterator<Item = &'m MetricPlan>) -> u64 {
    metrics.into_iter().map(|metric| metric.cells.series() as u64).sum()
}
