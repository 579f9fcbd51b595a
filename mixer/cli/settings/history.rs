//! `--history`: length, step and file of the history before a live run.

use promemu_core::error::Error;
use promemu_core::time::Span;

use super::durations::positive;
use crate::args::Cli;

const STEP_MIN: Span = Span::from_nanos(1_000_000);

/// The history that a live run begins with.
#[derive(Clone, Debug)]
pub(crate) struct HistorySettings {
    pub(crate) length: Span,
    pub(crate) step: Span,
    pub(crate) out: String,
}

/// `None` without `--history`.
pub(super) fn history(cli: &Cli) -> Result<Option<HistorySettings>, Error> {
    let Some(length) = &cli.history else { return Ok(None) };
    let length = positive("--history or PME_HISTORY", length)?;
    let step = positive("--history-step or PME_HISTORY_STEP", &cli.history_step)?;
    if step < STEP_MIN {
        return Err(Error::Usage(format!(
            "--history-step or PME_HISTORY_STEP must be 1ms or longer, but is {step}"
        )));
    }
    Ok(Some(HistorySettings { length, step, out: cli.history_out.clone() }))
}
