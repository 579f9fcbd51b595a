//! `promemu fit --dynamics`: learns a dynamics model of a recording.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_core::user_file;
use promemu_learn::{
    Checkpoints, DynamicsFit, DynamicsOptions, FitProgress, Hyperparameters, fit_dynamics, train_member,
};
use promemu_run::whole_file::unwritable;
use promemu_wire::recording::Recording;
use promemu_wire::samples::Selector;
use tracing::warn;

use super::told;
use crate::args::FitArgs;
use crate::dynamics_report::{METRIC_COLUMNS, PREDICTOR_COLUMNS, metrics, predictors};
use crate::export::thread_count;
use crate::html_escape::escaped;
use crate::progress_bar::ProgressSteps;
use crate::report_page::{END, head, section};
use crate::table::{self, table, whole};
use crate::{output_file, report_file, ron_file, stdout};

/// The seed without `--seed`: each time the same, so that the model is.
const SEED: u64 = 1;
/// The largest file of hyper-parameters.
const BYTES_MAX: u64 = 1 << 20;
/// The largest checkpoint.
const CHECKPOINT_MAX: u64 = 1 << 30;
/// Bars of a curve, from the lowest to the highest.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Learns a model, and writes it.
pub(super) fn fit(args: &FitArgs, out: &Path, seed: Option<u64>) -> Result<(), Error> {
    let options = options(args, seed)?;
    let recording = Recording::open(&args.recording).map_err(|error| Error::Usage(error.to_string()))?;
    let mut checkpoints = Folder::beside(out);
    if let Some((member, all)) = args.member {
        return train(&recording, &options, (member, all), &mut checkpoints);
    }
    let numbers = &options.numbers;
    let updates = numbers.stages.iter().map(|stage| stage.updates).sum::<usize>() * numbers.members;
    let (bar, mut curves) = (ProgressSteps::new(), Curves::default());
    let outcome = fit_dynamics(&recording, &options, &mut checkpoints, &mut |progress| match progress {
        FitProgress::Counted { of, done, all } => bar.show(of, done, all),
        trained @ FitProgress::Trained { .. } => {
            bar.show("updates of networks", curves.put(&trained), updates);
        }
    });
    bar.clear();
    let fit = outcome.map_err(told)?;
    let bytes = fit.model.to_bytes().map_err(|error| Error::Run(format!("the model {error}")))?;
    output_file::replace(out, &bytes).map_err(|source| unwritable(out, "--out", source))?;
    checkpoints.remove();
    let notes = fit.left_out.iter().map(|note| format!("left out: {note}"));
    let refusals =
        fit.support.iter().filter_map(|support| support.refusal.clone().or_else(|| support.warning()));
    for note in notes.chain(refusals) {
        warn!("{note}");
    }
    if let Some(path) = &args.html {
        report_file::write(path, "--html", &page(out, &fit, &curves))?;
        if report_file::is_printed(Some(path)) {
            return Ok(());
        }
    }
    stdout::print(text(out, &args.recording, &fit, &curves).as_bytes())
}

/// Trains one network, and leaves it in its checkpoint.
fn train(
    recording: &Recording,
    options: &DynamicsOptions,
    (member, all): (usize, usize),
    checkpoints: &mut Folder,
) -> Result<(), Error> {
    let members = options.numbers.members;
    if all != members {
        return Err(Error::Usage(format!(
            "--member or PME_FIT_MEMBER: the hyper-parameters say that there are {members} networks, not {all}; change members there"
        )));
    }
    let updates = options.numbers.stages.iter().map(|stage| stage.updates).sum();
    let bar = ProgressSteps::new();
    let outcome = train_member(recording, options, member - 1, checkpoints, &mut |progress| match progress {
        FitProgress::Counted { of, done, all } => bar.show(of, done, all),
        FitProgress::Trained { updates: done, .. } => bar.show("updates of the network", done, updates),
    });
    bar.clear();
    outcome.map_err(told)?;
    let folder = checkpoints.0.display();
    let text =
        format!("network {member} of {all} is in {folder}; when all are, --assemble makes the model\n");
    stdout::print(text.as_bytes())
}

fn options(args: &FitArgs, seed: Option<u64>) -> Result<DynamicsOptions, Error> {
    let (numbers, numbers_text) = hyperparameters(args.hyperparameters.as_deref())?;
    let selectors: Result<Vec<Selector>, String> =
        args.selectors.iter().map(|text| Selector::parse(text)).collect();
    let selectors = selectors.map_err(|why| Error::Usage(format!("--match or PME_FIT_MATCH: {why}")))?;
    let name = args.recording.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(DynamicsOptions {
        selectors,
        seed: seed.unwrap_or(SEED),
        threads: thread_count(args.threads),
        assembles: args.assemble,
        numbers,
        numbers_text,
        recording: name.unwrap_or_default(),
        program: format!("promemu {}", env!("CARGO_PKG_VERSION")),
    })
}

/// Hyper-parameters of a file, or those that ship, with their text.
fn hyperparameters(path: Option<&Path>) -> Result<(Hyperparameters, String), Error> {
    let Some(path) = path else {
        return Ok((Hyperparameters::default(), Hyperparameters::DEFAULTS.to_owned()));
    };
    let wrong = |what: &dyn std::fmt::Display| {
        Error::Usage(format!("--hyperparameters or PME_FIT_HYPERPARAMETERS: {}: {what}", path.display()))
    };
    let bytes = user_file::read(path, BYTES_MAX).map_err(|error| wrong(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(&"it is no text in UTF-8"))?;
    let numbers: Hyperparameters = ron_file::parse(&text).map_err(|error| wrong(&error))?;
    numbers.check().map_err(|error| wrong(&error))?;
    Ok((numbers, text))
}

/// Checkpoints in a folder beside the model, while it is trained.
struct Folder(PathBuf);

impl Folder {
    fn beside(out: &Path) -> Self {
        let mut name = out.as_os_str().to_owned();
        name.push(".checkpoints");
        Self(name.into())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.safetensors"))
    }

    fn remove(&self) {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!("{} cannot be removed: {error}", self.0.display());
            }
            _ => {}
        }
    }
}

impl Checkpoints for Folder {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        user_file::read(&self.file(name), CHECKPOINT_MAX).ok()
    }

    fn save(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        output_file::replace(&self.file(name), bytes)
    }
}

/// The errors of each network over its training.
#[derive(Debug, Default)]
struct Curves(BTreeMap<(usize, usize), Vec<Look>>);

/// A look at an error.
#[derive(Clone, Copy, Debug)]
struct Look {
    horizon: usize,
    updates: usize,
    loss: f64,
    error: f64,
}

impl Curves {
    /// Adds a look; the number of updates of all networks.
    fn put(&mut self, progress: &FitProgress) -> usize {
        if let FitProgress::Trained { role, member, horizon, updates, loss, error } = progress {
            let (horizon, updates, loss, error) = (*horizon, *updates, *loss, *error);
            self.0.entry((*role, *member)).or_default().push(Look { horizon, updates, loss, error });
        }
        self.0.values().filter_map(|looks| looks.last()).map(|look| look.updates).sum()
    }

    fn rows(&self) -> Vec<[String; 4]> {
        let row = |((role, member), looks): (&(usize, usize), &Vec<Look>)| {
            let least = looks.iter().map(|look| look.error).fold(f64::INFINITY, f64::min);
            let updates = looks.last().map_or(0, |look| look.updates);
            [format!("{role}.{member}"), updates.to_string(), format!("{least:.5}"), curve(looks)]
        };
        self.0.iter().map(row).collect()
    }

    /// Each look, for the page.
    fn looks(&self) -> Vec<[String; 5]> {
        let row = |(role, member): &(usize, usize), look: &Look| {
            let Look { horizon, updates, loss, error } = look;
            let name = format!("{role}.{member}");
            [name, horizon.to_string(), updates.to_string(), format!("{loss:.6}"), format!("{error:.6}")]
        };
        self.0.iter().flat_map(|(key, looks)| looks.iter().map(move |look| row(key, look))).collect()
    }
}

/// Errors as bars.
fn curve(looks: &[Look]) -> String {
    let (low, high) = looks
        .iter()
        .fold((f64::INFINITY, 0.0f64), |(low, high), look| (low.min(look.error), high.max(look.error)));
    let bar = |look: &Look| {
        let share = if high > low { (look.error - low) / (high - low) } else { 0.0 };
        BARS.iter().zip(1..).find(|(_, n)| share <= f64::from(*n) / 8.0).map_or('█', |(bar, _)| *bar)
    };
    looks.iter().map(bar).collect()
}

/// Rows of the recorded actions: each with its changes, and the one that it is most like.
fn actions(fit: &DynamicsFit) -> Vec<[String; 3]> {
    let row = |support: &promemu_learn::ActionSupport| {
        let alike =
            support.alike.as_ref().map(|(other, correlation)| format!("{correlation:.2} with {other}"));
        [support.toggles.to_string(), alike.unwrap_or_else(|| "-".to_owned()), support.action.clone()]
    };
    fit.support.iter().map(row).collect()
}

const ACTION_COLUMNS: [&str; 3] = ["CHANGES", "MOST ALIKE", "ACTION"];
const CURVE_COLUMNS: [&str; 4] = ["NETWORK", "UPDATES", "LEAST ERROR", "ERRORS"];

fn heading(out: &Path, fit: &DynamicsFit) -> String {
    let model = &fit.model;
    let hosts: usize = model.roles.iter().map(|model| model.role.hosts.len()).sum();
    let columns: usize = model.roles.iter().map(|model| model.role.columns.len()).sum();
    format!(
        "{} is written: {} by {}, a step each {} s, {}; weights {}",
        out.display(),
        plural(columns, "metric", "metrics"),
        plural(model.roles.len(), "role", "roles"),
        model.step_secs,
        plural(hosts, "host", "hosts"),
        model.weights_hash()
    )
}

fn text(out: &Path, recording: &Path, fit: &DynamicsFit, curves: &Curves) -> String {
    let width = table::width();
    let mut text = table::paragraph(&heading(out, fit), 0, width);
    let mut put = |rows: String| {
        text.push('\n');
        text.push_str(&rows);
    };
    for (n, role) in fit.model.roles.iter().enumerate() {
        put(table(PREDICTOR_COLUMNS.map(whole), predictors(&role.role.scores), 0, width));
        put(table(METRIC_COLUMNS.map(whole), metrics(&fit.model, n, &role.role.scores), 0, width));
    }
    if !fit.support.is_empty() {
        put(table(ACTION_COLUMNS.map(whole), actions(fit), 0, width));
    }
    if !curves.0.is_empty() {
        put(table(CURVE_COLUMNS.map(whole), curves.rows(), 0, width));
    }
    let (out, recording) = (out.display(), recording.display());
    put(format!("Next:\n\n  promemu run learned model={out}\n  promemu validate {out} {recording}\n"));
    text
}

fn page(out: &Path, fit: &DynamicsFit, curves: &Curves) -> String {
    let mut page = head(&escaped(&heading(out, fit)));
    page.extend(["<h1>", &escaped(&heading(out, fit)), "</h1>\n"]);
    for (n, role) in fit.model.roles.iter().enumerate() {
        page.push_str(&section(
            &format!("Forecasts of role {n}"),
            PREDICTOR_COLUMNS,
            &predictors(&role.role.scores),
        ));
        page.push_str(&section(
            &format!("Metrics of role {n}"),
            METRIC_COLUMNS,
            &metrics(&fit.model, n, &role.role.scores),
        ));
    }
    page.push_str(&section("Actions", ACTION_COLUMNS, &actions(fit)));
    page.push_str(&section("Networks", CURVE_COLUMNS, &curves.rows()));
    let columns = ["network", "own steps", "updates", "loss", "error in the selection"];
    page.push_str(&section("Training", columns, &curves.looks()));
    page.push_str(END);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_has_the_default_hyper_parameters() {
        let read: Hyperparameters = ron_file::parse(Hyperparameters::DEFAULTS).unwrap();
        assert_eq!(read, Hyperparameters::default());
        assert_eq!(read.check(), Ok(()));
    }

    #[test]
    fn an_impossible_hyper_parameter_is_told_with_its_range() {
        let told = |text: &str| {
            ron_file::parse::<Hyperparameters>(text).and_then(|numbers| numbers.check()).unwrap_err()
        };
        insta::assert_snapshot!(told("(lags: 0)"), @"lags must be from 1 to 20, but is 0");
        insta::assert_snapshot!(told("(penalties: [])"), @"penalties must be numbers above 0, one at least");
        insta::assert_snapshot!(told("(units: 8,\n unit: 9)"), @r#"2:2: no field is called "unit"; did you mean "units"?"#);
    }

    #[test]
    fn a_curve_is_a_bar_for_each_look() {
        let look = |error: f64| Look { horizon: 1, updates: 1, loss: 0.0, error };
        assert_eq!(curve(&[look(3.0), look(2.0), look(1.0), look(1.0)]), "█▄▁▁");
    }
}
