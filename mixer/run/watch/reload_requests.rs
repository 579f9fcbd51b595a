//! Requests to read a config's files now. They are counted, so that who asked can wait for the answer.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

/// Asks a watch to read its files now. Clones ask the same one.
#[derive(Clone, Debug)]
pub struct ReloadRequests {
    wake: mpsc::Sender<()>,
    counts: Arc<watch::Sender<ReloadCounts>>,
}

/// Requests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReloadCounts {
    /// Requests that were made.
    pub asked: u64,
    /// Those whose files have been read: their plan is with the run, or the log says why there is none.
    pub answered: u64,
}

impl ReloadRequests {
    /// Requests that wake a watch by this channel.
    pub(super) fn new(wake: mpsc::Sender<()>) -> Self {
        Self { wake, counts: Arc::new(watch::Sender::new(ReloadCounts::default())) }
    }

    /// Has the config reloaded if its files have changed. An end of the run ends the request.
    pub fn ask(&self) {
        self.counts.send_modify(|counts| counts.asked += 1);
        // A full channel has a change to tell already.
        let _is_first = self.wake.try_send(()).is_ok();
    }

    /// The counts, now and later.
    #[must_use]
    pub fn counts(&self) -> watch::Receiver<ReloadCounts> {
        self.counts.subscribe()
    }

    /// The channel that wakes the watch.
    pub(super) fn wake(&self) -> mpsc::Sender<()> {
        self.wake.clone()
    }

    /// Answers the requests up to this count.
    pub(super) fn answer(&self, asked: u64) {
        self.counts.send_if_modified(|counts| {
            let is_new = counts.answered < asked;
            counts.answered = counts.answered.max(asked);
            is_new
        });
    }
}
