//! Generators that are stopping, each in a thread of its own, and the wait for them at the end of a run.
//!
//! Nothing here waits longer than [`STOP_DEADLINE`]: a generator that takes longer is left behind with its thread.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::warn;

/// Time that a generator has to end its threads.
pub const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// Time beyond the deadline for a thread to say that it is done.
const GRACE: Duration = Duration::from_millis(250);

/// The end of a generator's stop.
#[derive(Debug)]
pub(super) enum Stopping {
    /// Its threads have ended, and its state is gone.
    Done,
}

static STOPPING: Mutex<Vec<(String, Receiver<Stopping>)>> = Mutex::new(Vec::new());

/// Has a thread of its own stop a generator, whose name is for the log.
pub(super) fn stop(name: String, work: impl FnOnce(Duration) -> Stopping + Send + 'static) {
    let (done, waiting) = channel();
    let stopping = thread::Builder::new().name("generator stop".to_owned()).spawn(move || {
        // Nobody may wait any more.
        drop(done.send(work(STOP_DEADLINE)));
    });
    match stopping {
        Ok(_) => {
            let mut all = STOPPING.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|(_, waiting)| {
                matches!(waiting.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty))
            });
            all.push((name, waiting));
        }
        Err(error) => {
            warn!(generator = %name, error = %error, "generator cannot be stopped; it is left behind");
        }
    }
}

/// Waits until all generators have stopped, at most [`STOP_DEADLINE`]. One that takes longer is told to the log and left
/// behind.
pub fn wait_for_generators() {
    let all = std::mem::take(&mut *STOPPING.lock().unwrap_or_else(PoisonError::into_inner));
    let mut left = STOP_DEADLINE + GRACE;
    for (name, waiting) in all {
        // All of them began to stop before the wait, so the time that one takes is gone for the others, too.
        if matches!(waiting.recv_timeout(left), Err(RecvTimeoutError::Timeout)) {
            warn!(
                generator = %name,
                deadline_secs = STOP_DEADLINE.as_secs(),
                "generator did not stop within its deadline; it is left behind"
            );
            left = Duration::ZERO;
        }
    }
}
