//! The progress of an export: a bar on a terminal that can draw it, else a log line from time to time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tracing::info;

use crate::logs::{is_dumb, is_terminal};

/// Interval between two updates of the progress bar.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);
/// Number of updates between two log lines, where there is no bar.
const UPDATES_PER_LINE: u32 = 100;

/// Runs `work` while a bar, or a log line from time to time, shows how many of the steps are done. Without a thread for it
/// nothing is shown.
pub(super) fn with_progress<R>(total: u64, done: &AtomicU64, work: impl FnOnce() -> R) -> R {
    let (end, ended) = channel::<()>();
    thread::scope(|scope| {
        let shown = move || show(total, done, &ended);
        let _is_shown = thread::Builder::new().spawn_scoped(scope, shown).is_ok();
        let outcome = work();
        drop(end);
        outcome
    })
}

/// Shows the progress until the other end is gone.
fn show(total: u64, done: &AtomicU64, ended: &Receiver<()>) {
    let bar = ProgressBar::new(total);
    let template = "{bar:30} {percent:>3} % of {len} samples, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let draws = is_terminal() && !is_dumb();
    let mut updates = 0;
    while ended.recv_timeout(UPDATE_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        updates += 1;
        let done = done.load(Ordering::Relaxed);
        if draws {
            bar.set_position(done);
        } else if updates % UPDATES_PER_LINE == 0 {
            info!(done, total, "exporting");
        }
    }
    if draws {
        bar.finish_and_clear();
    }
}
