//! The samples that scrapes of a host would have seen, at evenly spaced moments.

use std::ops::Range;

use super::members::MemberSink;
use super::replayed_host::ReplayedHost;
use super::sampler::HostSampler;
use crate::event::Event;
use crate::host::{EventDrop, UpdateCounts};
use crate::metric::ABSENT;
use crate::time::{Span, Time};

/// Evenly spaced moments: `from`, and every `step` after it until `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The first moment.
    pub from: Time,
    /// The last moment is not after this.
    pub to: Time,
    /// The span between two moments.
    pub step: Span,
}

impl Grid {
    /// Number of moments.
    #[must_use]
    pub fn count(&self) -> usize {
        let steps = self.to.since(self.from).as_nanos() / self.step.as_nanos().max(1);
        usize::try_from(steps).unwrap_or(usize::MAX - 1) + 1
    }

    /// The moments.
    pub fn iter(&self) -> impl Iterator<Item = Time> {
        let Self { from, step, .. } = *self;
        (0..).zip(0..self.count()).map(move |(n, _)| from + step.times(n))
    }

    /// The grid in parts of so many moments, one at least. The last part may have fewer.
    pub fn parts(self, moments: usize) -> impl Iterator<Item = Self> {
        let (count, moments) = (self.count(), moments.max(1));
        (0..count).step_by(moments).map(move |first| {
            let last = first + moments.min(count - first) - 1;
            let at = |moment: usize| self.from + self.step.times(moment as u64);
            Self { from: at(first), to: at(last), step: self.step }
        })
    }
}

/// A host's cells at the moments of a grid. The values of one cell are adjacent.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSamples {
    pub(super) cells: Vec<f64>,
    /// The range of the host's row that these cells are.
    taken: Range<usize>,
    moments: usize,
    pub(super) reported_at: Vec<Time>,
    pub(super) own_times: Vec<Time>,
    pub(super) up: Vec<f64>,
    /// The counts of the host's updates.
    pub counts: UpdateCounts,
    /// The first event that was dropped because the host may not emit so many.
    pub first_dropped: Option<EventDrop>,
}

impl HostSamples {
    /// Drives a host, and records its last report at each moment.
    #[must_use]
    pub fn of(host: ReplayedHost<'_>, grid: &Grid) -> Self {
        Self::with_events(host, grid, |_| {}, None)
    }

    /// As [`Self::of`]; passes each event of the host to `emitted`, and the samples of its pool members to `pools`.
    #[must_use]
    pub fn with_events(
        host: ReplayedHost<'_>,
        grid: &Grid,
        emitted: impl FnMut(&Event),
        pools: Option<MemberSink<'_>>,
    ) -> Self {
        let all = 0..host.driven().host().row().len();
        HostSampler::new(host, all).sample(grid, emitted, pools)
    }

    /// As [`Self::of`], for some cells of the host's row; passes the samples of its pool members to `pools`.
    #[must_use]
    pub fn of_cells(
        host: ReplayedHost<'_>,
        grid: &Grid,
        taken: Range<usize>,
        pools: Option<MemberSink<'_>>,
    ) -> Self {
        HostSampler::new(host, taken).sample(grid, |_| {}, pools)
    }

    /// Samples from cells that were recorded before; without report times, own times and counts.
    #[must_use]
    pub fn from_cells(cells: Vec<f64>, taken: Range<usize>, moments: usize) -> Self {
        Self {
            cells,
            taken,
            moments,
            reported_at: Vec::new(),
            own_times: Vec::new(),
            up: Vec::new(),
            counts: UpdateCounts::default(),
            first_dropped: None,
        }
    }

    /// One cell of the host's row at all moments.
    #[must_use]
    pub fn cell(&self, cell: usize) -> &[f64] {
        let cell = cell - self.taken.start;
        &self.cells[cell * self.moments..(cell + 1) * self.moments]
    }

    /// The time of the host's last report at each moment; [`Time::NEVER`] before its first report. Empty for
    /// samples from [`Self::from_cells`].
    #[must_use]
    pub fn reported_at(&self) -> &[Time] {
        &self.reported_at
    }

    /// The own time of the host's last report at each moment. Empty for a host that states none, and for samples
    /// from [`Self::from_cells`].
    #[must_use]
    pub fn own_times(&self) -> &[Time] {
        &self.own_times
    }

    /// The host as a target at each moment: 1 while it answers, 0 while it is down, [`ABSENT`] while there is no such
    /// target: before its first report, while it is silent, and when it has ended. Empty for samples from
    /// [`Self::from_cells`].
    #[must_use]
    pub fn up(&self) -> &[f64] {
        &self.up
    }

    /// Removes the samples of some moments.
    pub fn clear_moments(&mut self, is_cleared: impl Fn(usize) -> bool) {
        for moment in (0..self.moments).filter(|moment| is_cleared(*moment)) {
            self.cells.iter_mut().skip(moment).step_by(self.moments).for_each(|cell| *cell = ABSENT);
        }
    }

    /// The values of all cells, cell by cell.
    #[must_use]
    pub fn cells(&self) -> &[f64] {
        &self.cells
    }

    /// Number of moments.
    #[must_use]
    pub const fn moments(&self) -> usize {
        self.moments
    }
}
