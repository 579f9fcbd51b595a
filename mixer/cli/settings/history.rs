//! `--history`: length and step of the history before a live run.

use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_run::outputs::remote_write::RemoteWriteSettings;

use super::durations::{interval, positive};
use super::outputs::{OutputArg, parse_outputs};

/// The length of `--history`.
pub(super) fn length(text: &str) -> Result<Span, Error> {
    positive("--history or PME_HISTORY", text)
}

/// The receiver of `--history-out remote-write=URL`, whose requests take `timeout` at most.
pub(super) fn receiver(out: &str, timeout: Duration) -> Result<Option<RemoteWriteSettings>, Error> {
    if !out.starts_with("remote-write=") {
        return Ok(None);
    }
    let outputs = parse_outputs(&[out.to_owned()], timeout)?;
    Ok(outputs.first().and_then(OutputArg::remote_write).cloned())
}

/// The step of `--history-step`.
pub(super) fn step(text: &str) -> Result<Span, Error> {
    interval("--history-step or PME_HISTORY_STEP", text)
}
