//! The signals that end promemu.

use promemu_core::error::Error;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// The exit code after a second signal.
const INTERRUPTED_TWICE: u8 = 130;

/// Completes at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once.
pub(super) fn shutdown_signal() -> Result<impl Future<Output = ()> + Send, Error> {
    let listen = |kind| {
        signal(kind).map_err(|source| Error::System { what: "signals cannot be caught".to_owned(), source })
    };
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    // Under nohup a closed terminal is no reason to stop.
    let mut hang_up = if is_hang_up_ignored() { None } else { Some(listen(SignalKind::hangup())?) };
    let (sender, first) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut sender = Some(sender);
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
            match sender.take() {
                // The receiver is gone if the run has just ended by itself.
                Some(sender) => drop(sender.send(())),
                None => std::process::exit(i32::from(INTERRUPTED_TWICE)),
            }
        }
    });
    Ok(async {
        let _is_received = first.await;
        info!("stopping on a signal; a second one ends promemu at once");
    })
}

/// `true` if SIGHUP, signal 1, was ignored when the process started (proc(5)).
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
