//! A limit on the bytes that a source is read with in a second.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pace of one source.
#[derive(Debug)]
pub(super) struct Pace {
    /// `None` without a limit.
    bytes_per_sec: Option<u64>,
    /// When the bytes so far are within the limit.
    next: Instant,
}

impl Pace {
    pub(super) fn new(bytes_per_sec: Option<u64>) -> Self {
        Self { bytes_per_sec, next: Instant::now() }
    }

    /// Waits until so many more bytes are within the limit. A pause of the source gives no more bytes later.
    pub(super) async fn take(&mut self, bytes: usize) {
        let Some(limit) = self.bytes_per_sec else { return };
        let nanos = (bytes as u128 * 1_000_000_000) / u128::from(limit.max(1));
        let length = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.next = self.next.max(Instant::now()) + length;
        sleep_until(self.next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time() {
        let begin = Instant::now();
        let mut pace = Pace::new(Some(1_000));
        pace.take(500).await;
        pace.take(1_500).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(2));
        Pace::new(None).take(usize::MAX).await;
        assert_eq!(begin.elapsed(), Duration::from_secs(2));
    }
}
