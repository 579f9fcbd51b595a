//! The only clock of the load.

use std::time::{Duration, Instant};

/// Time since an arbitrary start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the load is real, and so is its time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(&self) -> Duration {
        self.0.elapsed()
    }

    /// The moment that is this long after the start, for timers.
    pub(crate) fn at(&self, time: Duration) -> tokio::time::Instant {
        (self.0 + time).into()
    }
}
