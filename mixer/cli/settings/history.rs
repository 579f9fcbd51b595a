//! `--history`: length and step of the history before a live run.

use promemu_core::error::Error;
use promemu_core::time::Span;

use super::durations::positive;

const STEP_MIN: Span = Span::from_nanos(1_000_000);

/// The length of `--history`.
pub(super) fn length(text: &str) -> Result<Span, Error> {
    positive("--history or PME_HISTORY", text)
}

/// The step of `--history-step`.
pub(super) fn step(text: &str) -> Result<Span, Error> {
    let flag = "--history-step or PME_HISTORY_STEP";
    let step = positive(flag, text)?;
    if step < STEP_MIN {
        return Err(Error::Usage(format!("{flag} must be 1ms or longer, but is {step}")));
    }
    Ok(step)
}
