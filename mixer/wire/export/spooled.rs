//! A run whose samples are spooled, and its series one by one.

use std::io;

use promemu_core::backfill::HostSamples;
use promemu_core::event::HostId;
use promemu_core::plan::{HostPlan, MetricPlan};
use promemu_core::series::LabelBlock;
use promemu_core::time::Time;

use super::members::SpooledMember;
use super::own_times::own_times;
use super::series::SampledSeries;
use super::spec::{ExportSpec, series_count};
use super::spool::Spool;
use super::target_labels::INSTANCE;

/// A run whose samples are spooled.
pub(super) struct SpooledRun<'a> {
    pub(super) spec: &'a ExportSpec<'a>,
    pub(super) spool: Spool,
    /// Pool members of each host.
    pub(super) members: Vec<Vec<SpooledMember>>,
}

/// A metric of a host or of one of its pool members; all numbers are indices.
#[derive(Clone, Copy)]
pub(super) enum SeriesRef {
    Host { host: HostId, metric: usize },
    Member { host: HostId, member: usize, metric: usize },
}

impl SpooledRun<'_> {
    /// All series in the order in which they are written: a part for each family, or one part for all hosts in turn.
    pub(super) fn series_refs(&self, is_by_family: bool) -> Vec<Vec<SeriesRef>> {
        let plan = self.spec.sampling.run.plan();
        let mut parts = vec![Vec::new(); if is_by_family { plan.families.len() } else { 1 }];
        let part_of = |metric: &MetricPlan| if is_by_family { metric.family } else { 0 };
        for ((id, host), members) in (0..).zip(&plan.hosts).zip(&self.members) {
            for (index, metric) in host.shape.metrics.iter().enumerate() {
                parts[part_of(metric)].push(SeriesRef::Host { host: id, metric: index });
            }
            for (member, SpooledMember { pool, .. }) in members.iter().enumerate() {
                for (index, metric) in host.shape.pools[*pool].shape.metrics.iter().enumerate() {
                    parts[part_of(metric)].push(SeriesRef::Member { host: id, member, metric: index });
                }
            }
        }
        parts
    }

    /// Reads one series and passes it to `work`.
    pub(super) fn with_series(
        &self,
        series: SeriesRef,
        work: impl FnOnce(&SampledSeries<'_>),
    ) -> io::Result<()> {
        match series {
            SeriesRef::Host { host, metric } => self.with_host_series(host, metric, work),
            SeriesRef::Member { host, member, metric } => self.with_member_series(host, member, metric, work),
        }
    }

    /// One more metric is written, with so many samples of each of its series.
    fn add_done(&self, metric: &MetricPlan, moments: usize) {
        self.spec.sampling.progress.add_done(series_count([metric]) * moments as u64);
    }

    fn with_host_series(
        &self,
        id: HostId,
        metric: usize,
        work: impl FnOnce(&SampledSeries<'_>),
    ) -> io::Result<()> {
        let host = &self.spec.sampling.run.plan().hosts[id as usize];
        let metric = &host.shape.metrics[metric];
        let cells = metric.offset..metric.offset + metric.cells.width();
        let mut samples = self.spool.samples(id as usize, cells)?;
        let own_times = own_times(self.spec, &self.spool, id, 0, &mut samples)?;
        let labels = [host.labels.as_text(), metric.labels.as_text()];
        work(&self.series(host, metric, labels, &samples, own_times.as_deref()));
        self.add_done(metric, self.spec.sampling.grid.count());
        Ok(())
    }

    fn with_member_series(
        &self,
        id: HostId,
        member: usize,
        metric: usize,
        work: impl FnOnce(&SampledSeries<'_>),
    ) -> io::Result<()> {
        let Self { spec, spool, members } = self;
        let host = &spec.sampling.run.plan().hosts[id as usize];
        let member = &members[id as usize][member];
        let metric = &host.shape.pools[member.pool].shape.metrics[metric];
        let (first, mut samples) = member.samples(metric, spool)?;
        let own_times = own_times(spec, spool, id, first, &mut samples)?;
        let times = own_times
            .unwrap_or_else(|| spec.sampling.grid.iter().skip(first).take(samples.moments()).collect());
        let labels = member.labels(spool)?;
        let series = self.series(host, metric, [&labels, metric.labels.as_text()], &samples, Some(&times));
        work(&SampledSeries { is_continuation: member.is_continuation, ..series });
        self.add_done(metric, member.moments());
        Ok(())
    }

    fn series<'s>(
        &'s self,
        host: &HostPlan,
        metric: &'s MetricPlan,
        [owner_labels, metric_labels]: [&[u8]; 2],
        samples: &'s HostSamples,
        own_times: Option<&'s [Time]>,
    ) -> SampledSeries<'s> {
        let plan = self.spec.sampling.run.plan();
        let has_own = metric.labels.get(INSTANCE).is_some();
        let target =
            self.spec.sampling.labels.of(plan, host).filter(|(name, _)| !has_own || *name != INSTANCE);
        let target = LabelBlock::new(target);
        let texts = [owner_labels, metric_labels, target.as_text()];
        let texts: Vec<&[u8]> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        let (labels, family) = (texts.join(&b','), &plan.families[metric.family]);
        SampledSeries { metric, family, labels, samples, own_times, is_continuation: false }
    }
}
