//! The progress of an export: a bar on a terminal that can draw it, else a log line from time to time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use promemu_wire::export::Progress;
use tracing::info;

use crate::logs::{is_dumb, is_terminal};

/// Interval between two updates of the progress bar.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);
/// Number of updates between two log lines, where there is no bar.
const UPDATES_PER_LINE: u32 = 100;

/// Number of parts of the bar's whole.
const PARTS: f64 = 1e4;

/// Runs `work` while a bar, or a log line from time to time, shows its progress. Without a thread for it nothing is shown.
pub(super) fn with_progress<R>(progress: &Progress, work: impl FnOnce() -> R) -> R {
    let (end, ended) = channel::<()>();
    thread::scope(|scope| {
        let shown = move || show(progress, &ended);
        let _is_shown = thread::Builder::new().spawn_scoped(scope, shown).is_ok();
        let outcome = work();
        drop(end);
        outcome
    })
}

/// Shows the progress until the other end is gone.
fn show(progress: &Progress, ended: &Receiver<()>) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
    let parts_of = |share: f64| (share * PARTS) as u64;
    let bar = ProgressBar::new(parts_of(1.0));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %, {eta} left") {
        bar.set_style(style);
    }
    let draws = is_terminal() && !is_dumb();
    let mut updates = 0;
    while ended.recv_timeout(UPDATE_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        updates += 1;
        let share = progress.share();
        if draws {
            bar.set_position(parts_of(share));
        } else if updates % UPDATES_PER_LINE == 0 {
            info!(percent = (share * 100.0).floor(), "exporting");
        }
    }
    if draws {
        bar.finish_and_clear();
    }
}
