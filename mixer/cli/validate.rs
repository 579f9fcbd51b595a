//! `promemu validate`: the likeness of a config, or of a dynamics model, to a recording, in figures.

mod dynamics;
mod ensemble;
mod figures;
mod promql;
mod report;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_dynamics::file::EXTENSION;
use promemu_learn::{EmulatedRun, Validation, ValidationOptions, sample_step, validate as compared};
use promemu_wire::recording::Recording;
use promemu_wire::samples::Selector;

use crate::args::ValidateArgs;
use crate::fit::told;
use crate::progress_bar::ProgressSteps;
use crate::report_file::{self, is_printed};
use crate::settings::Settings;
use crate::test::Rules;
use crate::{config, stdout};
use ensemble::emulated;
use figures::Budget;
use promql::{Agreement, Compared};
use report::Report;

/// Exit code if a figure is worse than its budget.
const OVER_BUDGET: u8 = 3;
/// The first seed without `--seed`: each time the same, so that the figures are.
const SEED: u64 = 1;
/// Times of the emulated runs are whole seconds, as a fitted config says.
const SECOND: Span = Span::from_secs(1);

/// Compares a config with a recording, and prints and writes the report.
pub(crate) fn validate(settings: &Settings, args: &ValidateArgs) -> Result<ExitCode, Error> {
    if Path::new(&args.config).extension().is_some_and(|extension| extension == EXTENSION) {
        return dynamics::validate(args, settings.cli().seed.unwrap_or(SEED));
    }
    let budget = Budget::of(&args.budget)?;
    let options = options(args)?;
    let recording = Recording::open(&args.recording).map_err(|error| Error::Usage(error.to_string()))?;
    let grid = grid(&recording, &options)?;
    let plan = Arc::new(config::load_named(settings, &args.config, grid.from)?.plan);
    let seed = settings.cli().seed.unwrap_or(SEED);
    let progress = ProgressSteps::new();
    let mut runs = Vec::new();
    for (done, seed) in (seed..).zip(0..args.runs).map(|(seed, n)| (n, seed)) {
        runs.push(emulated(&plan, seed, &grid)?);
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        progress.show("runs", count(done + 1), count(args.runs));
    }
    let outcome = compared(&recording, &runs, &options, |of, done, all| progress.show(of, done, all));
    progress.clear();
    let found = outcome.map_err(told)?;
    let agreement = agreement(args, &found, runs.first(), grid)?;
    let report = Report {
        config: args.config.clone(),
        recording: args.recording.display().to_string(),
        grid,
        runs: args.runs,
        seed,
        exceeded: budget.exceeded((&found, &agreement)),
        found,
        agreement,
    };
    write(args, &report, &budget)?;
    Ok(if report.exceeded.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(OVER_BUDGET) })
}

/// The answers of a Prometheus, if they are asked for.
fn agreement(
    args: &ValidateArgs,
    found: &Validation,
    emulated: Option<&EmulatedRun>,
    grid: Grid,
) -> Result<Agreement, Error> {
    let Some(emulated) = emulated.filter(|_| args.promql || !args.rules.is_empty()) else {
        return Ok(Agreement::default());
    };
    let rules = Rules::read(&args.rules)?;
    let Validation { recorded, metrics, .. } = found;
    Compared { recorded, emulated, metrics, grid, rules: &rules }.agreement(&args.prometheus)
}

fn write(args: &ValidateArgs, report: &Report, budget: &Budget) -> Result<(), Error> {
    if ![&args.json, &args.html, &args.junit].into_iter().any(|path| is_printed(path.as_ref())) {
        stdout::print(report.text().as_bytes())?;
    }
    if let Some(path) = &args.json {
        report_file::write(path, "--json", &report.json())?;
    }
    if let Some(path) = &args.html {
        report_file::write(path, "--html", &report.html())?;
    }
    if let Some(path) = &args.junit {
        report_file::write(path, "--junit", &report.junit(budget)?)?;
    }
    Ok(())
}

fn options(args: &ValidateArgs) -> Result<ValidationOptions, Error> {
    let selectors: Result<Vec<Selector>, String> =
        args.selectors.iter().map(|text| Selector::parse(text)).collect();
    let selectors = selectors.map_err(|why| Error::Usage(format!("--match or PME_VALIDATE_MATCH: {why}")))?;
    let refused = |flag: &str, must: &str| Err(Error::Usage(format!("{flag} must be {must}; correct it")));
    if !(0.01..=0.9).contains(&args.held_out) {
        return refused("--held-out or PME_VALIDATE_HELD_OUT", "a share from 0.01 to 0.9");
    }
    if !(1..=50).contains(&args.folds) {
        return refused("--folds or PME_VALIDATE_FOLDS", "from 1 to 50");
    }
    if !(1..=1000).contains(&args.runs) {
        return refused("--runs or PME_VALIDATE_RUNS", "from 1 to 1000");
    }
    Ok(ValidationOptions { selectors, held_out: args.held_out, folds: args.folds })
}

/// The times of the emulated samples: those of the recording, at its own step.
fn grid(recording: &Recording, options: &ValidationOptions) -> Result<Grid, Error> {
    let step = sample_step(recording, &options.selectors).map_err(told)?;
    let (begin, end) = recording.range().unwrap_or_default();
    let from = Time::from_unix_millis(begin).rounded_down(SECOND);
    Ok(Grid { from, to: Time::from_unix_millis(end), step })
}
