//! The exact mode: promtool evaluates rules and conditions at each step of a rule test.
//!
//! promtool prints an answer only where it is not as expected, so every query of the test expects none. The last one always has one,
//! so that a promtool which ends early is told from one that has nothing to say.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};

use indexmap::IndexMap;
use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::user_file;
use promemu_core::verdict::{AlertSeries, Element, Firing, Observation};
use promemu_wire::export::{InputSeries, Progress, Sampling};
use serde_json::json;

use super::condition::Condition;
use super::evaluated::{self, Evaluated};
use super::guarded::Guarded;
use super::promtool_output::{LabelledValue, PrintedAnswer, mark, read};
use super::rule_order::group_order;
use super::rules::Rules;
use super::subject::{Subject, TestRun};

/// The query for all alerts.
const ALERTS: &str = "ALERTS";
/// Number of lines of promtool's errors that are shown.
const LINES_MAX: usize = 10;
/// Largest output of promtool.
const OUTPUT_BYTES_MAX: u64 = 512 << 20;

/// Evaluates rules and the conditions of a test.
pub(super) fn observe(subject: &Subject, rules: &Rules, promtool: &Path) -> Result<Observation, Error> {
    evaluated::observe(subject, |run, conditions| evaluate(subject, (run, rules), conditions, promtool))
}

/// Makes a rule test of a run, and lets promtool evaluate it.
fn evaluate(
    subject: &Subject,
    (run, rules): (&TestRun, &Rules),
    conditions: &[Condition],
    promtool: &Path,
) -> Result<Evaluated, Error> {
    let failed = |source| Error::System {
        what: "the rule test cannot be written to the folder of temporary files".to_owned(),
        source,
    };
    let dir = TemporaryFolder::new().map_err(failed)?;
    let path = dir.path().join("test.yml");
    let mut queries = vec![ALERTS];
    queries.extend(conditions.iter().map(|condition| condition.query.as_str()));
    let series = write_test(subject, (run.backfill()?, rules), &queries, &path).map_err(failed)?;
    let (printed, status) = printed_by(promtool, &path, dir.path())?;
    if !printed.iter().any(|answer| answer.query == queries.len()) {
        return Err(Error::Run(format!(
            "{} ended before its last answer ({status}); give it more memory, or name a promtool with --promtool",
            promtool.display()
        )));
    }
    let steps = subject.evaluations.count();
    let mut answers: Vec<Result<Vec<Vec<LabelledValue>>, String>> =
        vec![Ok(vec![Vec::new(); steps]); queries.len()];
    for answer in printed {
        let Some(known) = answers.get_mut(answer.query) else { continue };
        match (answer.result, &mut *known) {
            (Ok(elements), Ok(all)) if answer.step < steps => all[answer.step] = elements,
            (Err(error), Ok(_)) => *known = Err(format!("promtool refuses the query: {error}; correct it")),
            _ => {}
        }
    }
    let mut answers = answers.into_iter();
    let alerts = answers.next().unwrap_or(Ok(Vec::new())).map_err(Error::Run)?;
    let elements = |(condition, answer): (&Condition, Result<Vec<Vec<LabelledValue>>, String>)| {
        if let Some(why) = &condition.hindrance {
            return Err(why.clone());
        }
        let element = |value: &LabelledValue| match value.element() {
            element if condition.has_zeros => element,
            Element { labels, .. } => Element { labels, value: 1.0 },
        };
        answer.map(|steps| steps.iter().map(|step| step.iter().map(element).collect()).collect())
    };
    let answers = conditions.iter().zip(answers).map(elements).collect();
    let alerts = histories(&alerts, &subject.evaluations);
    Ok(Evaluated { alerts, undecided_alerts: IndexMap::new(), answers, series: series.by_name })
}

/// The answers that promtool prints for a rule test, and its exit status. Its own temporary files are in `dir`, too.
///
/// # Errors
///
/// It cannot be started, prints too much, fails, or refuses the test.
fn printed_by(promtool: &Path, test: &Path, dir: &Path) -> Result<(Vec<PrintedAnswer>, ExitStatus), Error> {
    let name = promtool.display();
    let unread = |source| Error::System { what: format!("the output of {name} cannot be read"), source };
    let log = dir.join("output");
    let mut command = Command::new(promtool);
    command.args(["test", "rules"]).arg(test).env("TMPDIR", dir);
    let output = fs::File::create_new(&log).map_err(unread)?;
    let started = Guarded::start(&command, output, &[dir]).map_err(|source| missing(promtool, source))?;
    let status = started.wait().map_err(unread)?;
    let output = user_file::read(&log, OUTPUT_BYTES_MAX).map_err(unread)?;
    let (answers, others) = read(&String::from_utf8_lossy(&output));
    let is_head =
        |line: &str| line.starts_with("Unit Testing:") || ["FAILED:", "SUCCESS"].contains(&line.trim());
    let errors: Vec<String> = others.into_iter().filter(|line| !is_head(line)).collect();
    let shown: Vec<&str> = errors.iter().take(LINES_MAX).map(|line| line.trim()).collect();
    match status.code() {
        // A test fails where an answer is not as expected.
        Some(0 | 1) if shown.is_empty() => Ok((answers, status)),
        Some(0 | 1) => Err(Error::Usage(format!("promtool refuses the rules: {}", shown.join("; ")))),
        _ if shown.is_empty() => Err(Error::Run(format!("{name} failed ({status})"))),
        _ => Err(Error::Run(format!("{name} failed ({status}): {}", shown.join("; ")))),
    }
}

fn missing(promtool: &Path, source: io::Error) -> Error {
    let what = format!(
        "{} cannot be started; install Prometheus, which brings it (apt install prometheus), or name it with --promtool",
        promtool.display()
    );
    Error::System { what, source }
}

/// Writes the rule test. JSON is YAML, too, so what others wrote is quoted as JSON.
fn write_test(
    subject: &Subject,
    (run, rules): (&Backfill, &Rules),
    queries: &[&str],
    path: &Path,
) -> io::Result<InputSeries> {
    let mut out = BufWriter::new(fs::File::create(path)?);
    let (scrapes, evaluations) = (&subject.scrapes, &subject.evaluations);
    let millis = |grid: &Grid| grid.step.as_nanos() / 1_000_000;
    write!(
        out,
        "rule_files: {}\ngroup_eval_order: {}\nevaluation_interval: {}ms\ntests:\n  - interval: {}ms\n    input_series:\n",
        json!(rules.paths().collect::<Vec<_>>()),
        json!(group_order(&rules.files)),
        millis(evaluations),
        millis(scrapes)
    )?;
    let progress = Progress::default();
    let sampling = Sampling {
        run,
        grid: *scrapes,
        labels: subject.labels,
        threads: 1,
        keeps_hosts: false,
        progress: &progress,
    };
    let series = sampling.write_input_series(&mut out)?;
    writeln!(out, "    promql_expr_test:")?;
    for step in 0..evaluations.count() {
        let at = step as u64 * millis(evaluations);
        for (number, query) in queries.iter().enumerate() {
            let marked = format!("{query} {}", mark(number, step));
            writeln!(out, "      - {{ expr: {}, eval_time: {at}ms }}", json!(marked))?;
        }
    }
    let last = format!("vector(1) {}", mark(queries.len(), 0));
    writeln!(out, "      - {{ expr: {}, eval_time: 0ms }}", json!(last))?;
    out.flush()?;
    Ok(series)
}

/// The histories of the alerts that were on at each step.
fn histories(steps: &[Vec<LabelledValue>], grid: &Grid) -> Vec<AlertSeries> {
    let times: Vec<_> = grid.iter().collect();
    let mut known: IndexMap<Vec<(String, String)>, AlertSeries> = IndexMap::new();
    for (step, on) in steps.iter().enumerate() {
        let before = step.checked_sub(1).map(|before| times[before]);
        for LabelledValue { labels, .. } in on {
            let mut labels = labels.clone();
            let mut take = |name: &str| {
                let at = labels.iter().position(|(label, _)| label == name);
                at.map(|at| labels.remove(at).1).unwrap_or_default()
            };
            let (_, state, name) = (take("__name__"), take("alertstate"), take("alertname"));
            let mut key = labels.clone();
            key.push((String::new(), name.clone()));
            let alert =
                known.entry(key).or_insert_with(|| AlertSeries { name, labels, ..AlertSeries::default() });
            let list = if state == "firing" { &mut alert.firing } else { &mut alert.pending };
            Firing::note(list, times[step], before, times.get(step + 1).copied());
        }
    }
    known.into_values().collect()
}
