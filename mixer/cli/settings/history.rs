//! `--history`: length and step of the history before a live run.

use promemu_core::error::Error;
use promemu_core::time::Span;

use super::durations::{interval, positive};

/// The length of `--history`.
pub(super) fn length(text: &str) -> Result<Span, Error> {
    positive("--history or PME_HISTORY", text)
}

/// The step of `--history-step`.
pub(super) fn step(text: &str) -> Result<Span, Error> {
    interval("--history-step or PME_HISTORY_STEP", text)
}
