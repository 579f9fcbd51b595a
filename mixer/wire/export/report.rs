//! The outcome of an export.

use std::sync::Arc;

use promemu_core::host::{EventDrop, UpdateCounts};

/// Number of series and samples in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrittenCount {
    /// Series, as Prometheus counts them.
    pub series: u64,
    /// Samples of these series.
    pub samples: u64,
}

impl WrittenCount {
    pub(super) const fn and(self, other: Self) -> Self {
        Self { series: self.series + other.series, samples: self.samples + other.samples }
    }

    /// One more series of so many samples. A series without samples is not counted.
    pub(super) const fn and_series(self, samples: u64) -> Self {
        Self { series: self.series + if samples > 0 { 1 } else { 0 }, samples: self.samples + samples }
    }

    /// The samples alone, for series that are counted already.
    pub(super) const fn without_series(self) -> Self {
        Self { series: 0, ..self }
    }
}

/// The outcome of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// The series and samples in the file.
    pub written: WrittenCount,
    /// The work of the hosts.
    pub work: HostWork,
}

/// The work of the hosts of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostWork {
    /// Its counts.
    pub counts: UpdateCounts,
    /// The hosts that dropped events, by name.
    pub dropped: Vec<DroppedEvents>,
}

/// A host that may not emit as many events as it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedEvents {
    /// The host's name.
    pub host: Arc<str>,
    /// The first event that it dropped.
    pub first: EventDrop,
}
