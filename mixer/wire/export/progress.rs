//! The progress of an export, for others to watch, and their wish that it goes on.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use promemu_core::stop::Stop;

/// The progress of an export.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    stop: Stop,
}

impl Progress {
    /// The progress of an export that is given up when it is asked to stop.
    #[must_use]
    pub fn until(stop: Stop) -> Self {
        Self { stop, ..Self::default() }
    }

    /// The part that is done, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share is shown to people")]
    pub fn share(&self) -> f64 {
        let [done, total] = [&self.done, &self.total].map(|number| number.load(Ordering::Relaxed));
        if total == 0 { 0.0 } else { (done as f64 / total as f64).min(1.0) }
    }

    /// There is so much more to do.
    pub(super) fn add_total(&self, steps: u64) {
        self.total.fetch_add(steps, Ordering::Relaxed);
    }

    /// So much more is done.
    pub(super) fn add_done(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// `false` if nobody wants the export any more.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.stop.is_set()
    }

    /// Does work of hosts, which leaves off in the middle and fails if nobody wants it any more.
    pub(super) fn interrupts<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let outcome = self.stop.interrupts(work)?;
        self.check().map(|()| outcome)
    }

    /// Fails if nobody wants the export any more.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.is_wanted() { Ok(()) } else { Err(io::Error::other("it was stopped")) }
    }
}
