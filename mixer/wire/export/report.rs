//! The outcome of an export.

use std::sync::Arc;

use promemu_core::event::HostId;
use promemu_core::host::{DrivenHost, EventDrop, UpdateCounts};

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
#[derive(Debug, Default)]
pub struct ExportReport {
    /// The series and samples in the file.
    pub written: WrittenCount,
    /// The work of the hosts.
    pub work: HostWork,
    /// The hosts at the end, in the order of the plan, if they are kept.
    pub hosts: Vec<DrivenHost>,
}

impl ExportReport {
    /// The outcome of threads that had some hosts each.
    pub(super) fn of_threads(
        written: WrittenCount,
        threads: impl IntoIterator<Item = (HostWork, Vec<(HostId, DrivenHost)>)>,
    ) -> Self {
        let (mut work, mut hosts) = (HostWork::default(), Vec::new());
        for (of_thread, driven) in threads {
            work.counts = work.counts.and(of_thread.counts);
            work.dropped.extend(of_thread.dropped);
            hosts.extend(driven);
        }
        work.dropped.sort_by(|a, b| a.host.cmp(&b.host));
        hosts.sort_by_key(|(id, _)| *id);
        Self { written, work, hosts: hosts.into_iter().map(|(_, host)| host).collect() }
    }
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
