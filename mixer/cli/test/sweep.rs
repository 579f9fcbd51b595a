//! `--sweep`: the config run once for each value of an argument, and its cost, size and alerts compared and projected.
//!
//! It judges nothing: a level may well be one at which alerts fire.

mod level;
mod projection;
mod short;

use std::fs;
use std::process::ExitCode;

use promemu_core::error::Error;
use serde_json::{Value, json};

use super::at_once;
use crate::args::TestArgs;
use crate::report_file::{self, is_printed};
use crate::settings::Settings;
use crate::stdout;
use crate::table::{self, Column, table_of, whole};
use level::Level;
use projection::Projection;
use short::short;

pub(super) use level::{MEASURED, listed};

/// The columns of each level before its measures.
const SIZES: [&str; 3] = ["SERIES", "SAMPLES/S", "STORAGE A DAY"];

/// Runs a config at each level of `ARGUMENT=VALUE,...`.
pub(super) fn sweep(settings: &Settings, args: &TestArgs, text: &str) -> Result<ExitCode, Error> {
    let (argument, values) = listed("--sweep or PME_TEST_SWEEP", text)?;
    let growth = growth(&args.growth)?;
    let levels =
        at_once::each(&values, args.parallel, |value| Level::measured(settings, args, (argument, value)))?;
    let projection = Projection::of(&levels, growth);
    if !is_printed(args.json.as_ref()) {
        stdout::print(table_text(argument, &levels, projection.as_ref()).as_bytes())?;
    }
    let report = json!({
        "config": args.name,
        "argument": argument,
        "levels": levels.iter().map(Level::json).collect::<Vec<_>>(),
        "growth_percent_a_month": growth,
        "projection": projection.as_ref().map(Projection::json),
    });
    written(args, &format!("sweep-{argument}"), &report)
}

/// Writes the report of a sweep into the folder of results, and to `--json`.
pub(super) fn written(args: &TestArgs, name: &str, report: &Value) -> Result<ExitCode, Error> {
    let text = format!("{report:#}\n");
    if let Some(path) = &args.json {
        report_file::write(path, "--json", &text)?;
    }
    let failed = |source| {
        let what = format!(
            "{} cannot be made, where the report goes; name another with --results",
            args.results.display()
        );
        Error::System { what, source }
    };
    fs::create_dir_all(&args.results).map_err(failed)?;
    let config = args.name.rsplit('/').next().unwrap_or(&args.name).trim_end_matches(".ron");
    let path = args.results.join(format!("{config}-{name}.json"));
    report_file::write(&path, "--results", &text)?;
    if !is_printed(args.json.as_ref()) {
        stdout::print(format!("\nreport: {}\n", path.display()).as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn growth(text: &str) -> Result<f64, Error> {
    let percent = text.trim_end_matches('%').trim().parse().ok();
    percent.filter(|percent: &f64| (-100.0..=1000.0).contains(percent)).ok_or_else(|| {
        Error::Usage(format!(
            "--growth or PME_TEST_GROWTH must be a number of percent from -100 to 1000, but is {text:?}"
        ))
    })
}

fn table_text(argument: &str, levels: &[Level], projection: Option<&Projection<'_>>) -> String {
    let width = table::width();
    let argument = argument.to_uppercase();
    let names: Vec<String> = levels
        .first()
        .into_iter()
        .flat_map(|level| level.measures.keys())
        .map(|name| name.to_uppercase())
        .collect();
    let measures = || SIZES.into_iter().chain(names.iter().map(String::as_str)).map(whole);
    let columns: Vec<Column<'_>> =
        [whole(&argument)].into_iter().chain(measures()).chain([whole("ALERTS")]).collect();
    let mut text = table_of(&columns, levels.iter().map(Level::row), 0, width);
    let why = levels.iter().flat_map(Level::missing);
    text.extend(why.map(|why| table::paragraph(&why, 0, width)));
    if let Some(projection) = projection {
        text.push_str(&["\ngrowing by ", &short(projection.growth), " % a month:\n\n"].concat());
        let columns: Vec<Column<'_>> =
            [whole("MONTH"), whole(&argument)].into_iter().chain(measures()).collect();
        text.push_str(&table_of(&columns, projection.rows(), 0, width));
        if projection.leaves_the_levels() {
            text.push_str(&table::paragraph(
                "~ beyond the levels that were run: sweep to larger ones",
                0,
                width,
            ));
        }
    }
    text
}
