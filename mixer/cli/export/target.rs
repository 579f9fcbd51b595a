//! The target of an export, a file or standard output, and the progress while it is written.

use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_run::whole_file::folder;
use promemu_wire::export::{DroppedEvents, ExportReport, ExportSpec, Format, HostWork};
use tracing::{info, warn};

use crate::output_file;

/// Interval between two updates of the progress bar.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);
/// Number of updates between two log lines, where there is no terminal.
const UPDATES_PER_LINE: u32 = 100;

/// Maximum number of hosts whose dropped events are told one by one.
const DROPS_TOLD_MAX: usize = 10;

/// Folder for the spools of an export to standard output.
const SPOOL_DIR: &str = "/var/tmp";

/// Writes a run to a file or, for `-`, to standard output; shows the progress, and logs the outcome.
pub(crate) fn write(
    run: &Backfill,
    grid: Grid,
    format: Format,
    threads: usize,
    out: &str,
) -> Result<(), Error> {
    let target = Target::of(out)?;
    let done = AtomicU64::new(0);
    let export = ExportSpec { run, grid, format, threads, spool_dir: target.spool_dir(), done: &done };
    let Some(exported) = target.write(|out| with_progress(&export, || export.write(out)))? else {
        return Ok(());
    };
    let (samples, series) = (exported.written.samples, exported.written.series);
    info!(samples, series, times = grid.count(), out, seed = run.seed(), "exported");
    let HostWork { counts, dropped } = exported.work;
    for DroppedEvents { host, first } in dropped.iter().take(DROPS_TOLD_MAX) {
        warn!(host = %host, event = %first.event, "{}; further ones were dropped and counted", first.cause);
    }
    if counts.events_dropped > 0 {
        warn!(events = counts.events_dropped, hosts = dropped.len(), "events were dropped");
    }
    let errors = counts.scenario_errors;
    if errors > 0 {
        warn!(errors, "scenarios failed and kept their values; run the config with --debug to see which");
    }
    Ok(())
}

/// The number of threads to use; the default is one per core.
pub(crate) fn thread_count(threads: Option<usize>) -> usize {
    threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

enum Target {
    Stdout,
    File(PathBuf),
}

impl Target {
    fn of(out: &str) -> Result<Self, Error> {
        if out == "-" {
            return Ok(Self::Stdout);
        }
        let path = PathBuf::from(out);
        let dir = folder(&path);
        if dir.is_dir() {
            return Ok(Self::File(path));
        }
        let dir = dir.display();
        Err(Error::Usage(format!("--out or PME_EXPORT_OUT: {dir} is not a folder; make it first")))
    }

    /// The folder for spools: the file's own, as there must be room for it anyway.
    fn spool_dir(&self) -> &Path {
        match self {
            Self::Stdout => Path::new(SPOOL_DIR),
            Self::File(path) => folder(path),
        }
    }

    /// Writes a file as a whole or not at all. `None` if the reader of standard output is gone.
    fn write(
        &self,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<ExportReport>,
    ) -> Result<Option<ExportReport>, Error> {
        let outcome = match self {
            Self::Stdout => match write(&mut io::stdout()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
                outcome => outcome,
            },
            Self::File(path) => output_file::replace_with(path, write),
        };
        outcome.map(Some).map_err(|source| Error::System {
            what: "export cannot be written; check that the disk has room for it".to_owned(),
            source,
        })
    }
}

/// Runs `work` while a bar, or a log line from time to time, shows the progress of the export.
fn with_progress<R: Send>(export: &ExportSpec<'_>, work: impl FnOnce() -> R + Send) -> R {
    let total = export.steps();
    let bar = ProgressBar::new(total);
    let template = "{bar:30} {percent:>3} % of {len} samples, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let is_terminal = io::stderr().is_terminal();
    std::thread::scope(|scope| {
        let worker = scope.spawn(work);
        let mut updates = 0;
        while !worker.is_finished() {
            std::thread::sleep(UPDATE_INTERVAL);
            updates += 1;
            let done = export.done.load(Ordering::Relaxed);
            if is_terminal {
                bar.set_position(done);
            } else if updates % UPDATES_PER_LINE == 0 {
                info!(done, total, "exporting");
            }
        }
        bar.finish_and_clear();
        match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
