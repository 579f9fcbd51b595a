//! `promemu models`: versions of a dynamics model, and one that goes on learning.

mod folder;

use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_core::time::Time;
use promemu_dynamics::schema::Score;
use promemu_learn::{OnlineChange, OnlineLearner, OnlineReport, validate_dynamics};
use promemu_wire::recording::Recording;
use serde_json::json;

use crate::args::{ModelsAddArgs, ModelsArgs, ModelsCommand, ModelsCompareArgs, ModelsLearnArgs};
use crate::fit::told;
use crate::progress_bar::ProgressSteps;
use crate::report_file::{self, is_printed};
use crate::table::{self, table, whole};
use crate::{model_file, stdout};
use folder::{ModelsFolder, Why};

/// Paths of a forecast.
const PATHS: usize = 100;
/// The seed of forecasts: each time the same, so that figures can be compared.
const SEED: u64 = 1;
/// Horizons of a comparison.
const HORIZONS: [usize; 3] = [1, 5, 15];

/// Carries out a command on a folder of models.
pub(crate) fn models(args: &ModelsArgs) -> Result<(), Error> {
    match &args.command {
        ModelsCommand::List(args) => list(&ModelsFolder::open(&args.folder)?),
        ModelsCommand::Add(args) => add(args),
        ModelsCommand::Compare(args) => compare(args),
        ModelsCommand::Promote(args) => {
            let folder = ModelsFolder::open(&args.models.folder)?;
            let _lock = folder.lock()?;
            folder.read(args.version)?;
            folder.make_current(args.version, Why::Promoted)?;
            say(&format!("version {} is current", args.version))
        }
        ModelsCommand::Rollback(args) => {
            let folder = ModelsFolder::open(&args.folder)?;
            let _lock = folder.lock()?;
            let before = folder.before_current()?.ok_or_else(|| {
                Error::Usage(format!("{} had no other current model before", args.folder.display()))
            })?;
            folder.read(before)?;
            folder.make_current(before, Why::RolledBack)?;
            say(&format!("version {before} is current again"))
        }
        ModelsCommand::Learn(args) => learn(args),
    }
}

fn say(text: &str) -> Result<(), Error> {
    stdout::print(format!("{text}\n").as_bytes())
}

fn list(folder: &ModelsFolder) -> Result<(), Error> {
    let (current, history) = (folder.current(), folder.history()?);
    let mut rows = Vec::new();
    for version in folder.versions()? {
        let model = folder.read(version)?;
        let newest = history.iter().rev().find(|change| change.version == version);
        rows.push([
            format!("{}{version}", if current == Some(version) { "* " } else { "  " }),
            plural(model.roles.iter().map(|model| model.role.columns.len()).sum(), "metric", "metrics"),
            time(model.lineage.times_ms[3]),
            newest.map_or_else(|| "-".to_owned(), |change| format!("{} {}", change.at, word(change.why))),
            model.weights_hash(),
        ]);
    }
    let columns = ["VERSION", "STATE", "LEARNED UP TO", "CURRENT SINCE", "WEIGHTS"].map(whole);
    stdout::print(table(columns, rows, 0, table::width()).as_bytes())
}

const fn word(why: Why) -> &'static str {
    match why {
        Why::Added => "(added)",
        Why::Learned => "(learned)",
        Why::Promoted => "(promoted)",
        Why::RolledBack => "(rolled back)",
    }
}

fn add(args: &ModelsAddArgs) -> Result<(), Error> {
    let path = &args.model;
    let model = model_file::read(path)?;
    let folder = ModelsFolder::create(&args.models.folder)?;
    let _lock = folder.lock()?;
    if let Some(current) = folder.current() {
        let hash = folder.read(current)?.schema_hash();
        if hash != model.schema_hash() {
            return Err(Error::Usage(format!(
                "{} has other metrics or actions than version {current}; give it a folder of its own",
                path.display()
            )));
        }
    }
    let version = folder.add(&model)?;
    let shown = args.models.folder.display();
    if folder.current().is_some() {
        return say(&format!(
            "version {version} is added. Next:\n\n  promemu models promote {shown} {version}"
        ));
    }
    folder.make_current(version, Why::Added)?;
    let link = folder.current_file();
    say(&format!(
        "version {version} is added, and current. Next:\n\n  promemu run learned model={}",
        link.display()
    ))
}

/// Mean errors of forecasts, by version and horizon.
fn compare(args: &ModelsCompareArgs) -> Result<(), Error> {
    let folder = ModelsFolder::open(&args.models.folder)?;
    let versions = if args.versions.is_empty() { folder.versions()? } else { args.versions.clone() };
    let recording = args.recording.as_ref().map(|path| Recording::open(path)).transpose();
    let recording = recording.map_err(|error| Error::Usage(error.to_string()))?;
    let bar = ProgressSteps::new();
    let mut rows = Vec::new();
    for (n, version) in versions.iter().enumerate() {
        let model = folder.read(*version)?;
        let scores: Vec<Score> = match &recording {
            None => model.roles.iter().flat_map(|model| model.role.scores.clone()).collect(),
            Some(recording) => {
                let outcome = validate_dynamics(recording, &model, PATHS, SEED, |_, _, _| {
                    bar.show("versions", n, versions.len());
                });
                outcome.map_err(told)?.roles.concat()
            }
        };
        let at = HORIZONS.map(|horizon| {
            let is_own = |score: &&Score| {
                score.horizon == horizon && score.predictor == "model" && score.metric.is_none()
            };
            let own: Vec<f64> = scores.iter().filter(is_own).map(|score| score.nrmse).collect();
            let count = u32::try_from(own.len()).unwrap_or(u32::MAX);
            if own.is_empty() {
                "-".to_owned()
            } else {
                format!("{:.3}", own.iter().sum::<f64>() / f64::from(count))
            }
        });
        let [first, fifth, last] = at;
        rows.push([version.to_string(), first, fifth, last]);
    }
    bar.clear();
    let columns = ["VERSION", "nRMSE AT 1", "AT 5", "AT 15"].map(whole);
    stdout::print(table(columns, rows, 0, table::width()).as_bytes())
}

fn learn(args: &ModelsLearnArgs) -> Result<(), Error> {
    let folder = ModelsFolder::open(&args.models.folder)?;
    let _lock = folder.lock()?;
    let current = folder.needed_current()?;
    let mut learner = OnlineLearner::new(folder.read(current)?);
    let recording = Recording::open(&args.recording).map_err(|error| Error::Usage(error.to_string()))?;
    let bar = ProgressSteps::new();
    let outcome = learner.learn(&recording, |done, all| bar.show("slices", done, all));
    bar.clear();
    let report = outcome.map_err(told)?;
    let has_changed = report.events.iter().any(|event| !matches!(event.change, OnlineChange::Drift { .. }));
    let mut version = current;
    if has_changed || (args.renew && report.rows > 0) {
        version = folder.add(learner.model())?;
        folder.make_current(version, Why::Learned)?;
    }
    if !is_printed(args.json.as_ref()) {
        stdout::print(text(&report, current, version).as_bytes())?;
    }
    if let Some(path) = &args.json {
        report_file::write(path, "--json", &json(&report, current, version))?;
    }
    Ok(())
}

fn text(report: &OnlineReport, current: u32, version: u32) -> String {
    let mut text = String::new();
    if !report.events.is_empty() {
        let rows = report.events.iter().map(|event| {
            let change = match &event.change {
                OnlineChange::Drift { metric } => format!("drift of {metric}"),
                OnlineChange::Promoted { gain } => {
                    format!("promoted: error smaller by {:.0} %", 100.0 * gain)
                }
                OnlineChange::RolledBack { gain } => {
                    format!("rolled back: error smaller by {:.0} %", 100.0 * gain)
                }
            };
            [time(event.at_ms), event.role.to_string(), change]
        });
        text = table(["TIME", "ROLE", "CHANGE"].map(whole), rows.collect::<Vec<_>>(), 0, table::width());
        text.push('\n');
    }
    let [first, own] = report.last_errors;
    let outcome = if version == current {
        format!("version {current} stays")
    } else {
        format!("version {version} is added, and current")
    };
    let sentence = format!(
        "{} learned; over the last ones the error of a step was {own:.3} deviations of the noise, and {first:.3} without learning; {outcome}",
        plural(report.rows, "row", "rows")
    );
    text.push_str(&table::paragraph(&sentence, 0, table::width()));
    text
}

fn json(report: &OnlineReport, current: u32, version: u32) -> String {
    let event = |event: &promemu_learn::OnlineEvent| {
        let (kind, metric, gain) = match &event.change {
            OnlineChange::Drift { metric } => ("drift", Some(metric), None),
            OnlineChange::Promoted { gain } => ("promoted", None, Some(gain)),
            OnlineChange::RolledBack { gain } => ("rolled_back", None, Some(gain)),
        };
        json!({ "at": time(event.at_ms), "role": event.role, "change": kind, "metric": metric, "gain": gain })
    };
    let report = json!({
        "from_version": current,
        "version": version,
        "rows": report.rows,
        "errors": { "first": report.errors[0], "model": report.errors[1] },
        "last_errors": { "first": report.last_errors[0], "model": report.last_errors[1] },
        "events": report.events.iter().map(event).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

fn time(at_ms: i64) -> String {
    Time::from_unix_secs(u64::try_from(at_ms / 1000).unwrap_or(0)).rfc3339()
}
