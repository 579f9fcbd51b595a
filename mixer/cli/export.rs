//! `promemu export`: writes a config's samples in virtual time.

mod blocks;
mod destination;
mod progress;
mod range;
mod remote_write;
mod resume;
mod rule_test;
mod target;

use std::path::Path;
use std::sync::Arc;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::rng::random_seed;
use promemu_core::timeline::TruthRecords;
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use promemu_wire::export::{Format, Progress, Sampling, TargetLabels, write_anomaly_labels};

use serde_json::json;

use crate::args::{ExportArgs, ExportFormat, ExportLabels};
use crate::settings::{Settings, span};
use crate::{config, output_file};
use resume::Resume;

pub(crate) use destination::{Destination, is_folder, is_rule_test};
pub(crate) use target::thread_count;

/// Exports a config.
pub(crate) fn export(settings: &Settings, args: &ExportArgs) -> Result<(), Error> {
    let destination = destination(settings, args)?;
    if !args.rules.is_empty() && !matches!(destination, Destination::RuleTest { .. }) {
        return Err(Error::Usage(
            "--rules or PME_EXPORT_RULES is for a rule test; end the name of --out in .yml, or add --format rules"
                .to_owned(),
        ));
    }
    let mut resume = resume(args, &destination)?;
    let grid = match resume.as_ref().and_then(Resume::grid) {
        Some(grid) if args.from.is_none() && args.to.is_none() => grid,
        _ => range::grid(args, wall_now())?,
    };
    let loaded = config::load_named(settings, &args.name, grid.from)?;
    let seed = match (settings.cli().seed, resume.as_ref().and_then(Resume::seed)) {
        (None, Some(seed)) => seed,
        (seed, _) => seed.unwrap_or_else(random_seed),
    };
    let run = Backfill::new(Arc::new(loaded.plan), seed, grid.from, grid.to)?.of_shard(settings.shard());
    let labels = match args.labels {
        None => destination.default_labels(),
        Some(ExportLabels::Scrape) => TargetLabels::Scraped,
        Some(ExportLabels::Push) => TargetLabels::Pushed,
    };
    let threads = args.threads.or(resume.as_ref().and_then(Resume::threads));
    let (threads, progress) = (thread_count(threads), &Progress::default());
    if let Some(resume) = &mut resume {
        let identity = json!({
            "config": run.plan().config,
            "hosts": run.plan().hosts.len(),
            "series": run.plan().series_count(),
            "labels": format!("{labels:?}").to_lowercase(),
            "threads": threads,
            "to": destination.to_string(),
        });
        resume.begin(&grid, seed, &identity)?;
    }
    let sampling = Sampling { run: &run, grid, labels, threads, keeps_hosts: false, progress };
    destination.write_from(sampling, resume.as_ref())?;
    if let Some(path) = &args.anomaly_labels {
        let written = output_file::replace_with(path, |file| write_anomaly_labels(&run, &grid, labels, file));
        written.map_err(|source| unwritable(path, "--anomaly-labels", source))?;
    }
    settings.cli().truth.as_deref().map_or(Ok(()), |path| write_truth(&run, &grid, path))
}

/// Writes the ground truth of the range: the records that begin in it.
fn write_truth(run: &Backfill, grid: &Grid, path: &Path) -> Result<(), Error> {
    let records = || TruthRecords::new(run.plan(), run.course()).take_while(|record| record.begin <= grid.to);
    let written = output_file::replace_with(path, |file| {
        records().try_for_each(|record| file.write_all(record.json_line().as_bytes()))
    });
    written.map_err(|source| unwritable(path, "--truth", source))
}

/// The state of `--resume`.
fn resume(args: &ExportArgs, destination: &Destination) -> Result<Option<Resume>, Error> {
    match (&args.resume, destination) {
        (None, _) => Ok(None),
        (Some(path), Destination::RemoteWrite(_)) => Resume::open(path).map(Some),
        (Some(_), _) => Err(Error::Usage(
            "--resume or PME_EXPORT_RESUME is for remote write; add --output remote-write=URL".to_owned(),
        )),
    }
}

/// The destination that the flags name; a file's format is that of its name, unless a flag says otherwise.
fn destination(settings: &Settings, args: &ExportArgs) -> Result<Destination, Error> {
    if let Some(receiver) = settings.past_receiver()? {
        if args.out != "-" || args.format.is_some() {
            let message = "--output sends the samples, and --out and --format write them; give one of them";
            return Err(Error::Usage(message.to_owned()));
        }
        return Ok(Destination::RemoteWrite(Box::new(receiver.clone())));
    }
    let format = match args.format {
        Some(ExportFormat::Openmetrics) => Format::OpenMetrics,
        Some(ExportFormat::Csv) => Format::Csv,
        Some(ExportFormat::Parquet) => Format::Parquet,
        Some(ExportFormat::Rules) => return rule_test_of(args),
        Some(ExportFormat::Blocks) => return blocks_of(args),
        None if args.out == "-" => Format::OpenMetrics,
        None if is_folder(&args.out) => return blocks_of(args),
        None if is_rule_test(&args.out) => return rule_test_of(args),
        None => Format::of_path(Path::new(&args.out)).ok_or_else(|| {
            Error::Usage(format!(
                "file name {:?} has no known format; end it in .om, .csv, .parquet or .yml, or in / for a folder of blocks, \
                 or give --format",
                args.out
            ))
        })?,
    };
    refuse_folder(args)?;
    Ok(Destination::File { format, out: args.out.clone() })
}

fn rule_test_of(args: &ExportArgs) -> Result<Destination, Error> {
    refuse_folder(args)?;
    Ok(Destination::RuleTest { out: args.out.clone(), rules: args.rules.clone() })
}

/// Refuses a folder in the place of a file.
fn refuse_folder(args: &ExportArgs) -> Result<(), Error> {
    if !is_folder(&args.out) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{} is a folder; name a file with --out, or write blocks into the folder without --format",
        args.out
    )))
}

fn blocks_of(args: &ExportArgs) -> Result<Destination, Error> {
    if args.out == "-" {
        let message = "--format blocks needs a folder; name one with --out or PME_EXPORT_OUT";
        return Err(Error::Usage(message.to_owned()));
    }
    let length_max = span("--max-block-duration or PME_EXPORT_MAX_BLOCK_DURATION", &args.max_block_duration)?;
    Ok(Destination::Blocks { data: args.out.clone(), length_max, may_overlap: args.allow_overlap })
}
