//! Recordings that hosts play: the series of each host, and their rows in order of time.
//!
//! A recording is read by its caller's own reader, behind [`Replay`]: this crate knows no files of recordings.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use crate::metric::Layout;
use crate::series::Family;
use crate::time::Span;

/// Series without a sample for this long are stale, as in a Prometheus.
pub const STALE_AFTER: Span = Span::from_secs(5 * 60);

/// Opens recordings.
pub trait ReplayOpener: Debug + Send + Sync {
    /// The recording of a folder. The error is one sentence.
    fn open(&self, folder: &Path) -> Result<OpenedReplay, String>;
}

/// A recording, and what of it cannot be played.
#[derive(Clone, Debug)]
pub struct OpenedReplay {
    /// The recording.
    pub replay: Arc<dyn Replay>,
    /// Series that are left out, each kind in a sentence.
    pub left_out: Vec<String>,
}

/// A recording that can be played.
pub trait Replay: Debug + Send + Sync {
    /// The hosts.
    fn tables(&self) -> &[ReplayTable];

    /// Its first millisecond since the Unix epoch, and the one after its last.
    fn range_ms(&self) -> (i64, i64);

    /// Number of parts that the rows of a host are read in. They follow each other in time.
    fn parts(&self, table: usize) -> usize;

    /// The rows of one part. The error is one sentence.
    fn rows(&self, table: usize, part: usize) -> Result<Arc<ReplayRows>, String>;
}

/// The series that share their timestamps, as those of one scraped target do: they become a host.
#[derive(Clone, Debug)]
pub struct ReplayTable {
    /// The name of the host, unique in the recording.
    pub name: String,
    /// The job.
    pub job: String,
    /// Labels that all its series have.
    pub labels: Vec<(String, String)>,
    /// Time between two of its rows, about.
    pub interval: Span,
    /// The series, in the order of their cells.
    pub series: Vec<ReplaySeries>,
}

/// One series: a number, or a histogram or summary with all its parts.
#[derive(Clone, Debug)]
pub struct ReplaySeries {
    /// Name, type and text.
    pub family: Family,
    /// Its own labels.
    pub labels: Vec<(String, String)>,
    /// The meaning of its cells.
    pub layout: Layout,
}

/// Rows of a host. A series without a sample is [`ABSENT`](crate::metric::ABSENT).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplayRows {
    /// Milliseconds since the Unix epoch, in ascending order.
    pub times_ms: Vec<i64>,
    /// The cells of all series, row by row.
    pub cells: Vec<f64>,
}

/// A part that a host needs before it can go on: whoever drives it has it read, as a host does no I/O.
#[derive(Clone, Debug)]
pub struct WantedPart {
    pub(crate) plan: Arc<ReplayPlan>,
    pub(crate) part: usize,
}

impl WantedPart {
    /// Reads it. The error is one sentence.
    pub fn read(&self) -> Result<Arc<ReplayRows>, String> {
        self.plan.replay.rows(self.plan.table, self.part)
    }
}

/// The recording that a host plays.
#[derive(Clone, Debug)]
pub struct ReplayPlan {
    /// The recording.
    pub replay: Arc<dyn Replay>,
    /// The host's number in it.
    pub table: usize,
    /// `true` if it begins again at its end.
    pub is_looped: bool,
}

impl ReplayPlan {
    /// The length of the recording.
    #[must_use]
    pub fn length(&self) -> Span {
        let (begin, end) = self.replay.range_ms();
        millis(end - begin)
    }
}

impl PartialEq for ReplayPlan {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.replay, &other.replay)
            && self.table == other.table
            && self.is_looped == other.is_looped
    }
}

/// A span of so many milliseconds; none below 0.
#[must_use]
pub fn millis(millis: i64) -> Span {
    Span::from_nanos(u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000))
}
