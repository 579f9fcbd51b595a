//! The signals of a run: SIGINT and SIGTERM end it, SIGHUP reloads its config, or ends it when its terminal is closed.

use std::fs::File;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::thread_limit::not_started;
use promemu_run::unfinished::remove_unfinished;
use promemu_run::watch::ReloadRequests;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::hang_up::is_hang_up_ignored;
use crate::interrupts::{Signals, is_hang_up, runtime};
use crate::logs;

/// The exit code after a second signal.
const INTERRUPTED_TWICE: u8 = 130;
/// Signals that come within this time of the first one are the same request: `timeout` sends one to promemu and one to its group.
const SAME_REQUEST: Duration = Duration::from_millis(100);
/// Time for log lines after a second signal.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Completes at the first signal that ends the run; a second one ends the process at once. Without `requests` there is no config to
/// reload.
pub(crate) fn shutdown_signal(
    requests: Option<ReloadRequests>,
) -> Result<impl Future<Output = ()> + Send, Error> {
    let shutdown = Shutdown::listen(requests)?;
    Ok(async move { shutdown.requested().await })
}

/// The request of a signal to end all runs. Clones are of the same request.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Listens from now on. Signals have a thread of their own, so no work holds them up.
    pub(crate) fn listen(requests: Option<ReloadRequests>) -> Result<Self, Error> {
        let failed = |source| Error::System { what: "signals cannot be caught".to_owned(), source };
        let runtime = runtime().map_err(failed)?;
        let (sender, requested) = watch::channel(false);
        let hang_up = HangUp { had_terminal: has_terminal(), is_ignored: is_hang_up_ignored(), requests };
        let signals = {
            let _on_runtime = runtime.enter();
            // Under nohup a closed terminal is no reason to stop, but a request to reload is heard.
            Signals::listen(!hang_up.is_ignored || hang_up.requests.is_some()).map_err(failed)?
        };
        let waiting = move || runtime.block_on(wait(signals, &hang_up, sender));
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(waiting);
        thread.map_err(|error| failed(not_started(&error)))?;
        Ok(Self(requested))
    }

    /// `true` once a signal has come.
    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until a signal has come.
    pub(crate) async fn requested(&self) {
        let mut requests = self.0.clone();
        let _is_received = requests.wait_for(|is_requested| *is_requested).await.is_ok();
    }
}

/// Tells of the first signal that ends the run, and ends the process at the second one.
async fn wait(mut signals: Signals, hang_up: &HangUp, requested: watch::Sender<bool>) {
    next_end(&mut signals, hang_up).await;
    // Nobody listens if the run has just ended by itself.
    if requested.send(true).is_ok() {
        info!("stopping on a signal; a second one ends promemu at once");
    }
    skip_same_request(&mut signals).await;
    next_end(&mut signals, hang_up).await;
    let _nothing_new = remove_unfinished();
    logs::flush(Some(LAST_WORDS));
    std::process::exit(i32::from(INTERRUPTED_TWICE));
}

/// Takes the signals that come with the first one.
async fn skip_same_request(signals: &mut Signals) {
    let mut is_over = pin!(sleep(SAME_REQUEST));
    loop {
        tokio::select! {
            biased;
            _ = signals.next() => {}
            () = &mut is_over => return,
        }
    }
}

/// Waits for a signal that ends the run. Others reload its config.
async fn next_end(signals: &mut Signals, hang_up: &HangUp) {
    while is_hang_up(signals.next().await) {
        if hang_up.ends_run() {
            return;
        }
        hang_up.reload();
    }
}

/// SIGHUP: a closed terminal, or a request to reload the config, as daemons take it.
struct HangUp {
    had_terminal: bool,
    is_ignored: bool,
    requests: Option<ReloadRequests>,
}

impl HangUp {
    fn ends_run(&self) -> bool {
        self.had_terminal && !self.is_ignored && !has_terminal()
    }

    fn reload(&self) {
        let Some(requests) = &self.requests else {
            warn!("SIGHUP reloads a config, but there is none with a file; promemu goes on as before");
            return;
        };
        requests.ask();
    }
}

/// `true` if the process has a terminal that is not closed.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}
