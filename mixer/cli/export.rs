//! `promemu export`: writes a config's samples in virtual time.

mod blocks;
mod progress;
mod range;
mod target;

use std::path::Path;
use std::sync::Arc;

use promemu_core::backfill::Backfill;
use promemu_core::error::Error;
use promemu_run::clock::wall_now;
use promemu_wire::export::{Format, TargetLabels};

use crate::args::{ExportArgs, ExportFormat, ExportLabels};
use crate::config;
use crate::settings::Settings;

pub(crate) use target::{thread_count, write};

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    File(Format),
    Blocks,
}

/// Exports a config.
pub(crate) fn export(settings: &Settings, args: &ExportArgs) -> Result<(), Error> {
    let grid = range::grid(args, wall_now())?;
    let form = form(args)?;
    let loaded = config::load_named(settings, &args.name, grid.from)?;
    let seed = settings.run_settings(&loaded.plan.defaults)?.seed;
    let run = Backfill::new(Arc::new(loaded.plan), seed, grid.from, grid.to)?;
    match form {
        Form::File(format) => {
            let labels = target_labels(args, TargetLabels::Pushed);
            write(&run, grid, format, labels, thread_count(args.threads), &args.out)
        }
        Form::Blocks => blocks::write(&run, grid, args),
    }
}

/// The labels that the flag asks for.
fn target_labels(args: &ExportArgs, default: TargetLabels) -> TargetLabels {
    match args.labels {
        None => default,
        Some(ExportLabels::Scrape) => TargetLabels::Scraped,
        Some(ExportLabels::Push) => TargetLabels::Pushed,
    }
}

/// The form that the flag names, or else the target's name.
fn form(args: &ExportArgs) -> Result<Form, Error> {
    if let Some(format) = args.format {
        return Ok(match format {
            ExportFormat::Openmetrics => Form::File(Format::OpenMetrics),
            ExportFormat::Csv => Form::File(Format::Csv),
            ExportFormat::Parquet => Form::File(Format::Parquet),
            ExportFormat::Rules => Form::File(Format::Rules),
            ExportFormat::Blocks => Form::Blocks,
        });
    }
    if args.out == "-" {
        return Ok(Form::File(Format::OpenMetrics));
    }
    if args.out.ends_with('/') || Path::new(&args.out).is_dir() {
        return Ok(Form::Blocks);
    }
    Format::of_path(Path::new(&args.out)).map(Form::File).ok_or_else(|| {
        Error::Usage(format!(
            "file name {:?} has no known format; end it in .om, .csv, .parquet or .yml, or in / for a folder of blocks, or \
             give --format",
            args.out
        ))
    })
}
