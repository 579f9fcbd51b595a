//! The stages of a run that are done, in a file: whatever ends the run, the next one goes on there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use promemu_core::error::Error;
use promemu_run::whole_file::unwritable;
use serde::{Deserialize, Serialize};

use super::stages::Pipeline;
use crate::output_file::replace;

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// The text of the pipeline: one that was edited begins anew.
    pipeline: String,
    /// Names of the stages that are done.
    done: Vec<String>,
}

/// The file, which one process at a time has.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    state: State,
    _lock: File,
}

/// The stages that are done, without a lock.
pub(super) fn read(path: &Path, pipeline: &Pipeline) -> Result<Vec<String>, Error> {
    load(path, pipeline).map(|state| state.done)
}

fn load(path: &Path, pipeline: &Pipeline) -> Result<State, Error> {
    let new = State { pipeline: pipeline.text.clone(), done: Vec::new() };
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(new),
        read => read.map_err(|source| {
            let what = format!("--state or PME_PIPELINE_STATE: {} cannot be read", path.display());
            Error::System { what, source }
        })?,
    };
    let state: State = serde_json::from_slice(&text).map_err(|error| {
        let path = path.display();
        Error::Usage(format!(
            "--state or PME_PIPELINE_STATE: {path} is no state of a pipeline: {error}; name another file"
        ))
    })?;
    Ok(if state.pipeline == pipeline.text { state } else { new })
}

impl StateFile {
    /// Opens the file, or begins it.
    pub(super) fn open(path: &Path, pipeline: &Pipeline) -> Result<Self, Error> {
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let failed = |source| unwritable(path, "--state", source);
        let lock = File::create(PathBuf::from(lock)).map_err(failed)?;
        lock.try_lock().map_err(|_| {
            let path = path.display();
            Error::Usage(format!(
                "pipeline of {path} is run by another process; wait for it, or name another --state"
            ))
        })?;
        Ok(Self { path: path.to_owned(), state: load(path, pipeline)?, _lock: lock })
    }

    pub(super) fn is_done(&self, stage: &str) -> bool {
        self.state.done.iter().any(|done| done == stage)
    }

    /// Begins a new run.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        self.state.done.clear();
        self.write()
    }

    /// A stage is done.
    pub(super) fn finish(&mut self, stage: &str) -> Result<(), Error> {
        self.state.done.push(stage.to_owned());
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(&self.state).map_err(io::Error::other);
        let written = text.and_then(|text| replace(&self.path, &text));
        written.map_err(|source| unwritable(&self.path, "--state", source))
    }
}
