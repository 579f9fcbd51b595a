//! Reads of a page: how many have begun, and the last one that was made to its end. So a run can end when its last values were read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// Time from a last read on in which a page is still there.
const SHOWN_ON: Duration = Duration::from_millis(2_500);

/// The reads of a page, numbered from 1.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    begun: AtomicU64,
    /// The latest begin of one that was made to its end.
    finished: watch::Sender<u64>,
}

impl Reads {
    /// A read begins. Gives its number.
    pub(super) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The page of this read is made to its end.
    pub(super) fn finish(&self, number: u64) {
        self.finished.send_if_modified(|last| {
            let is_later = *last < number;
            *last = number.max(*last);
            is_later
        });
    }

    /// Waits for a whole read that begins from now on, if the page was read before.
    pub(super) async fn next(&self) {
        let before = self.begun.load(Ordering::Relaxed);
        if before > 0 {
            let mut finished = self.finished.subscribe();
            // The sender lives as long as this.
            let _is_read = finished.wait_for(|last| *last > before).await.is_ok();
            // Its bytes are on their way, and there may be other readers.
            sleep(SHOWN_ON).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_read_that_began_before_does_not_count() {
        let reads = Reads::default();
        timeout(Duration::from_secs(1), reads.next()).await.expect("nobody reads the page");
        let first = reads.begin();
        let waiting = async {
            let next = reads.next();
            tokio::pin!(next);
            assert!(timeout(Duration::from_secs(1), &mut next).await.is_err());
            reads.finish(first);
            assert!(timeout(Duration::from_secs(1), &mut next).await.is_err());
            let second = reads.begin();
            reads.finish(second);
            next.await;
        };
        timeout(Duration::from_secs(9), waiting).await.unwrap();
    }
}
