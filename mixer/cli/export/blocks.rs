//! Blocks in the data folder of a Prometheus, and the progress while they are written.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_run::whole_file::Unfinished;
use promemu_wire::export::{BlockReport, BlockSpec, TargetLabels};
use tracing::info;

use super::progress::with_progress;
use super::target::{thread_count, warn_of};
use super::target_labels;
use crate::args::ExportArgs;

/// Writes a run into the folder of `--out`, which it makes if it does not exist.
pub(super) fn write(run: &Backfill, grid: Grid, args: &ExportArgs) -> Result<(), Error> {
    if args.out == "-" {
        let message = "--format blocks needs a folder; name one with --out or PME_EXPORT_OUT";
        return Err(Error::Usage(message.to_owned()));
    }
    let length_max = Span::parse(&args.max_block_duration).map_err(|error| {
        Error::Usage(format!("--max-block-duration or PME_EXPORT_MAX_BLOCK_DURATION: {error}"))
    })?;
    let data = Path::new(&args.out);
    let failed = |source| Error::System { what: format!("blocks cannot be written to {}", args.out), source };
    fs::create_dir_all(data).map_err(failed)?;
    let done = AtomicU64::new(0);
    let threads = thread_count(args.threads);
    let unfinished = Mutex::new(Vec::new());
    let begin = |folder: &Path| {
        unfinished.lock().unwrap_or_else(PoisonError::into_inner).push(Unfinished::new(folder));
    };
    let may_overlap = args.allow_overlap;
    let labels = target_labels(args, TargetLabels::Scraped);
    let (done, begin) = (&done, &begin);
    let spec = BlockSpec { run, grid, data, length_max, may_overlap, labels, threads, done, begin };
    let BlockReport { blocks, export } =
        with_progress(spec.steps(), done, || spec.write()).map_err(failed)?;
    let (samples, series) = (export.written.samples, export.written.series);
    info!(blocks, samples, series, out = args.out, seed = run.seed(), "exported");
    warn_of(export.work);
    Ok(())
}
