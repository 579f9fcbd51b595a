//! `--sweep-threshold`: the detections and false alarms of an alert with each of some thresholds.

use std::process::ExitCode;

use promemu_core::error::{Error, suggestion};
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::time::Span;
use promemu_core::verdict::Detections;
use promemu_wire::rule_file::{RuleFile, RuleKind};
use serde_json::json;

use super::case::Case;
use super::mutation::with_threshold;
use super::rules::Rules;
use super::subject::Subject;
use super::sweep::{listed, written};
use super::{at_once, observe};
use crate::args::TestArgs;
use crate::report_file::is_printed;
use crate::settings::Settings;
use crate::stdout;
use crate::table::{self, table, whole};

/// The flag, as errors name it.
const FLAG: &str = "--sweep-threshold or PME_TEST_SWEEP_THRESHOLD";

/// Evaluates a run with each threshold of `ALERT=NUMBER,...`.
pub(super) fn sweep(settings: &Settings, args: &TestArgs, text: &str) -> Result<ExitCode, Error> {
    let (alert, values) = listed(FLAG, text)?;
    let number = |value: &&str| {
        let number = value.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| Error::Usage(format!("{FLAG}: {value:?} is not a number")))
    };
    let thresholds: Vec<f64> = values.iter().map(number).collect::<Result<_, _>>()?;
    let subject = Subject::new(settings, args, &Case::of_flags(settings, args)?, None)?;
    let (mode, _) = subject.mode(args.mode)?;
    let found = at_once::each(&thresholds, args.parallel, |threshold| {
        let failed = |source| Error::System {
            what: "rules cannot be written to the folder of temporary files".to_owned(),
            source,
        };
        let files = changed(&subject.rules, alert, *threshold)?;
        let dir = TemporaryFolder::new().map_err(failed)?;
        let rules = Rules::written_to(files, dir.path()).map_err(failed)?;
        let seen = observe(&subject, &rules, false, (mode, args))?;
        if let Some(why) = seen.undecided_alerts.get(alert) {
            return Err(Error::Run(format!(
                "nothing is known of {alert} with the threshold {threshold}: {why}"
            )));
        }
        Ok(Detections::of(&subject.run.plan, &subject.verdicts, &seen, alert))
    })?;
    if !is_printed(args.json.as_ref()) {
        stdout::print(text_of(&thresholds, &found).as_bytes())?;
    }
    let level = |(threshold, found): (&f64, &Detections)| {
        json!({
            "threshold": threshold,
            "expected": found.expected,
            "detected": found.delays.len(),
            "delays_seconds": found.delays.iter().map(|delay| delay.as_secs_f64()).collect::<Vec<_>>(),
            "false_alarms": found.false_alarms,
        })
    };
    let levels: Vec<_> = thresholds.iter().zip(&found).map(level).collect();
    let report = json!({ "config": args.name, "alert": alert, "thresholds": levels });
    written(args, &format!("threshold-{alert}"), &report)
}

/// The rule files with another threshold of an alert.
fn changed(rules: &Rules, alert: &str, threshold: f64) -> Result<Vec<RuleFile>, Error> {
    let mut files: Vec<RuleFile> = rules.files.iter().map(|(_, file)| file.clone()).collect();
    let all = files.iter_mut().flat_map(|file| &mut file.groups).flat_map(|group| &mut group.rules);
    let mut is_there = false;
    for rule in all.filter(|rule| rule.kind == RuleKind::Alert && rule.name == alert) {
        let no_number =
            || Error::Usage(format!("{FLAG}: the expression of {alert} compares no number: {}", rule.expr));
        *rule = with_threshold(rule, threshold).ok_or_else(no_number)?;
        is_there = true;
    }
    if is_there {
        return Ok(files);
    }
    let known: Vec<&str> = rules.alerts().map(|rule| rule.name.as_str()).collect();
    let hint = suggestion(alert, &known);
    Err(Error::Usage(format!("{FLAG}: no rule has the alert {alert:?}{hint}; name its file with --rules")))
}

fn text_of(thresholds: &[f64], found: &[Detections]) -> String {
    let rows = thresholds.iter().zip(found).map(|(threshold, found)| {
        let Detections { expected, delays, false_alarms } = found;
        let most = delays.iter().max().map_or_else(|| "-".to_owned(), Span::to_string);
        [threshold.to_string(), format!("{} of {expected}", delays.len()), most, false_alarms.to_string()]
    });
    let columns = [whole("THRESHOLD"), whole("DETECTED"), whole("LONGEST DELAY"), whole("FALSE ALARMS")];
    table(columns, rows, 0, table::width())
}
