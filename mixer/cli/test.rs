//! `promemu test`: judges a run in virtual time by the verdicts of its config, or else by its ground truth.
//!
//! Prometheus' own rule engine evaluates rules and conditions; here runs are made, and answers judged ([`promemu_core::verdict`]).

mod blocks;
mod condition;
mod dashboard_files;
mod dashboards;
mod evaluated;
mod exact;
mod html;
mod junit;
mod large;
mod mutants;
mod mutation;
mod prometheus;
mod promtool_output;
mod report;
mod rules;
mod subject;
mod table;

use std::path::Path;
use std::process::ExitCode;

use promemu_core::error::Error;
use promemu_core::verdict::{Observation, Outcome, judge};
use tracing::warn;

use crate::args::{TestArgs, TestMode};
use crate::settings::Settings;
use crate::{output_file, stdout};
use report::Report;
use rules::Rules;
use subject::Subject;

/// Exit code if a verdict failed.
const FAILED: u8 = 3;
/// Exit code if none failed, but one could not be decided.
const UNDECIDED: u8 = 1;

/// Tests a config.
pub(crate) fn test(settings: &Settings, args: &TestArgs) -> Result<ExitCode, Error> {
    let subject = Subject::new(settings, args)?;
    let (mode, why) = subject.mode(args.mode);
    let observe = |rules: &Rules| -> Result<Observation, Error> {
        let seen = match mode {
            TestMode::Exact => exact::observe(&subject, rules, &args.promtool)?,
            TestMode::Large => large::observe(&subject, rules, &args.prometheus)?,
        };
        Ok(Observation { dashboards: dashboards::observe(&subject, rules, &args.prometheus)?, ..seen })
    };
    let seen = observe(&subject.rules)?;
    let judgements = judge(&subject.run.plan, &subject.verdicts, &seen);
    let worst = judgements.iter().map(|judgement| judgement.outcome).max().unwrap_or(Outcome::Passed);
    let mutants = match worst {
        Outcome::Passed if args.mutate => Some(mutants::judge_all(&subject, &observe)?),
        _ => None,
    };
    let report = Report {
        subject: &subject,
        mode,
        why: &why,
        seen: &seen,
        judgements: &judgements,
        mutants: mutants.as_deref(),
    };
    stdout::print(table::text(&report).as_bytes())?;
    if args.mutate && mutants.is_none() {
        warn!("the rules are not mutated, as not all verdicts passed");
    }
    write_reports(&report, args)?;
    Ok(match worst {
        Outcome::Failed => ExitCode::from(FAILED),
        Outcome::Undecided => ExitCode::from(UNDECIDED),
        Outcome::Passed => ExitCode::SUCCESS,
    })
}

fn write_reports(report: &Report<'_>, args: &TestArgs) -> Result<(), Error> {
    if let Some(path) = &args.junit {
        write(path, &junit::text(report)?)?;
    }
    if let Some(path) = &args.json {
        write(path, &report.json())?;
    }
    if let Some(path) = &args.html {
        write(path, &html::text(report))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    output_file::replace(path, text.as_bytes()).map_err(|source| {
        let what = format!("the report cannot be written to {}; choose another file", path.display());
        Error::System { what, source }
    })
}
