//! `promemu test`: judges a run in virtual time by the verdicts of its config, or else by its ground truth.
//!
//! Prometheus' own rule engine evaluates rules and conditions; here runs are made, and answers judged ([`promemu_core::verdict`]).

mod blocks;
mod condition;
mod evaluated;
mod exact;
mod junit;
mod large;
mod prometheus;
mod promtool_output;
mod report;
mod rule_files;
mod subject;
mod table;

use std::process::ExitCode;

use promemu_core::error::Error;
use promemu_core::verdict::{Outcome, judge};

use crate::args::{TestArgs, TestMode};
use crate::output_file;
use crate::settings::Settings;
use report::Report;
use subject::Subject;

/// Exit code if a verdict failed.
const FAILED: u8 = 3;
/// Exit code if none failed, but one could not be decided.
const UNDECIDED: u8 = 1;

/// Tests a config.
pub(crate) fn test(settings: &Settings, args: &TestArgs) -> Result<ExitCode, Error> {
    let subject = Subject::new(settings, args)?;
    let (mode, why) = subject.mode(args.mode);
    let seen = match mode {
        TestMode::Exact => exact::observe(&subject, &args.promtool)?,
        TestMode::Large => large::observe(&subject, &args.prometheus)?,
    };
    let judgements = judge(&subject.run.plan, &subject.verdicts, &seen);
    let report = Report { subject: &subject, mode, why, seen: &seen, judgements: &judgements };
    crate::stdout::print(table::text(&report).as_bytes())?;
    for (path, text) in [(&args.junit, junit::text(&report)?), (&args.json, report.json())] {
        let Some(path) = path else { continue };
        output_file::replace(path, text.as_bytes()).map_err(|source| {
            let what = format!("the report cannot be written to {}; choose another file", path.display());
            Error::System { what, source }
        })?;
    }
    let worst = judgements.iter().map(|judgement| judgement.outcome).max();
    Ok(match worst {
        Some(Outcome::Failed) => ExitCode::from(FAILED),
        Some(Outcome::Undecided) => ExitCode::from(UNDECIDED),
        _ => ExitCode::SUCCESS,
    })
}
