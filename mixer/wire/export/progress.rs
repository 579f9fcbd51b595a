//! The progress of an export, for others to watch, and their wish that it goes on.

use std::io;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};

/// The progress of an export.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    wanted: Option<Weak<()>>,
}

impl Progress {
    /// The progress of an export that is given up when nobody holds `wanted` any more.
    #[must_use]
    pub fn wanted_by(wanted: Weak<()>) -> Self {
        Self { wanted: Some(wanted), ..Self::default() }
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
        self.wanted.as_ref().is_none_or(|wanted| wanted.strong_count() > 0)
    }

    /// Fails if nobody wants the export any more.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.is_wanted() { Ok(()) } else { Err(io::Error::other("it was stopped")) }
    }
}
