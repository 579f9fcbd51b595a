//! The progress of an export: a bar on a terminal, else a log line from time to time.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tracing::info;

/// Interval between two updates of the progress bar.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);
/// Number of updates between two log lines, where there is no terminal.
const UPDATES_PER_LINE: u32 = 100;

/// Runs `work` while a bar, or a log line from time to time, shows how many of the steps are done.
pub(super) fn with_progress<R: Send>(total: u64, done: &AtomicU64, work: impl FnOnce() -> R + Send) -> R {
    let bar = ProgressBar::new(total);
    let template = "{bar:30} {percent:>3} % of {len} samples, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let is_terminal = io::stderr().is_terminal();
    std::thread::scope(|scope| {
        let worker = scope.spawn(work);
        let mut updates = 0;
        while !worker.is_finished() {
            std::thread::sleep(UPDATE_INTERVAL);
            updates += 1;
            let done = done.load(Ordering::Relaxed);
            if is_terminal {
                bar.set_position(done);
            } else if updates % UPDATES_PER_LINE == 0 {
                info!(done, total, "exporting");
            }
        }
        bar.finish_and_clear();
        match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
