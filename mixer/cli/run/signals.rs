//! The signals that end promemu.

use std::thread;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_run::whole_file::remove_unfinished;
use tokio::sync::oneshot;
use tracing::info;

use crate::interrupts::{Signals, runtime};
use crate::logs;

/// The exit code after a second signal.
const INTERRUPTED_TWICE: u8 = 130;
/// Time for log lines after a second signal.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Completes at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. Signals have a thread of their
/// own, so no work holds them up.
pub(super) fn shutdown_signal() -> Result<impl Future<Output = ()> + Send, Error> {
    let failed = |source| Error::System { what: "signals cannot be caught".to_owned(), source };
    let runtime = runtime().map_err(failed)?;
    let (sender, first) = oneshot::channel();
    let signals = {
        let _on_runtime = runtime.enter();
        Signals::listen().map_err(failed)?
    };
    let waiting = move || runtime.block_on(wait(signals, sender));
    thread::Builder::new().name("signals".to_owned()).spawn(waiting).map_err(failed)?;
    Ok(async {
        let _is_received = first.await;
        info!("stopping on a signal; a second one ends promemu at once");
    })
}

/// Tells of the first signal, and ends the process at the second one.
async fn wait(mut signals: Signals, first: oneshot::Sender<()>) {
    signals.next().await;
    // The receiver is gone if the run has just ended by itself.
    let _is_known = first.send(()).is_ok();
    signals.next().await;
    remove_unfinished();
    logs::flush(Some(LAST_WORDS));
    std::process::exit(i32::from(INTERRUPTED_TWICE));
}
