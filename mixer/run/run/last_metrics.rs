//! The metrics of a run that is over: its exposition right before the end, compressed, for a while.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use promemu_core::time::{Span, Time};
use zstd::stream::write::Encoder;

use super::State;
use crate::clock::wall_now;
use crate::handle::{Exposition, RunHandle};

/// The quickest level: they are rarely read.
const ZSTD_LEVEL: i32 = 1;

/// The metrics of a run at one time.
#[derive(Debug)]
pub struct LastMetrics {
    taken_at: Time,
    compressed: Bytes,
}

impl LastMetrics {
    /// They are forgotten this long after the run's end.
    pub const KEPT_FOR: Duration = Duration::from_hours(1);
    /// Those of a run with more series are not kept.
    pub const SERIES_MAX: usize = 200_000;
    /// If they are larger when compressed, they are not kept.
    pub const BYTES_MAX: usize = 4 << 20;

    /// The present metrics; `None` if there are none or too many.
    pub(super) fn of(run: &RunHandle) -> Option<Self> {
        let mut exposition = run.exposition(Self::SERIES_MAX)?;
        let mut compressor = Encoder::new(Vec::new(), ZSTD_LEVEL).ok()?;
        let mut is_empty = true;
        while let Some(chunk) = exposition.next_chunk().ok()? {
            compressor.write_all(&chunk).ok()?;
            is_empty = false;
            if compressor.get_ref().len() > Self::BYTES_MAX {
                return None;
            }
        }
        let compressed = compressor.finish().ok()?;
        let is_kept = !is_empty && compressed.len() <= Self::BYTES_MAX;
        is_kept.then(|| Self { taken_at: wall_now(), compressed: compressed.into() })
    }

    /// The real time at which they were shown.
    #[must_use]
    pub const fn taken_at(&self) -> Time {
        self.taken_at
    }

    /// The metrics in the text format.
    ///
    /// # Errors
    ///
    /// There is no memory for the decoder.
    pub fn exposition(&self) -> io::Result<Exposition> {
        Exposition::of_compressed(self.compressed.clone())
    }
}

/// The place of a run's last metrics.
pub(super) type Place = Mutex<Option<Arc<LastMetrics>>>;

pub(super) fn set(place: &Place, metrics: LastMetrics) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(metrics));
}

/// Takes the metrics in each interval: when all hosts have ended by themselves there are none any more.
pub(super) async fn refresh(place: &Place, run: &RunHandle, interval: Span) -> Infallible {
    loop {
        tokio::time::sleep(interval.duration()).await;
        let run = run.clone();
        // A panic has been logged; the metrics stay as they were.
        if let Ok(Some(metrics)) = tokio::task::spawn_blocking(move || LastMetrics::of(&run)).await {
            set(place, metrics);
        }
    }
}

/// Forgets the metrics when their time is over.
pub(super) async fn forget(run: Weak<State>) {
    tokio::time::sleep(LastMetrics::KEPT_FOR).await;
    if let Some(run) = run.upgrade() {
        *run.last_metrics.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
