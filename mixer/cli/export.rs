//! `promemu export`: the flags, the file, and the progress.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_core::time::{Span, Time};
use promemu_run::clock::wall_now;
use promemu_run::whole_file::{WholeFile, folder};
use promemu_wire::export::{ExportReport, ExportSpec, Format};
use tracing::{info, warn};

use crate::args::{ExportArgs, ExportFormat};
use crate::settings::Settings;

/// So often the progress is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// So often a line tells of it where there is no terminal, in looks.
const LOOKS_PER_LINE: u32 = 100;

/// What the names of unfinished files begin with; the process comes next.
const PREFIX: &str = ".promemu-export-";

/// Where the spools of an export to standard output go.
const SPOOL_DIR: &str = "/var/tmp";

/// Exports a config.
pub(crate) fn export(settings: &Settings, args: &ExportArgs) -> Result<(), Error> {
    let grid = grid(args)?;
    let format = format(args)?;
    let file = settings.config_dirs().open(&args.name)?;
    let loaded = settings.load(&file, grid.from)?;
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    let seed = settings.run_settings(&loaded.plan.defaults)?.seed;
    let run = Backfill::new(Arc::new(loaded.plan), seed, grid.from, grid.to);
    write(&run, grid, format, threads(args.threads), &args.out)
}

/// Writes a run to a file or to standard output, and says how far it is and what has become of it.
pub(crate) fn write(
    run: &Backfill,
    grid: Grid,
    format: Format,
    threads: usize,
    out: &str,
) -> Result<(), Error> {
    let target = Target::of(out)?;
    let done = AtomicU64::new(0);
    let export = ExportSpec { run, grid, format, threads, spool_dir: target.dir(), done: &done };
    let Some(exported) = target.write(|out| with_progress(&export, || export.write(out)))? else {
        return Ok(());
    };
    let moments = grid.count();
    info!(
        "exported {} samples of {} series at {} to {out}, seed {}",
        exported.written.samples,
        exported.written.series,
        plural(moments, "moment", "moments"),
        run.seed()
    );
    if exported.counts.scenario_errors > 0 {
        let errors = exported.counts.scenario_errors;
        warn!(
            "scenarios failed {errors} times and kept their values; --debug tells which when the config runs"
        );
    }
    Ok(())
}

/// On how many threads to work, if it is not said one per core.
pub(crate) fn threads(given: Option<usize>) -> usize {
    given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

/// The moments that the flags name.
fn grid(args: &ExportArgs) -> Result<Grid, Error> {
    let step = parse_span("--step or PME_EXPORT_STEP", &args.step)?;
    if step.as_nanos() < 1_000_000 || step == Span::FOREVER {
        return Err(Error::Usage(format!("--step or PME_EXPORT_STEP must be 1ms or longer, but is {step}")));
    }
    let length = match &args.length {
        Some(length) => Some(parse_span("--for or PME_EXPORT_FOR", length)?),
        None => None,
    };
    let time = |flag: &str, text: &Option<String>| match text {
        Some(text) => Time::parse(text).map(Some).map_err(|error| Error::Usage(format!("{flag}: {error}"))),
        None => Ok(None),
    };
    let from = time("--from or PME_EXPORT_FROM", &args.from)?;
    let to = time("--to or PME_EXPORT_TO", &args.to)?;
    let hour = Span::from_secs(3600);
    let now = || wall_now().rounded_down(step);
    let (from, to) = match (from, to, length) {
        (Some(_), Some(_), Some(_)) => {
            return Err(Error::Usage(
                "give two of --from, --to and --for; the third follows from them".to_owned(),
            ));
        }
        (Some(from), Some(to), None) => (from, to),
        (Some(from), None, length) => (from, from + length.unwrap_or(hour)),
        (None, to, length) => {
            let to = to.unwrap_or_else(now);
            (to.before(length.unwrap_or(hour)), to)
        }
    };
    if from >= to || to == Time::NEVER || length == Some(Span::FOREVER) {
        let message =
            format!("--from {} must be before --to {}, and neither be endless", from.rfc3339(), to.rfc3339());
        return Err(Error::Usage(message));
    }
    Ok(Grid { from, to, step })
}

fn parse_span(flag: &str, text: &str) -> Result<Span, Error> {
    Span::parse(text).map_err(|error| Error::Usage(format!("{flag}: {error}")))
}

/// The format that is given, or that the file's name tells.
fn format(args: &ExportArgs) -> Result<Format, Error> {
    let given = args.format.map(|format| match format {
        ExportFormat::Openmetrics => Format::OpenMetrics,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Parquet => Format::Parquet,
        ExportFormat::Rules => Format::Rules,
    });
    let told = || {
        if args.out == "-" { Some(Format::OpenMetrics) } else { Format::of_path(Path::new(&args.out)) }
    };
    given.or_else(told).ok_or_else(|| {
        Error::Usage(format!(
            "the name {:?} does not tell the format; end it in .om, .csv, .parquet or .yml, or give --format",
            args.out
        ))
    })
}

/// Where an export goes.
enum Target {
    Stdout,
    File(PathBuf),
}

impl Target {
    fn of(out: &str) -> Result<Self, Error> {
        if out == "-" {
            return Ok(Self::Stdout);
        }
        let target = Self::File(PathBuf::from(out));
        let dir = target.dir();
        if dir.is_dir() {
            return Ok(target);
        }
        Err(Error::Usage(format!(
            "--out or PME_EXPORT_OUT: {} is not a folder; make it first",
            dir.display()
        )))
    }

    /// The folder that it is in; for standard output one for what must be kept meanwhile.
    fn dir(&self) -> &Path {
        match self {
            Self::Stdout => Path::new(SPOOL_DIR),
            Self::File(path) => folder(path),
        }
    }

    /// Writes all or nothing: a file has its name only when it is whole. Gives nothing if who reads standard
    /// output has seen enough.
    fn write(
        &self,
        work: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<ExportReport>,
    ) -> Result<Option<ExportReport>, Error> {
        let failed = |source: io::Error| Error::System {
            what: "the export cannot be written; see that the disk has room for it".to_owned(),
            source,
        };
        match self {
            Self::Stdout => match work(&mut io::stdout()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(None),
                outcome => outcome.map(Some).map_err(failed),
            },
            Self::File(path) => {
                remove_leftovers(self.dir());
                let prefix = format!("{PREFIX}{}-", std::process::id());
                let mut file = BufWriter::new(WholeFile::create(path, &prefix).map_err(failed)?);
                let exported = work(&mut file).map_err(failed)?;
                let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
                file.replace_durably().map_err(failed)?;
                Ok(Some(exported))
            }
        }
    }
}

/// Removes unfinished files of exports that were killed: their names tell the process.
fn remove_leftovers(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // One that cannot be removed is in nobody's way.
            let _is_removed = std::fs::remove_file(entry.path()).is_ok();
        }
    }
}

/// Works while a bar, or now and then a line, says how far it is.
fn with_progress<R: Send>(export: &ExportSpec<'_>, work: impl FnOnce() -> R + Send) -> R {
    let total = export.steps();
    let bar = ProgressBar::new(total);
    let template = "{bar:30} {percent:>3} % of {len} samples, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let is_seen = io::stderr().is_terminal();
    std::thread::scope(|scope| {
        let worker = scope.spawn(work);
        let mut looks = 0;
        while !worker.is_finished() {
            std::thread::sleep(LOOK);
            looks += 1;
            let done = export.done.load(Ordering::Relaxed);
            if is_seen {
                bar.set_position(done);
            } else if looks % LOOKS_PER_LINE == 0 {
                let percent = u128::from(done) * 100 / u128::from(total.max(1));
                info!("{percent} % of {total} samples are made");
            }
        }
        bar.finish_and_clear();
        match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
