//! `promemu pipeline compare`: two pipelines over copies of a recording, side by side.
//!
//! Each works in a folder of its own, so that neither changes the recording, nor the other's files. Stages that record, or
//! that change another store or a database, are left out.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::user_file;
use promemu_run::clock::Clock;
use promemu_run::whole_file::{folder, unwritable};
use tracing::{info, warn};

use super::results::{self, Results};
use super::runs::Run;
use super::stages::{self, Pipeline, Stage};
use super::state::StateFile;
use crate::args::PipelineCompareArgs;
use crate::signals::Shutdown;
use crate::stdout;

/// Commands that are left out: the recording is there, and what others have stays as it is.
const LEFT_OUT: [&[&str]; 4] =
    [&["record"], &["store", "archive"], &["store", "restore"], &["store", "load"]];

/// A stage, and its seconds; without them it was left out, and an error is why it failed.
type Times = Vec<(String, Option<Result<f64, String>>)>;

/// Runs both, and prints what came of it.
pub(super) async fn compare(args: &PipelineCompareArgs, is_dry: bool) -> Result<(), Error> {
    let pipelines = [stages::read(&args.a)?, stages::read(&args.b)?];
    let name = args.recording.canonicalize().ok().and_then(|path| path.file_name().map(PathBuf::from));
    let open = promemu_wire::recording::Recording::open(&args.recording);
    open.map_err(|error| Error::Usage(error.to_string()))?;
    let name = name.unwrap_or_else(|| args.recording.clone());
    if is_dry {
        return stdout::print(pipelines.iter().map(plan).collect::<String>().as_bytes());
    }
    let temporary = TemporaryFolder::new();
    let temporary = temporary.map_err(|source| unwritable(&std::env::temp_dir(), "TMPDIR", source))?;
    let out = args.out.as_deref().unwrap_or_else(|| temporary.path());
    let failed = |source| unwritable(out, "--out or PME_PIPELINE_OUT", source);
    let shutdown = Shutdown::listen(None)?;
    let mut made: Vec<(Times, Results)> = Vec::new();
    for ((pipeline, file), side) in pipelines.iter().zip([&args.a, &args.b]).zip(["a", "b"]) {
        let own = out.join(side);
        prepare(&own, file, (&args.recording, &name)).map_err(failed)?;
        let state = StateFile::open(&temporary.path().join(format!("{side}.state.json")), pipeline)?;
        let before = results::files(&own).map_err(failed)?;
        let run =
            Run { pipeline, folder: &own, state, shutdown: shutdown.clone(), is_quiet: true, metrics: None };
        let times = run_all(&run).await?;
        made.push((times, Results::read(&own, (&name, &before)).map_err(failed)?));
    }
    let text = pipelines.iter().zip(&made).map(|(pipeline, (times, _))| table(pipeline, times));
    let text: String = text.collect();
    let differences = made[0].1.compare(&made[1].1);
    stdout::print(format!("{text}{differences}").as_bytes())?;
    let has_failed = |(times, _): &(Times, Results)| times.iter().any(|(_, end)| matches!(end, Some(Err(_))));
    if made.iter().any(has_failed) {
        return Err(Error::Run("a stage failed; what the pipelines made before it is compared".to_owned()));
    }
    Ok(())
}

/// A new folder with a copy of the recording, and of the files beside a pipeline.
fn prepare(own: &Path, pipeline: &Path, (recording, name): (&Path, &Path)) -> io::Result<()> {
    if own.exists() {
        let why = "there are results already; name a new folder";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    fs::create_dir_all(own)?;
    for entry in fs::read_dir(folder(pipeline))? {
        let entry = entry?;
        let found = fs::metadata(entry.path());
        match found {
            Ok(found) if found.is_file() && found.len() <= user_file::CONFIG_BYTES_MAX => {
                fs::copy(entry.path(), own.join(entry.file_name()))?;
            }
            Ok(found) if found.is_file() => {
                warn!(file = %entry.path().display(), "file is too large for a pipeline's own and is left out");
            }
            _ => {}
        }
    }
    copy(recording, &own.join(name))
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name())))?;
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// `true` for a stage that is not run.
fn is_left_out(stage: &Stage) -> bool {
    let words: Vec<&str> = stage.run.iter().map(String::as_str).collect();
    LEFT_OUT.iter().any(|command| words.starts_with(command))
}

/// Runs the stages until one fails.
async fn run_all(run: &Run<'_>) -> Result<Times, Error> {
    let mut times = Times::new();
    for stage in &run.pipeline.stages {
        if is_left_out(stage) {
            times.push((stage.name.clone(), None));
            continue;
        }
        info!(pipeline = run.pipeline.name, stage = stage.name, "stage begins");
        let clock = Clock::start();
        let end = run.stage(stage).await;
        if run.shutdown.is_requested() {
            return end.map(|()| times);
        }
        let secs = clock.now().since(clock.started_at()).as_secs_f64();
        let end = end.map(|()| secs).map_err(|why| why.to_string());
        let is_over = end.is_err();
        times.push((stage.name.clone(), Some(end)));
        if is_over {
            break;
        }
    }
    Ok(times)
}

/// The stages that would be run.
fn plan(pipeline: &Pipeline) -> String {
    let line = |stage: &Stage| {
        let mark = if is_left_out(stage) { "leave out" } else { "run      " };
        format!("{mark} {} {}: promemu {}\n", pipeline.name, stage.name, stage.run.join(" "))
    };
    pipeline.stages.iter().map(line).collect()
}

/// The stages with their times.
fn table(pipeline: &Pipeline, times: &Times) -> String {
    let mut text = format!("{}\n", pipeline.name);
    for (stage, end) in times {
        // A string takes all that is written.
        let _is_written = match end {
            Some(Ok(secs)) => writeln!(text, "  {stage}: {secs:.2} s"),
            Some(Err(why)) => writeln!(text, "  {stage}: {why}"),
            None => writeln!(text, "  {stage}: left out"),
        }
        .is_ok();
    }
    text
}
