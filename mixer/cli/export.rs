//! `promemu export`: writes a config's samples in virtual time.

mod range;
mod target;

use std::path::Path;
use std::sync::Arc;

use promemu_core::backfill::Backfill;
use promemu_core::error::Error;
use promemu_run::clock::wall_now;
use promemu_wire::export::Format;

use crate::args::{ExportArgs, ExportFormat};
use crate::config;
use crate::settings::Settings;

pub(crate) use target::{thread_count, write};

/// Exports a config.
pub(crate) fn export(settings: &Settings, args: &ExportArgs) -> Result<(), Error> {
    let grid = range::grid(args, wall_now())?;
    let format = format(args)?;
    let loaded = config::load_named(settings, &args.name, grid.from)?;
    let seed = settings.run_settings(&loaded.plan.defaults)?.seed;
    let run = Backfill::new(Arc::new(loaded.plan), seed, grid.from, grid.to)?;
    write(&run, grid, format, thread_count(args.threads), &args.out)
}

/// The format of the flag, or else of the file's name.
fn format(args: &ExportArgs) -> Result<Format, Error> {
    if let Some(format) = args.format {
        return Ok(match format {
            ExportFormat::Openmetrics => Format::OpenMetrics,
            ExportFormat::Csv => Format::Csv,
            ExportFormat::Parquet => Format::Parquet,
            ExportFormat::Rules => Format::Rules,
        });
    }
    if args.out == "-" {
        return Ok(Format::OpenMetrics);
    }
    Format::of_path(Path::new(&args.out)).ok_or_else(|| {
        Error::Usage(format!(
            "file name {:?} has no known format; end it in .om, .csv, .parquet or .yml, or give --format",
            args.out
        ))
    })
}
