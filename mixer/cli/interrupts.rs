//! The signals that end a command: what it has begun to write is removed first. A live run has its own ([`crate::run`]).

use std::sync::mpsc::channel;
use std::{io, thread};

use promemu_run::threads::probe_files;
use promemu_run::unfinished::remove_unfinished;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::hang_up::is_hang_up_ignored;

/// A shell's exit code of a process that was ended by signal N is this + N.
const EXIT_CODE_OF_SIGNALS: i32 = 128;

/// Makes a file that grows beyond the limit of the process an error of the write, not the end of the process.
pub(crate) fn outlive_file_limits() {
    // A process without this handler ends with its file too large, as any other one.
    let _is_listening = runtime()
        .and_then(|runtime| {
            let _on_runtime = runtime.enter();
            signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))
        })
        .is_ok();
}

/// From now on SIGINT, SIGTERM and SIGHUP remove what is not whole, and end the process with the exit code of the signal.
pub(crate) fn remove_unfinished_files() {
    let (listens, is_listening) = channel::<()>();
    let wait = move || -> io::Result<()> {
        let runtime = runtime()?;
        let mut signals = {
            let _on_runtime = runtime.enter();
            Signals::listen(!is_hang_up_ignored())?
        };
        drop(listens);
        let number = runtime.block_on(signals.next());
        let _nothing_new = remove_unfinished();
        std::process::exit(EXIT_CODE_OF_SIGNALS + number);
    };
    // Without the thread nothing catches signals: one ends the command as well, and the next command removes what is left.
    let _is_started = thread::Builder::new().name("signals".to_owned()).spawn(wait).is_ok();
    // Returns once the thread listens, or is gone.
    let _is_message = is_listening.recv().is_ok();
}

/// A runtime for signals alone.
pub(crate) fn runtime() -> io::Result<Runtime> {
    probe_files()?;
    Builder::new_current_thread().enable_io().enable_time().build()
}

/// `true` for the number of SIGHUP.
pub(crate) fn is_hang_up(signal: i32) -> bool {
    signal == SignalKind::hangup().as_raw_value()
}

/// The signals that promemu acts on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if it is not heard.
    hang_up: Option<Signal>,
}

impl Signals {
    /// Listens from now on, on the current runtime; to SIGHUP only if that is to be heard.
    pub(crate) fn listen(hears_hang_up: bool) -> io::Result<Self> {
        let hang_up = hears_hang_up.then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// The number of the signal that comes next.
    pub(crate) async fn next(&mut self) -> i32 {
        let Self { interrupt, terminate, hang_up } = self;
        let hang_up = async {
            match hang_up {
                Some(hang_up) => drop(hang_up.recv().await),
                None => std::future::pending().await,
            }
        };
        let kind = tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
            () = hang_up => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }
}
