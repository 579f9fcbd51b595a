//! Those who have lived in the hosts' slots: each is series of its own, from its first moment to its last.

use std::io;

use super::{Export, Format, HostSamples, Series, Spool};
use crate::backfill::Stretch;
use crate::event::HostId;
use crate::metric::ABSENT;
use crate::plan::MetricPlan;
use crate::series::LabelBlock;

/// One who has lived in a slot.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) kind: usize,
    /// With those of the host.
    pub(super) labels: LabelBlock,
    /// Where its samples are: the place in the spool, the first moment, how many moments.
    stretches: Vec<(u64, usize, usize)>,
}

/// The generations of one host.
#[derive(Debug, Default)]
pub(super) struct Generations(Vec<Option<Generation>>);

impl Generations {
    /// Spools a stretch.
    pub(super) fn put(&mut self, stretch: &Stretch<'_>, spool: &Spool) -> io::Result<()> {
        let at = spool.append(stretch.cells)?;
        if self.0.len() <= stretch.generation {
            self.0.resize_with(stretch.generation + 1, || None);
        }
        let generation = self.0[stretch.generation].get_or_insert_with(|| Generation {
            kind: stretch.kind,
            labels: stretch.labels.clone(),
            stretches: Vec::new(),
        });
        generation.stretches.push((at, stretch.first, stretch.moments));
        Ok(())
    }

    /// Those that have had a sample, in the order of their births.
    pub(super) fn into_vec(self) -> Vec<Generation> {
        self.0.into_iter().flatten().collect()
    }
}

impl Generation {
    /// The first moment, and the samples of a metric from there on.
    pub(super) fn samples(&self, metric: &MetricPlan, spool: &Spool) -> io::Result<(usize, HostSamples)> {
        let first = self.stretches.first().map_or(0, |(_, first, _)| *first);
        let end = self.stretches.last().map_or(0, |(_, first, moments)| first + moments);
        let (moments, width) = (end - first, metric.cells.width());
        let mut cells = vec![ABSENT; width * moments];
        for (at, stretch_first, count) in &self.stretches {
            let taken = spool.appended(*at, metric.offset * count..(metric.offset + width) * count)?;
            for (cell, values) in taken.chunks(*count).enumerate() {
                let from = cell * moments + stretch_first - first;
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
        let metric = &host.shape.slots[generation.kind].shape.metrics[metric];
        let (first, mut samples) = generation.samples(metric, spool)?;
        let own_times = self.own_times(spool, id, first, &mut samples)?;
        if self.format == Format::Rules {
            samples = samples.widened(first, self.grid.count());
        }
        let times =
            own_times.unwrap_or_else(|| self.grid.iter().skip(first).take(samples.moments()).collect());
        let labels = [&generation.labels, &metric.labels];
        work(&self.series(host, metric, labels, &samples, Some(&times)));
        Ok(())
    }
}
