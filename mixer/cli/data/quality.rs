//! `promemu data quality`: how good a recording is, against a budget.

mod budget;
mod metrics;
mod report;

use std::process::ExitCode;

use promemu_core::error::Error;
use promemu_learn::{LearnError, assess};

use super::query::open;
use crate::args::QualityArgs;
use crate::progress_bar::ProgressSteps;
use crate::report_file::{self, is_printed};
use crate::stdout;
use budget::Budget;
use report::Report;

/// Exit code if the recording is worse than its budget.
const OVER_BUDGET: u8 = 3;

/// Measures a recording, and prints and writes the report.
pub(super) fn quality(args: &QualityArgs) -> Result<ExitCode, Error> {
    let budget = Budget::of(&args.budget)?;
    let recording = open(&args.recording)?;
    let before = args.before.as_deref().map(open).transpose()?;
    let progress = ProgressSteps::new();
    let outcome = assess(&recording, before.as_ref(), |of, done, all| progress.show(of, done, all));
    progress.clear();
    let found = outcome.map_err(|error| told(&error))?;
    let report =
        Report { name: args.recording.display().to_string(), exceeded: budget.exceeded(&found), found };
    if let Some(path) = &args.metrics {
        metrics::of(&report, &budget).write(path, "--metrics")?;
    }
    if ![&args.json, &args.html].into_iter().any(|path| is_printed(path.as_ref())) {
        stdout::print(report.text().as_bytes())?;
    }
    if let Some(path) = &args.json {
        report_file::write(path, "--json", &report.json())?;
    }
    if let Some(path) = &args.html {
        report_file::write(path, "--html", &report.html())?;
    }
    Ok(if report.exceeded.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(OVER_BUDGET) })
}

fn told(error: &LearnError) -> Error {
    match error {
        LearnError::TooLarge { max } => Error::Usage(format!(
            "the recording has more than {max} samples; compact it, and expire or downsample old days"
        )),
        other => Error::Run(other.to_string()),
    }
}
