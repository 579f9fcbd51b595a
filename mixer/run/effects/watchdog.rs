//! The watchdog of a run's effects: a process that takes them back when the run is gone, however it went.
//!
//! It holds the read end of a pipe whose write end only the run has. When that is closed, by the run or by the kernel, it
//! reads the run's journal; without one there is nothing to do.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use promemu_core::error::Error;
use tokio::signal::unix::{SignalKind, signal};

use super::cleanup;

/// The command of promemu that is a watchdog.
pub const COMMAND: &str = "effects-watchdog";
/// Time for which a watchdog waits for a proxy that is away.
const PATIENCE: Duration = Duration::from_hours(24);

/// A watchdog, as its run has it.
#[derive(Debug)]
pub(super) struct Watchdog {
    process: Child,
    pipe: ChildStdin,
}

impl Watchdog {
    /// Starts the watchdog of a journal. Signals to the run's process group do not reach it.
    pub(super) fn start(journal: &Path) -> io::Result<Self> {
        let own = Path::new("/proc/self/exe");
        let program = if own.exists() { own.to_owned() } else { std::env::current_exe()? };
        let mut process = Command::new(program)
            .arg(COMMAND)
            .arg(journal)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = process.stdin.take().ok_or_else(|| io::Error::other("it has no input"))?;
        Ok(Self { process, pipe })
    }

    /// The run has ended. Waits for the watchdog, unless it has something to do.
    pub(super) async fn release(self, is_clean: bool) {
        let Self { mut process, pipe } = self;
        drop(pipe);
        let waiting = tokio::task::spawn_blocking(move || process.wait());
        if is_clean {
            // It has ended, or there is no telling.
            let _is_over = waiting.await.is_ok();
        }
    }
}

/// Waits for the end of the run behind standard input, and takes back what is in its journal.
///
/// # Errors
///
/// Something is left.
pub async fn watch(journal: &Path) -> Result<(), Error> {
    // Whoever stops the run may stop its whole group or unit: the watchdog is what remains.
    let ignored = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let waiting = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin().lock(), &mut io::sink()));
    // A pipe that cannot be read is closed.
    let _is_closed = waiting.await.is_ok();
    let cleaned = cleanup::clean(journal, PATIENCE).await;
    drop(ignored);
    cleaned.map_err(Error::Run)
}
