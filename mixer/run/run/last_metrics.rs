//! The metrics of a run that is over: its exposition right before the end, compressed, for a while.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use promemu_core::time::{Span, Time};

use super::State;
use crate::clock::wall_now;
use crate::handle::RunHandle;

/// The quickest level: they are rarely read.
const ZSTD_LEVEL: i32 = 1;

/// The metrics of a run at one time.
#[derive(Debug)]
pub struct LastMetrics {
    taken_at: Time,
    compressed: Vec<u8>,
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
        let exposition = run.exposition(Self::SERIES_MAX).filter(|exposition| !exposition.is_empty())?;
        let compressed = zstd::bulk::compress(&exposition, ZSTD_LEVEL).ok()?;
        (compressed.len() <= Self::BYTES_MAX).then(|| Self { taken_at: wall_now(), compressed })
    }

    /// The real time at which they were shown.
    #[must_use]
    pub const fn taken_at(&self) -> Time {
        self.taken_at
    }

    /// The metrics in the text format.
    pub fn exposition(&self) -> io::Result<Vec<u8>> {
        zstd::stream::decode_all(&*self.compressed)
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
