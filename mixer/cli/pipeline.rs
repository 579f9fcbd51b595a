//! `promemu pipeline`: commands of promemu in the order of what they need, from a file.

mod compare;
mod events;
mod metrics;
mod results;
mod runs;
mod stages;
mod state;

use std::path::{Path, PathBuf};
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::time::Span;
use tokio::time::{MissedTickBehavior, interval as ticks, sleep};
use tracing::{error, info};

use self::events::Events;
use self::metrics::StageMetrics;
use self::runs::Run;
use self::stages::Pipeline;
use self::state::StateFile;
use crate::args::{PipelineArgs, PipelineCommand, PipelineRunArgs};
use crate::settings::positive;
use crate::signals::Shutdown;
use crate::stdout;

/// Time between two looks at a recording.
const LOOKS: Duration = Duration::from_secs(1);

/// Runs a pipeline once, or again and again until a signal comes.
pub(crate) async fn pipeline(args: &PipelineArgs, is_dry: bool) -> Result<(), Error> {
    let args = match &args.command {
        PipelineCommand::Run(args) => args,
        PipelineCommand::Compare(args) => return compare::compare(args, is_dry).await,
    };
    let pipeline = stages::read(&args.file)?;
    let path = args.state.clone().unwrap_or_else(|| {
        let mut name = args.file.clone().into_os_string();
        name.push(".state.json");
        PathBuf::from(name)
    });
    let every =
        args.every.as_deref().map(|text| positive("--every or PME_PIPELINE_EVERY", text)).transpose()?;
    if is_dry {
        let done = if args.restart { Vec::new() } else { state::read(&path, &pipeline)? };
        return stdout::print(table(&pipeline, &done).as_bytes());
    }
    let shutdown = Shutdown::listen(None)?;
    let mut state = StateFile::open(&path, &pipeline)?;
    if args.restart {
        state.begin()?;
    }
    let folder = promemu_run::whole_file::folder(&args.file);
    let metrics = args.metrics.as_deref().map(|path| StageMetrics::new(path, &pipeline.name));
    let mut run = Run { pipeline: &pipeline, folder, state, shutdown, is_quiet: false, metrics };
    go_on(&mut run, args, every).await
}

/// Runs as often as the flags say.
async fn go_on(run: &mut Run<'_>, args: &PipelineRunArgs, every: Option<Span>) -> Result<(), Error> {
    let shutdown = run.shutdown.clone();
    if let Some(name) = &args.on_event {
        let mut events = Events::listen(name)?;
        while !shutdown.is_requested() {
            tokio::select! {
                event = events.next() => event?,
                () = shutdown.requested() => break,
            }
            tell(run.once().await);
        }
        return Ok(());
    }
    if let Some(every) = every {
        let mut ticks = ticks(every.duration());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !shutdown.is_requested() {
            tokio::select! {
                _ = ticks.tick() => tell(run.once().await),
                () = shutdown.requested() => break,
            }
        }
        return Ok(());
    }
    let Some(recording) = &args.follow else { return run.once().await };
    let mut seen = None;
    while !shutdown.is_requested() {
        let now = version(recording);
        if now != seen {
            tell(run.once().await);
            // A pipeline may change the recording itself, which is no reason to run again.
            seen = version(recording);
        }
        tokio::select! {
            () = sleep(LOOKS) => {}
            () = shutdown.requested() => break,
        }
    }
    Ok(())
}

/// A failed run of many is told, and the next one goes on where it was.
fn tell(outcome: Result<(), Error>) {
    match outcome {
        Ok(()) => info!("pipeline is done, and waits for its next run"),
        Err(why) => error!("pipeline failed, and goes on there with its next run: {why}"),
    }
}

/// The newest change of a recording; `None` without one.
fn version(recording: &Path) -> Option<(std::time::SystemTime, u64)> {
    let manifest = recording.join(promemu_wire::recording::MANIFEST).metadata().ok()?;
    Some((manifest.modified().ok()?, manifest.len()))
}

/// The stages in their order, a line for each.
fn table(pipeline: &Pipeline, done: &[String]) -> String {
    let line = |stage: &stages::Stage| {
        let mark = if done.contains(&stage.name) { "done" } else { "run " };
        format!("{mark} {}: promemu {}\n", stage.name, stage.run.join(" "))
    };
    pipeline.stages.iter().map(line).collect()
}
