//! `--history`: length and step of the history before a live run.

use std::path::Path;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_run::outputs::remote_write::RemoteWriteSettings;
use promemu_wire::export::Format;

use super::durations::{interval, positive};
use super::outputs::{OutputArg, parse_outputs};
use crate::export::{is_folder, is_rule_test};

/// The length of `--history`.
pub(super) fn length(text: &str) -> Result<Span, Error> {
    positive("--history or PME_HISTORY", text)
}

/// The receiver of `--history-out remote-write=URL`, whose requests take `timeout` at most.
pub(super) fn receiver(out: &str, timeout: Duration) -> Result<Option<RemoteWriteSettings>, Error> {
    if !out.starts_with("remote-write=") {
        return check_place(out).map(|()| None);
    }
    let outputs = parse_outputs(&[out.to_owned()], timeout)?;
    Ok(outputs.first().and_then(OutputArg::remote_write).cloned())
}

/// Refuses a file whose name says no format.
fn check_place(out: &str) -> Result<(), Error> {
    if out == "-" || is_folder(out) {
        return Ok(());
    }
    if is_rule_test(out) {
        return Err(Error::Usage(format!(
            "--history-out or PME_HISTORY_OUT: {out:?} names a rule test, which promemu export makes; end it in .om, .csv or .parquet"
        )));
    }
    match Format::of_path(Path::new(out)) {
        Some(_) => Ok(()),
        None => Err(Error::Usage(format!(
            "--history-out or PME_HISTORY_OUT: file name {out:?} has no known format; end it in .om, .csv or .parquet, \
             or in / for a folder of blocks"
        ))),
    }
}

/// The step of `--history-step`.
pub(super) fn step(text: &str) -> Result<Span, Error> {
    interval("--history-step or PME_HISTORY_STEP", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_a_history_says_its_format() {
        for out in ["-", "past.om", "a/b.parquet", "c.csv", "blocks/"] {
            assert!(check_place(out).is_ok(), "{out}");
        }
        for out in ["nodir2", "past.json", "a/b", "test.yml"] {
            let error = check_place(out).unwrap_err().to_string();
            assert!(error.contains(out) && error.contains("end it in .om, .csv or .parquet"), "{error}");
        }
    }
}
