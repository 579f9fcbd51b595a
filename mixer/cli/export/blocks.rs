//! Blocks in the data folder of a Prometheus, and the progress while they are written.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use promemu_core::error::Error;
use promemu_core::host::DrivenHost;
use promemu_core::time::Span;
use promemu_run::unfinished::Unfinished;
use promemu_run::whole_file::unwritable;
use promemu_wire::export::{BlockReport, BlockSpec, Sampling};
use tracing::info;

use super::progress::with_progress;
use super::target::warn_of;

/// Writes a run into a folder, which it makes if it does not exist. Returns the hosts if they are kept.
pub(super) fn write(
    sampling: Sampling<'_>,
    out: &str,
    length_max: Span,
    may_overlap: bool,
) -> Result<Vec<DrivenHost>, Error> {
    let data = Path::new(out);
    let failed = |source: io::Error| match source.kind() {
        // It says itself what to do, as with blocks that overlap.
        ErrorKind::Other => Error::System { what: format!("blocks cannot be written to {out}"), source },
        _ => unwritable(data, "--out", source),
    };
    fs::create_dir_all(data).map_err(failed)?;
    let unfinished = Mutex::new(Vec::new());
    let begin = |folder: &Path| {
        unfinished.lock().unwrap_or_else(PoisonError::into_inner).push(Unfinished::new(folder));
    };
    let (progress, seed) = (sampling.progress, sampling.run.seed());
    let spec = BlockSpec { sampling, data, length_max, may_overlap, begin: &begin };
    let BlockReport { blocks, export } = with_progress(progress, || spec.write()).map_err(failed)?;
    let (samples, series) = (export.written.samples, export.written.series);
    info!(blocks, samples, series, out, seed, "exported");
    warn_of(export.work);
    Ok(export.hosts)
}
