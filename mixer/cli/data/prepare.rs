//! `promemu data prepare`: rows for learning, made of a recording by a pipeline in RON.

mod lineage;
mod meaning;
mod pipeline_text;

use std::io::ErrorKind;
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_core::{text_file, user_file};
use promemu_learn::{LearnError, PrepareOutcome, PrepareSpec, prepare as prepared};
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use promemu_wire::prepared::PreparedFolder;
use tracing::warn;

use super::query::open;
use crate::args::PrepareArgs;
use crate::fit;
use crate::progress_bar::ProgressSteps;
use crate::stdout;
use crate::table::{table, whole, width};
use lineage::Lineage;

/// Makes rows of a recording, or takes those before.
pub(super) fn prepare(args: &PrepareArgs) -> Result<(), Error> {
    let folder = PreparedFolder::open(&args.out).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists | ErrorKind::ResourceBusy => Error::Usage(error.to_string()),
        _ => unwritable(&args.out, "--out", error),
    })?;
    if args.rollback {
        let path = folder.roll_back().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Usage(format!("--rollback: {error}; nothing is changed")),
            _ => unwritable(&args.out, "--out", error),
        })?;
        return stdout::print(format!("{} is in use again\n", path.display()).as_bytes());
    }
    let (Some(pipeline), Some(recording)) = (&args.pipeline, &args.recording) else {
        let message = "name a pipeline and a recording, as in promemu data prepare shop.ron shop --out rows";
        return Err(Error::Usage(message.to_owned()));
    };
    let spec = read(pipeline, args.fold)?;
    warn_of_leaks(&spec);
    let recording_folder = recording;
    let recording = open(recording_folder)?;
    let lineage = Lineage { begin: wall_now(), pipeline, recording: recording_folder, out: &args.out };
    let progress = ProgressSteps::new();
    let outcome = prepared(
        &recording,
        &spec,
        &folder,
        |manifest, _| lineage.events(manifest),
        |of, done, all| progress.show(of, done, all),
    );
    progress.clear();
    let outcome = outcome.map_err(|error| told(error, &args.out))?;
    stdout::print(summary(&outcome, &args.out).as_bytes())
}

/// The pipeline of a file.
fn read(path: &Path, fold: Option<u32>) -> Result<PrepareSpec, Error> {
    let text = text_file::read(path, user_file::SMALL_BYTES_MAX).map_err(|source| {
        let what = format!("pipeline {} cannot be read", path.display());
        Error::System { what, source }
    })?;
    meaning::parse(&text, fold).map_err(|why| Error::Usage(format!("{}:{why}", path.display())))
}

/// Rows of one part may know values of another.
fn warn_of_leaks(spec: &PrepareSpec) {
    let reach_ms = spec.feature_reach_ms();
    let has_parts = spec.split.weights.len() > 1 || spec.split.fold.is_some();
    if has_parts && spec.split.embargo_ms < reach_ms {
        warn!(
            embargo_secs = spec.split.embargo_ms / 1000,
            reach_secs = reach_ms / 1000,
            "features reach back further than the embargo: the first rows of a part see values of the one before; \
             make embargo longer"
        );
    }
}

fn told(error: LearnError, out: &Path) -> Error {
    match error {
        LearnError::Output(source) => unwritable(out, "--out", source),
        LearnError::TooLarge { max } => Error::Usage(format!(
            "a part or the rows of training have more than {max} samples; take fewer series with match of extract, a longer \
             step, or shorter parts with every of load"
        )),
        other => fit::told(other),
    }
}

/// Counts of each step, and the place of the output.
fn summary(outcome: &PrepareOutcome, out: &Path) -> String {
    let manifest = &outcome.output.manifest;
    let mut steps: Vec<&str> = Vec::new();
    for (step, _) in manifest.counts.keys().filter_map(|name| name.split_once('.')) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps.sort_by_key(|step| STEPS.iter().position(|own| own == step));
    let rows = steps.iter().map(|step| {
        let counts = manifest.counts.iter().filter_map(|(name, count)| {
            let what = name.strip_prefix(step)?.strip_prefix('.')?.replace('_', " ");
            Some(format!("{count} {what}"))
        });
        [(*step).to_owned(), counts.collect::<Vec<_>>().join(", ")]
    });
    let table = table([whole("step"), whole("counts")], rows, 0, width());
    let out = out.join("current");
    let out = out.display();
    if !outcome.is_new {
        return format!("{table}\n{out} is as it was: nothing has changed\n");
    }
    let (made, kept) = (plural(outcome.made, "part", "parts"), outcome.kept);
    format!("{table}\n{out} is in use: {made} made, {kept} kept\n")
}

/// The steps in their order.
const STEPS: [&str; 7] = ["extract", "clean", "features", "split", "augment", "load", "windows"];
