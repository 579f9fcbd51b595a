//! Requests that are sent again, with pauses that grow.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::warn;

use super::tally::SourceTally;
use super::until_stopped;

/// The first pause, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An attempt that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another attempt may succeed.
    Transient(String),
    /// No other attempt helps.
    Final(String),
}

/// The attempts of one request.
#[derive(Debug)]
pub(super) struct Retries {
    left: u32,
    pause: Duration,
}

impl Retries {
    /// So many attempts after the first one.
    pub(super) const fn new(count: u32) -> Self {
        Self { left: count, pause: FIRST_PAUSE }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    ///
    /// There is none: the reason of the last failure.
    pub(super) async fn after(
        &mut self,
        failure: Failure,
        tally: &SourceTally,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), String> {
        tally.errors.inc();
        let why = match failure {
            Failure::Final(why) => return Err(why),
            Failure::Transient(why) if self.left == 0 => return Err(why),
            Failure::Transient(why) => why,
        };
        self.left -= 1;
        warn!(attempts_left = self.left + 1, pause = ?self.pause, "request failed and is sent again: {why}");
        tokio::select! {
            () = sleep(self.pause) => {}
            () = until_stopped(stopped) => return Err(why),
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
