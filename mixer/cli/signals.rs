//! Signals that end promemu.

use promemu_core::error::Error;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// The exit code after a second signal.
const INTERRUPTED_TWICE: u8 = 130;

/// Completes at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once.
pub(crate) fn signals() -> Result<impl Future<Output = ()> + Send, Error> {
    let listen = |kind| {
        signal(kind)
            .map_err(|source| Error::System { what: "signals cannot be listened to".to_owned(), source })
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    // Under nohup the terminal's end is no reason to stop.
    let mut hang_up = if is_ignored_hang_up() { None } else { Some(listen(SignalKind::hangup())?) };
    let (first, came) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = async {
                    match &mut hang_up {
                        Some(hang_up) => drop(hang_up.recv().await),
                        None => std::future::pending().await,
                    }
                } => {}
            }
            match first.take() {
                // Nobody waits any more when the run has just ended by itself.
                Some(first) => drop(first.send(())),
                None => std::process::exit(i32::from(INTERRUPTED_TWICE)),
            }
        }
    });
    Ok(async {
        let _came = came.await;
        info!("a signal asks promemu to end; a second one ends it at once");
    })
}

/// Whether SIGHUP, signal 1, was ignored when the process started (proc(5)).
fn is_ignored_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
