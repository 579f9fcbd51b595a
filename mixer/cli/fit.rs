//! `promemu fit`: makes a config of a recording, or with `--dynamics` a dynamics model.

mod dynamics;

use std::path::Path;

use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::error::{ConfigError, Error, Severity};
use promemu_core::plural::plural;
use promemu_dynamics::file::EXTENSION;
use promemu_learn::{FitOptions, FittedConfig, LearnError, fit as fitted};
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use promemu_wire::recording::Recording;
use promemu_wire::samples::Selector;
use tracing::warn;

use crate::args::FitArgs;
use crate::progress_bar::ProgressSteps;
use crate::{output_file, stdout};

/// Writes a config whose metrics look like those of a recording.
pub(crate) fn fit(args: &FitArgs, seed: Option<u64>) -> Result<(), Error> {
    if args.dynamics {
        let form = OutForm { extension: EXTENSION, of: "models", shown: "shop.promemu-model" };
        return dynamics::fit(args, out(args, &form)?, seed);
    }
    let out = out(args, &OutForm { extension: "ron", of: "configs", shown: "shop.ron" })?;
    let name = out.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let selectors: Result<Vec<Selector>, String> =
        args.selectors.iter().map(|text| Selector::parse(text)).collect();
    let selectors = selectors.map_err(|why| Error::Usage(format!("--match or PME_FIT_MATCH: {why}")))?;
    let recording = Recording::open(&args.recording).map_err(|error| Error::Usage(error.to_string()))?;
    let options = FitOptions { name, selectors };
    let progress = ProgressSteps::new();
    let outcome = fitted(&recording, &options, |of, done, all| progress.show(of, done, all));
    progress.clear();
    let config = outcome.map_err(told)?;
    check(&options.name, &config.text)?;
    output_file::replace(out, config.text.as_bytes()).map_err(|source| unwritable(out, "--out", source))?;
    for note in &config.left_out {
        warn!("left out: {note}");
    }
    stdout::print(summary(out, &config).as_bytes())
}

fn summary(out: &Path, config: &FittedConfig) -> String {
    let out = out.display();
    let (hosts, metrics) =
        (plural(config.hosts, "host", "hosts"), plural(config.metrics, "metric", "metrics"));
    format!(
        "{out} is written: {hosts}, {metrics}. Next:\n\n  promemu check {out}\n  promemu plot {out}\n  promemu run {out}\n"
    )
}

/// The form of the file to write, in the words of messages.
struct OutForm {
    extension: &'static str,
    of: &'static str,
    shown: &'static str,
}

/// The file to write. One that is there is kept.
fn out<'a>(args: &'a FitArgs, form: &OutForm) -> Result<&'a Path, Error> {
    let OutForm { extension, of, shown: example } = form;
    let Some(out) = args.out.as_deref() else {
        let one = of.trim_end_matches('s');
        return Err(Error::Usage(format!(
            "no file given for the {one}; name one with --out, as in {example}"
        )));
    };
    let shown = out.display();
    if out.extension().is_none_or(|own| own != *extension) {
        return Err(Error::Usage(format!(
            "--out or PME_FIT_OUT: {shown} must end with .{extension}, as {of} do"
        )));
    }
    if !args.force && out.symlink_metadata().is_ok() {
        return Err(Error::Usage(format!("{shown} exists; choose another name, or replace it with --force")));
    }
    Ok(out)
}

pub(crate) fn told(error: LearnError) -> Error {
    match error {
        LearnError::Recording(source) => {
            let what = "the recording cannot be read; promemu data quality says which files are damaged";
            Error::System { what: what.to_owned(), source }
        }
        other => Error::Usage(other.to_string()),
    }
}

/// A config that cannot be loaded is not written.
fn check(name: &str, text: &str) -> Result<(), Error> {
    match ConfigFile::from_text(name, text).plan(&LoadOptions::starting_at(wall_now())) {
        Ok(_) => Ok(()),
        Err(ConfigError::Invalid { problems, .. }) => {
            let mut errors = problems.into_iter().filter(|problem| problem.severity == Severity::Error);
            let first = errors.next().map(|problem| problem.message).unwrap_or_default();
            Err(Error::Usage(format!(
                "the recording makes no valid config: {first}; fit a part of it, with --match"
            )))
        }
        Err(error) => Err(Error::Usage(error.to_string())),
    }
}
