//! The run of a test as blocks of a Prometheus.

use std::io;
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_wire::export::{BlockSpec, Progress, Sampling};

use super::subject::{Subject, TestRun};

/// Maximum length of a block.
pub(super) const LENGTH_MAX: Span = Span::from_secs(24 * 3_600);

/// Writes the samples of a run into an empty data folder.
pub(super) fn write(subject: &Subject, run: &TestRun, data: &Path) -> Result<(), Error> {
    let backfill = run.backfill()?;
    let progress = Progress::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let sampling = Sampling {
        run: backfill,
        grid: subject.scrapes,
        labels: subject.labels,
        threads,
        keeps_hosts: false,
        progress: &progress,
    };
    let spec = BlockSpec { sampling, data, length_max: LENGTH_MAX, may_overlap: false, begin: &|_| {} };
    let failed = |source: io::Error| Error::System {
        what: "the samples cannot be written to the folder of temporary files".to_owned(),
        source,
    };
    spec.write().map(drop).map_err(failed)
}
