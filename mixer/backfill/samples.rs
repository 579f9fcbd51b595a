//! What a scrape of a host would have seen, at evenly spaced moments.

use std::ops::Range;

use super::{Backfill, Tally};
use crate::clock::{Span, Time};
use crate::host::{DrivenHost, Outbox};
use crate::metric::ABSENT;

/// Evenly spaced moments: `from`, and every `step` after it until `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The first moment.
    pub from: Time,
    /// The last moment is not after this.
    pub to: Time,
    /// What lies between two moments.
    pub step: Span,
}

impl Grid {
    /// How many moments there are.
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
}

/// A host's cells at the moments of a grid; those of one cell are neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSamples {
    cells: Vec<f64>,
    /// Which cells of the host's row these are.
    taken: Range<usize>,
    moments: usize,
    /// What the host did for it.
    pub tally: Tally,
}

impl HostSamples {
    /// Lets a host live, and notes what it has reported in these cells at each moment.
    #[must_use]
    pub fn of(mut host: DrivenHost, grid: &Grid, taken: Range<usize>) -> Self {
        let (width, moments) = (taken.len(), grid.count());
        let cells = vec![ABSENT; width * moments];
        let mut samples = Self { cells, taken: taken.clone(), moments, tally: Tally::default() };
        let mut out = Outbox::default();
        let mut reported: Vec<f64> = vec![ABSENT; width];
        for (n, moment) in grid.iter().enumerate() {
            let tally = Backfill::drive(&mut host, moment, &mut out, |_, host, out| {
                if out.report {
                    reported.copy_from_slice(&host.host().row()[taken.clone()]);
                }
                if host.due() == Time::NEVER {
                    reported.fill(ABSENT);
                }
            });
            samples.tally = samples.tally.and(tally);
            for (cell, value) in reported.iter().enumerate() {
                samples.cells[cell * moments + n] = *value;
            }
        }
        samples
    }

    /// Samples that were taken before.
    #[must_use]
    pub fn from_cells(cells: Vec<f64>, taken: Range<usize>, moments: usize) -> Self {
        Self { cells, taken, moments, tally: Tally::default() }
    }

    /// One cell of the host's row at all moments.
    #[must_use]
    pub fn cell(&self, cell: usize) -> &[f64] {
        let cell = cell - self.taken.start;
        &self.cells[cell * self.moments..(cell + 1) * self.moments]
    }

    /// All cells, one after the other.
    #[must_use]
    pub fn cells(&self) -> &[f64] {
        &self.cells
    }

    /// How many moments there are.
    #[must_use]
    pub const fn moments(&self) -> usize {
        self.moments
    }
}
