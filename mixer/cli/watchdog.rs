//! `promemu effects-watchdog JOURNAL`: the process that a run with effects starts beside itself. It is not for people, so it
//! has no help.

use std::ffi::OsString;
use std::path::PathBuf;

use promemu_core::error::Error;
use promemu_run::effects::watchdog;

/// The journal, if promemu was started as a watchdog.
pub(crate) fn journal(mut args: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let (_program, command, journal) = (args.next()?, args.next()?, args.next()?);
    (command == watchdog::COMMAND).then(|| journal.into())
}

/// Waits for the end of the run, and takes back what it has left.
pub(crate) fn watchdog(journal: &std::path::Path) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let what = || "the watchdog has no runtime".to_owned();
    let runtime = runtime.map_err(|source| Error::System { what: what(), source })?;
    let outcome = runtime.block_on(watchdog::watch(journal));
    runtime.shutdown_background();
    outcome
}
