//! `promemu test`: judges a run, in virtual time or live, by the verdicts of its config, or else by its ground truth.
//!
//! Prometheus' own rule engine evaluates rules and conditions; here runs are made, and answers judged ([`promemu_core::verdict`]).

mod at_once;
mod blocks;
mod budgets;
mod case;
mod classes;
mod condition;
mod dashboard_files;
mod dashboards;
mod evaluated;
mod exact;
mod guarded;
mod html;
mod junit;
mod large;
mod live;
mod matrix;
mod mutants;
mod mutation;
mod playlist;
mod prometheus;
mod promql;
mod promtool_output;
mod query_times;
mod range_query;
mod reads;
mod report;
mod rule_order;
mod rules;
mod series_count;
mod subject;
mod sweep;
mod table;
mod thresholds;
mod unknown_names;

use std::path::Path;
use std::process::ExitCode;

use promemu_core::error::Error;
use promemu_core::plan::Verdict;
use promemu_core::plural::plural;
use promemu_core::verdict::{Judgement, Observation, Outcome, judge, verdicts_of};
use tracing::warn;

use crate::args::{TestArgs, TestMode};
use crate::report_file::{self, is_printed};
use crate::settings::Settings;
use crate::{config, diagnostics, output_file, stdout};
use case::Case;
use live::{Live, LiveOn};
use report::{Judged, Report};
use subject::Subject;

pub(crate) use prometheus::Prometheus;
pub(crate) use promql::parse;
pub(crate) use range_query::RangeQuery;
pub(crate) use rules::Rules;

/// Exit code if a verdict failed.
const FAILED: u8 = 3;
/// Exit code if none failed, but one could not be decided.
const UNDECIDED: u8 = 1;
/// The classes of a config in one report.
const CLASSES: &str = "classes";

/// The groups of these rule files in the order in which promtool has to evaluate them; empty if any order will do.
///
/// # Errors
///
/// A file cannot be read, or is no rule file.
pub(crate) fn group_order(rule_files: &[String]) -> Result<Vec<String>, Error> {
    Ok(rule_order::group_order(&Rules::read(rule_files)?.files))
}

/// Tests a config, or without one measures dashboards on a Prometheus that runs.
pub(crate) fn test(settings: &Settings, args: &TestArgs) -> Result<ExitCode, Error> {
    if let Some(code) = budgets::without_config(args)? {
        return Ok(code);
    }
    if !args.live && args.prometheus.to_str().is_some_and(live::is_url) {
        let message =
            "--prometheus or PME_TEST_PROMETHEUS: an address is for --live; give the program's path here";
        return Err(Error::Usage(message.to_owned()));
    }
    if let Some(text) = &args.sweep {
        return sweep::sweep(settings, args, text);
    }
    if let Some(text) = &args.sweep_threshold {
        return thresholds::sweep(settings, args, text);
    }
    let file = config::open(settings, &args.name)?;
    if file.is_playlist() {
        return playlist::test(settings, args, &file);
    }
    if args.all_classes {
        let reports = classes::judge_all(settings, args, &file)?;
        return finish(settings, args, &reports, CLASSES);
    }
    let case = Case::of_file(settings, file);
    if args.update {
        let Observed { subject, seen, .. } = observed(settings, args, &case, None)?;
        return update(settings, &subject, &seen);
    }
    let live = args.live.then(|| Live::connect(settings, args)).transpose()?;
    let report = judged(settings, args, &case, live.as_ref().map(LiveOn::alone))?;
    finish(settings, args, &[Ok(report)], CLASSES)
}

/// A run that was observed.
struct Observed {
    subject: Subject,
    mode: TestMode,
    /// The reason for the mode.
    why: String,
    seen: Observation,
}

/// Observes a run of a case.
fn observed(
    settings: &Settings,
    args: &TestArgs,
    case: &Case,
    live: Option<LiveOn<'_>>,
) -> Result<Observed, Error> {
    let mut subject = Subject::new(settings, args, case, live.map(|live| live.prometheus.rules()))?;
    if live.is_some() {
        // Answers of a Prometheus that runs come at once. Others need another evaluation, which is made if an alert is missing.
        subject.comparisons = subject::comparisons(&subject.rules, subject.verdicts.iter());
    }
    if args.update {
        source_of(&subject)?;
    }
    let (mode, why) = match live {
        Some(_) => (TestMode::Live, "as --live says".to_owned()),
        None => subject.mode(args.mode)?,
    };
    let seen = match live {
        Some(LiveOn { prometheus, stage }) => prometheus.observe(settings, args, &mut subject, stage)?,
        None => observe(&subject, &subject.rules, true, (mode, args))?,
    };
    Ok(Observed { subject, mode, why, seen })
}

/// Judges a case.
fn judged(
    settings: &Settings,
    args: &TestArgs,
    case: &Case,
    live: Option<LiveOn<'_>>,
) -> Result<Report, Error> {
    let Observed { mut subject, mode, why, mut seen } = observed(settings, args, case, live)?;
    let judgements = judgements(&mut subject, &mut seen, (mode, args));
    let has_passed = judgements.iter().all(|judgement| judgement.outcome == Outcome::Passed);
    let mutants = if args.mutate && has_passed {
        let observe = |rules: &Rules, has_dashboards| observe(&subject, rules, has_dashboards, (mode, args));
        Some(mutants::judge_all(&subject, &observe)?)
    } else {
        None
    };
    let name = case.name.clone().unwrap_or_else(|| subject.run.plan.config.clone());
    Ok(Report { name, subject, mode, why, seen, judgements, mutants })
}

/// Prints and writes the reports, which are `of` several classes or runs; the exit code.
fn finish(settings: &Settings, args: &TestArgs, reports: &[Judged], of: &str) -> Result<ExitCode, Error> {
    if ![&args.junit, &args.json, &args.html].into_iter().any(|path| is_printed(path.as_ref())) {
        stdout::print(table::text(reports, of).as_bytes())?;
    }
    for report in reports.iter().flatten().filter(|report| args.mutate && report.mutants.is_none()) {
        warn!(config = %report.name, "the rules are not mutated, as not all verdicts passed");
    }
    let written = write_reports(reports, args, of);
    Ok(match report::worst(reports) {
        Outcome::Failed => {
            // The verdict weighs more than a report that is missing.
            written.unwrap_or_else(|error| diagnostics::print(&error, settings.cli().log_format));
            return Ok(ExitCode::from(FAILED));
        }
        _ if written.is_err() => return written.map(|()| ExitCode::SUCCESS),
        Outcome::Undecided => ExitCode::from(UNDECIDED),
        Outcome::Passed => ExitCode::SUCCESS,
    })
}

/// Judges what was seen. Where an alert did not fire, the values that its expression compares are asked for, too, and the names in
/// it are compared with those of the run.
fn judgements(subject: &mut Subject, seen: &mut Observation, how: (TestMode, &TestArgs)) -> Vec<Judgement> {
    let judged = judge(&subject.run.plan, &subject.verdicts, seen);
    let failed = subject.verdicts.iter().zip(&judged).filter(|(_, judged)| judged.outcome == Outcome::Failed);
    if how.0 != TestMode::Live {
        subject.comparisons = subject::comparisons(&subject.rules, failed.map(|(verdict, _)| verdict));
    }
    if !subject.comparisons.is_empty() && how.0 != TestMode::Live {
        let twin = subject.twin.take();
        match observe(subject, &subject.rules, false, how) {
            Ok(again) => seen.answers.extend(again.answers),
            Err(error) => warn!("the values of alerts that did not fire are not known: {error}"),
        }
        subject.twin = twin;
    }
    seen.compared = subject.compared(&seen.answers);
    let mut judged = judge(&subject.run.plan, &subject.verdicts, seen);
    unknown_names::explain(subject, seen, &mut judged);
    judged
}

/// Lets rules be evaluated on the run in virtual time, and, if wanted, the queries of dashboards.
fn observe(
    subject: &Subject,
    rules: &Rules,
    has_dashboards: bool,
    (mode, args): (TestMode, &TestArgs),
) -> Result<Observation, Error> {
    let seen = if mode == TestMode::Exact {
        exact::observe(subject, rules, &args.promtool)?
    } else {
        large::observe(subject, rules, &args.prometheus)?
    };
    if !has_dashboards {
        return Ok(seen);
    }
    let dashboards = dashboards::observe(subject, rules, &args.prometheus)?;
    let query_times = query_times::observe(subject, rules, &args.prometheus)?;
    Ok(Observation { dashboards, query_times, ..seen })
}

/// The path of the config; an error if it is not from a file.
fn source_of(subject: &Subject) -> Result<&Path, Error> {
    let message = "--update needs a config of your own; copy it into a .ron file, and name that";
    subject.case.file.source().map(|(path, _)| path).ok_or_else(|| Error::Usage(message.to_owned()))
}

/// Writes the verdicts that pass today into the config. Of its own, those that promemu does not find by itself stay, if they pass.
fn update(settings: &Settings, subject: &Subject, seen: &Observation) -> Result<ExitCode, Error> {
    let plan = &subject.run.plan;
    let mut verdicts = verdicts_of(plan, seen);
    for (verdict, judgement) in subject.verdicts.iter().zip(judge(plan, &subject.verdicts, seen)) {
        let is_found = matches!(
            verdict.verdict,
            Verdict::Fires { .. }
                | Verdict::Resolves { .. }
                | Verdict::NoOtherAlerts { .. }
                | Verdict::Series { .. }
        );
        if judgement.outcome != Outcome::Passed {
            let found = judgement.findings.join("; ");
            warn!(verdict = %judgement.verdict, "{} today, so it is left out: {found}", judgement.outcome.name());
        } else if !is_found {
            verdicts.push(verdict.clone());
        }
    }
    let path = source_of(subject)?;
    let text = subject.case.file.text_with_verdicts(settings.cli().class.as_deref(), &verdicts)?;
    output_file::replace(path, text.as_bytes()).map_err(|source| {
        let what = format!("{} cannot be written", path.display());
        Error::System { what, source }
    })?;
    let count = plural(verdicts.len(), "verdict", "verdicts");
    stdout::print(format!("{}: {count} written\n", path.display()).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn write_reports(reports: &[Judged], args: &TestArgs, of: &str) -> Result<(), Error> {
    if let Some(path) = &args.junit {
        report_file::write(path, "--junit", &junit::text(reports)?)?;
    }
    if let Some(path) = &args.json {
        report_file::write(path, "--json", &report::json(reports, of))?;
    }
    if let Some(path) = &args.html {
        report_file::write(path, "--html", &html::text(reports))?;
    }
    Ok(())
}
