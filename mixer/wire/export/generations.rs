//! Those who have lived in the hosts' pools: each is series of its own, from its first moment to its last.

use std::io;

use indexmap::IndexSet;

use super::{Export, Format, HostSamples, Series, Spool};
use promemu_core::backfill::MemberSamples;
use promemu_core::event::HostId;
use promemu_core::metric::ABSENT;
use promemu_core::plan::MetricPlan;
use promemu_core::rng::fnv1a;

/// One who has lived in a slot. There may be millions of them.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) kind: usize,
    /// Where its labels are in the spool, with those of the host, as text: the first byte, and how many.
    labels: (u64, usize),
    /// Whether somebody before it had the same labels.
    goes_on: bool,
    first: Piece,
    /// What comes behind the first stretch; few have more.
    more: Vec<Piece>,
}

/// Where a stretch of samples is.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// In the spool.
    at: u64,
    /// The first moment.
    first: usize,
    /// How many moments it has.
    moments: usize,
}

/// The generations of one host.
#[derive(Debug, Default)]
pub(super) struct Generations {
    all: Vec<Option<Generation>>,
    /// The labels that somebody has had, by kind.
    known: IndexSet<(usize, u64)>,
}

impl Generations {
    /// Spools a stretch.
    pub(super) fn put(&mut self, stretch: &MemberSamples<'_>, spool: &Spool) -> io::Result<()> {
        let at = spool.append_cells(stretch.cells)?;
        let piece = Piece { at, first: stretch.first, moments: stretch.moments };
        if self.all.len() <= stretch.generation {
            self.all.resize_with(stretch.generation + 1, || None);
        }
        let place = &mut self.all[stretch.generation];
        if let Some(generation) = place {
            generation.more.push(piece);
        } else {
            let text = stretch.labels.as_text();
            let labels = (spool.append(text)?, text.len());
            let (kind, goes_on) = (stretch.kind, !self.known.insert((stretch.kind, fnv1a(text))));
            *place = Some(Generation { kind, labels, goes_on, first: piece, more: Vec::new() });
        }
        Ok(())
    }

    /// Those that have had a sample, in the order of their births.
    pub(super) fn into_vec(self) -> Vec<Generation> {
        self.all.into_iter().flatten().collect()
    }
}

impl Generation {
    /// The first moment, and the samples of a metric from there on.
    pub(super) fn samples(&self, metric: &MetricPlan, spool: &Spool) -> io::Result<(usize, HostSamples)> {
        let first = self.first.first;
        let last = self.more.last().unwrap_or(&self.first);
        let end = last.first + last.moments;
        let (moments, width) = (end - first, metric.cells.width());
        let mut cells = vec![ABSENT; width * moments];
        for Piece { at, first: piece_first, moments: count } in std::iter::once(&self.first).chain(&self.more)
        {
            let taken = spool.appended_cells(*at, metric.offset * count..(metric.offset + width) * count)?;
            for (cell, values) in taken.chunks(*count).enumerate() {
                let from = cell * moments + piece_first - first;
                cells[from..from + count].copy_from_slice(values);
            }
        }
        let taken = metric.offset..metric.offset + width;
        Ok((first, HostSamples::from_cells(cells, taken, moments)))
    }
}

impl Export<'_> {
    /// Shows one series of somebody who has lived in a slot.
    pub(super) fn with_generation(
        &self,
        spool: &Spool,
        (id, generation, metric): (HostId, usize, usize),
        work: impl FnOnce(&Series<'_>),
    ) -> io::Result<()> {
        let plan = self.run.plan();
        let host = &plan.hosts[id as usize];
        let generation = &spool.generations(id)[generation];
        let metric = &host.shape.pools[generation.kind].shape.metrics[metric];
        let (first, mut samples) = generation.samples(metric, spool)?;
        let own_times = self.own_times(spool, id, first, &mut samples)?;
        if self.format == Format::Rules {
            samples = samples.padded(first, self.grid.count());
        }
        let times =
            own_times.unwrap_or_else(|| self.grid.iter().skip(first).take(samples.moments()).collect());
        let (at, len) = generation.labels;
        let of_host = spool.appended(at, len)?;
        let labels = [&of_host, metric.labels.as_text()];
        let series = self.series(host, metric, labels, &samples, Some(&times));
        work(&Series { goes_on: generation.goes_on, ..series });
        Ok(())
    }
}
