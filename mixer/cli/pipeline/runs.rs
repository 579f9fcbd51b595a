//! One run of a pipeline: its stages, one after the other, each a process of promemu.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use promemu_core::error::Error;
use promemu_run::clock::wall_now;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::metrics::StageMetrics;
use super::stages::{Pipeline, Stage};
use super::state::StateFile;
use crate::signals::Shutdown;

/// Time between two looks at a process.
const LOOKS: Duration = Duration::from_millis(50);
/// Time for a process to end when it is told to.
const LAST_WORK: Duration = Duration::from_secs(10);
/// The first pause before another attempt, which doubles, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A pipeline that is run.
#[derive(Debug)]
pub(super) struct Run<'p> {
    pub(super) pipeline: &'p Pipeline,
    /// The folder of its commands.
    pub(super) folder: &'p Path,
    pub(super) state: StateFile,
    pub(super) shutdown: Shutdown,
    /// Leaves out what its commands print.
    pub(super) is_quiet: bool,
    pub(super) metrics: Option<StageMetrics>,
}

/// The end of a process.
enum End {
    Exit(ExitStatus),
    Late,
    Stopped,
}

impl Run<'_> {
    /// Runs the stages that are not done. Afterwards all are to be done anew.
    pub(super) async fn once(&mut self) -> Result<(), Error> {
        let stages = &self.pipeline.stages;
        for (n, stage) in (1..).zip(stages) {
            if self.state.is_done(&stage.name) {
                info!(stage = stage.name, "stage was done before and is left out");
                continue;
            }
            info!(
                pipeline = self.pipeline.name,
                stage = stage.name,
                number = n,
                of = stages.len(),
                "stage begins"
            );
            let began = wall_now();
            let outcome = self.stage(stage).await;
            // One that is stopped has not failed.
            if let Some(metrics) = self.metrics.as_mut().filter(|_| !self.shutdown.is_requested()) {
                metrics.end(&stage.name, began, outcome.is_err())?;
            }
            outcome?;
            self.state.finish(&stage.name)?;
        }
        info!(pipeline = self.pipeline.name, "all stages are done");
        self.state.begin()
    }

    /// Runs one stage, with its attempts.
    pub(super) async fn stage(&self, stage: &Stage) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        let mut left = stage.retries;
        loop {
            let why = match self.attempt(stage).await? {
                End::Stopped => {
                    let name = &stage.name;
                    return Err(Error::Run(format!(
                        "stage {name} was stopped; the next run goes on with it"
                    )));
                }
                End::Exit(status) if status.success() => return Ok(()),
                End::Exit(status) => status.to_string(),
                End::Late => "its timeout is over".to_owned(),
            };
            if left == 0 {
                let name = &stage.name;
                return Err(Error::Run(format!("stage {name} failed: {why}; the next run goes on with it")));
            }
            warn!(stage = stage.name, attempts_left = left, ?pause, "stage failed and is tried again: {why}");
            tokio::select! {
                () = sleep(pause) => {}
                () = self.shutdown.requested() => left = 1,
            }
            (left, pause) = (left - 1, (pause * 2).min(LONGEST_PAUSE));
        }
    }

    async fn attempt(&self, stage: &Stage) -> Result<End, Error> {
        if self.shutdown.is_requested() {
            return Ok(End::Stopped);
        }
        let failed =
            |source| Error::System { what: format!("stage {} cannot be started", stage.name), source };
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(&stage.run).current_dir(self.folder).stdin(Stdio::null());
        if self.is_quiet {
            command.stdout(Stdio::null());
        }
        let mut child = command.spawn().map_err(failed)?;
        let limit = stage.timeout.unwrap_or(Duration::MAX);
        let end = tokio::select! {
            ended = timeout(limit, ended(&mut child)) => match ended {
                Ok(status) => return status.map(End::Exit).map_err(failed),
                Err(_) => End::Late,
            },
            () = self.shutdown.requested() => End::Stopped,
        };
        stop(&mut child).await.map_err(failed)?;
        Ok(end)
    }
}

/// Waits for the end of a process.
async fn ended(child: &mut Child) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        sleep(LOOKS).await;
    }
}

/// Tells a process to end, and ends it if it does not.
async fn stop(child: &mut Child) -> std::io::Result<()> {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _is_told = kill_process(pid, Signal::TERM).is_ok();
    }
    if timeout(LAST_WORK, ended(child)).await.is_err() {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}
