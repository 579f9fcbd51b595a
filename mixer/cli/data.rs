//! `promemu data`: reads recordings.

mod quality;
mod query;

use std::process::ExitCode;

use promemu_core::error::Error;

use crate::args::{DataArgs, DataCommand};

/// Carries out a command on a recording.
pub(crate) fn data(args: &DataArgs) -> Result<ExitCode, Error> {
    match &args.command {
        DataCommand::Query(args) => query::query(args).map(|()| ExitCode::SUCCESS),
        DataCommand::Quality(args) => quality::quality(args),
    }
}
