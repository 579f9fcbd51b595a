//! `promemu data`: reads recordings, and makes rows for learning of them.

mod prepare;
mod quality;
mod query;
mod query_cache;

use std::process::ExitCode;

use promemu_core::error::Error;

use crate::args::{DataArgs, DataCommand};

/// Carries out a command on a recording.
pub(crate) fn data(args: &DataArgs) -> Result<ExitCode, Error> {
    match &args.command {
        DataCommand::Query(args) => query::query(args).map(|()| ExitCode::SUCCESS),
        DataCommand::Prepare(args) => prepare::prepare(args).map(|()| ExitCode::SUCCESS),
        DataCommand::Quality(args) => quality::quality(args),
    }
}
