//! The signals that end promemu.

use std::time::Duration;
use std::{io, thread};

use promemu_core::error::Error;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tracing::info;

use crate::hang_up::is_hang_up_ignored;
use crate::logs;

/// The exit code after a second signal.
const INTERRUPTED_TWICE: u8 = 130;
/// Time for log lines after a second signal.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Completes at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. Signals have a thread of their
/// own, so no work holds them up.
pub(super) fn shutdown_signal() -> Result<impl Future<Output = ()> + Send, Error> {
    let failed = |source| Error::System { what: "signals cannot be caught".to_owned(), source };
    let runtime = Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let (sender, first) = oneshot::channel();
    let signals = {
        let _on_runtime = runtime.enter();
        Signals::listen().map_err(failed)?
    };
    let waiting = move || runtime.block_on(signals.wait(sender));
    thread::Builder::new().name("signals".to_owned()).spawn(waiting).map_err(failed)?;
    Ok(async {
        let _is_received = first.await;
        info!("stopping on a signal; a second one ends promemu at once");
    })
}

/// The signals that are listened to.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` under nohup: a closed terminal is no reason to stop then.
    hang_up: Option<Signal>,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let hang_up = (!is_hang_up_ignored()).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// Tells of the first signal, and ends the process at the second one.
    async fn wait(mut self, first: oneshot::Sender<()>) {
        self.next().await;
        // The receiver is gone if the run has just ended by itself.
        let _is_known = first.send(()).is_ok();
        self.next().await;
        logs::flush(Some(LAST_WORDS));
        std::process::exit(i32::from(INTERRUPTED_TWICE));
    }

    async fn next(&mut self) {
        let Self { interrupt, terminate, hang_up } = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = async {
                match hang_up {
                    Some(hang_up) => drop(hang_up.recv().await),
                    None => std::future::pending().await,
                }
            } => {}
        }
    }
}
