//! The target of an export, a file or standard output, and the progress while it is written.

use std::io::{self, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_core::host::DrivenHost;
use promemu_run::whole_file::{folder, unwritable};
use promemu_wire::export::{DroppedEvents, ExportReport, ExportSpec, Format, HostWork, Sampling};
use tracing::{info, warn};

use super::progress::with_progress;
use crate::{output_file, stdout};

/// Maximum number of hosts whose dropped events are told one by one.
const DROPS_TOLD_MAX: usize = 10;

/// Folder for the spools of an export to standard output, a pipe or a device.
const SPOOL_DIR: &str = "/var/tmp";

/// Writes a run to a file or, for `-`, to standard output. Returns the hosts if they are kept.
pub(super) fn write(sampling: Sampling<'_>, format: Format, out: &str) -> Result<Vec<DrivenHost>, Error> {
    write_by(sampling, out, |sampling, spool_dir, out| ExportSpec { sampling, format, spool_dir }.write(out))
}

/// The same as a rule test, with an edit of the whole text.
pub(super) fn write_rule_test(
    sampling: Sampling<'_>,
    out: &str,
    edit: Option<&dyn Fn(&str) -> String>,
) -> Result<Vec<DrivenHost>, Error> {
    write_by(sampling, out, |sampling, _, out| {
        let Some(edit) = edit else { return sampling.write_rule_test(out) };
        let mut text = Vec::new();
        let report = sampling.write_rule_test(&mut text)?;
        out.write_all(edit(&String::from_utf8_lossy(&text)).as_bytes())?;
        Ok(report)
    })
}

fn write_by(
    sampling: Sampling<'_>,
    out: &str,
    write: impl FnOnce(Sampling<'_>, &Path, &mut (dyn Write + Send)) -> io::Result<ExportReport>,
) -> Result<Vec<DrivenHost>, Error> {
    let target = Target::of(out)?;
    let (progress, times, seed) = (sampling.progress, sampling.grid.count(), sampling.run.seed());
    let spool_dir = target.spool_dir();
    let written = target.write(|out| with_progress(progress, || write(sampling, spool_dir, out)))?;
    let Some(exported) = written else { return Ok(Vec::new()) };
    let (samples, series) = (exported.written.samples, exported.written.series);
    info!(samples, series, times, out, seed, "exported");
    warn_of(exported.work);
    Ok(exported.hosts)
}

/// Logs the events that were dropped, and the scenarios that failed.
pub(super) fn warn_of(work: HostWork) {
    let HostWork { counts, dropped } = work;
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
            stdout::check()?;
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

    /// The folder for spools: the file's own, as there must be room for it anyway; that of a device is no place for files.
    fn spool_dir(&self) -> &Path {
        match self {
            Self::Stdout => Path::new(SPOOL_DIR),
            Self::File(path) if path.metadata().is_ok_and(|found| !found.is_file()) => Path::new(SPOOL_DIR),
            Self::File(path) => folder(path),
        }
    }

    /// Writes a file as a whole or not at all. `None` if the reader of standard output is gone.
    fn write(
        &self,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<ExportReport>,
    ) -> Result<Option<ExportReport>, Error> {
        let outcome = match self {
            Self::Stdout => write(&mut io::stdout()),
            Self::File(path) => output_file::replace_with(path, write),
        };
        match (outcome, self) {
            (Ok(report), _) => Ok(Some(report)),
            // The reader of standard output has seen enough.
            (Err(source), Self::Stdout) if source.kind() == io::ErrorKind::BrokenPipe => Ok(None),
            (Err(source), Self::Stdout) => Err(unwritable(Path::new("standard output"), "--out", source)),
            (Err(source), Self::File(path)) => Err(unwritable(path, "--out", source)),
        }
    }
}
