//! The hosts of one thread, on their way through time.

use std::io;
use std::sync::Arc;

use promemu_core::backfill::{HostSampler, HostSamples};
use promemu_core::event::HostId;
use promemu_core::host::DrivenHost;
use promemu_core::metric::is_absent;
use promemu_core::plan::{HostPlan, MetricPlan};
use promemu_core::series::LabelBlock;

use super::TimeRange;
use super::host_series::{Moments, SeriesEncoder};
use super::sink::{SeriesSink, Staleness};
use super::stretch::{Stretch, times_of};
use super::whole_host::WholeHost;
use crate::export::report::{DroppedEvents, HostWork};
use crate::export::spec::{Sampling, sample_count};

/// The hosts of one thread.
pub(in crate::export) struct Worker<'a> {
    spec: &'a Sampling<'a>,
    hosts: Vec<WorkerHost<'a>>,
    encoder: SeriesEncoder<'a>,
    work: HostWork,
}

struct WorkerHost<'a> {
    id: HostId,
    plan: &'a HostPlan,
    driver: Driver<'a>,
}

enum Driver<'a> {
    /// Sampled stretch by stretch.
    Sampler(Box<HostSampler<'a>>),
    /// All samples of a host that sets their times itself, and the host behind them.
    Whole(Box<WholeHost>, Box<HostSampler<'a>>),
}

impl<'a> Worker<'a> {
    /// These hosts at their start.
    pub(super) fn new(spec: &'a Sampling<'a>, ids: Vec<HostId>) -> io::Result<Self> {
        let plan = spec.run.plan();
        let mut work = HostWork::default();
        let hosts = ids.into_iter().map(|id| {
            let host = &plan.hosts[id as usize];
            let mut sampler = HostSampler::new(spec.run.host(id), 0..host.shape.width);
            if !host.has_own_times() {
                return Ok(WorkerHost { id, plan: host, driver: Driver::Sampler(Box::new(sampler)) });
            }
            spec.progress.check()?;
            let stretch = Stretch::of(&mut sampler, &spec.grid, host);
            add_work(&stretch.samples, host, &mut work);
            let whole = Box::new(WholeHost::new(stretch, spec.grid));
            Ok(WorkerHost { id, plan: host, driver: Driver::Whole(whole, Box::new(sampler)) })
        });
        let hosts = hosts.collect::<io::Result<_>>()?;
        Ok(Self { spec, hosts, encoder: SeriesEncoder::new(plan, spec.labels), work })
    }

    /// The first and the last time of each host that sets them itself, in milliseconds since the Unix epoch.
    pub(super) fn own_times(&self) -> impl Iterator<Item = (i64, i64)> {
        self.hosts.iter().filter_map(|host| match &host.driver {
            Driver::Whole(whole, _) => whole.times(),
            Driver::Sampler(_) => None,
        })
    }

    /// Makes the series of a range, which must follow the one before it.
    pub(in crate::export) fn encode(
        &mut self,
        range: &TimeRange,
        sink: &mut dyn SeriesSink,
    ) -> io::Result<()> {
        self.spec.progress.interrupts(|| self.encode_hosts(range, sink))
    }

    fn encode_hosts(&mut self, range: &TimeRange, sink: &mut dyn SeriesSink) -> io::Result<()> {
        let Self { spec, hosts, encoder, work } = self;
        for WorkerHost { plan: host, driver, .. } in hosts {
            spec.progress.check()?;
            let mut encode = HostEncoder { host, encoder, sink };
            match driver {
                Driver::Sampler(sampler) => {
                    let Some(grid) = &range.grid else { continue };
                    let before: Vec<bool> = sampler.reported().iter().map(|cell| !is_absent(*cell)).collect();
                    let was_up = !is_absent(sampler.up());
                    let stretch = Stretch::of(sampler, grid, host);
                    add_work(&stretch.samples, host, work);
                    let times = times_of(grid);
                    encode.put_up(&times, stretch.samples.up(), was_up)?;
                    encode.put_own(
                        &stretch,
                        Moments { times: &times, places: None },
                        |metric: &MetricPlan| Staleness::Marked { is_continued: before[metric.offset] },
                    )?;
                    for (key, member) in &stretch.members {
                        let moments = Moments {
                            times: &times[member.first..][..member.samples.moments()],
                            places: None,
                        };
                        let staleness = Staleness::Marked { is_continued: member.is_continued };
                        encode.put_member((key.0, &key.1), (moments, &member.samples), staleness)?;
                    }
                }
                Driver::Whole(whole, _) => whole.encode(range, &mut encode)?,
            }
            if let Some(grid) = &range.grid {
                spec.progress.add_done(sample_count(&host.shape.metrics, grid));
            }
        }
        Ok(())
    }

    /// Drives the hosts through a range whose samples nobody wants.
    pub(in crate::export) fn skip(&mut self, range: &TimeRange) -> io::Result<()> {
        self.spec.progress.interrupts(|| self.skip_hosts(range))
    }

    fn skip_hosts(&mut self, range: &TimeRange) -> io::Result<()> {
        let Some(grid) = &range.grid else { return Ok(()) };
        for WorkerHost { plan: host, driver, .. } in &mut self.hosts {
            self.spec.progress.check()?;
            if let Driver::Sampler(sampler) = driver {
                add_work(&Stretch::of(sampler, grid, host).samples, host, &mut self.work);
            }
            self.spec.progress.add_done(sample_count(&host.shape.metrics, grid));
        }
        Ok(())
    }

    /// The work of its hosts, and, if they are kept, the hosts at the end of the export.
    pub(in crate::export) fn end(self) -> (HostWork, Vec<(HostId, DrivenHost)>) {
        let Self { spec, hosts, work, .. } = self;
        if !spec.keeps_hosts {
            return (work, Vec::new());
        }
        let hosts = hosts.into_iter().map(|WorkerHost { id, driver, .. }| match driver {
            Driver::Sampler(sampler) | Driver::Whole(_, sampler) => (id, sampler.into_host(spec.grid.to)),
        });
        (work, hosts.collect())
    }
}

/// Encodes the series of one host.
pub(super) struct HostEncoder<'e, 'a> {
    host: &'e HostPlan,
    encoder: &'e mut SeriesEncoder<'a>,
    sink: &'e mut dyn SeriesSink,
}

impl HostEncoder<'_, '_> {
    /// `true` for a host that plays a recording.
    pub(super) fn is_replay(&self) -> bool {
        self.host.shape.replay.is_some()
    }

    /// Encodes `up`; `is_continued` if the host was a target before.
    pub(super) fn put_up(&mut self, times: &[i64], up: &[f64], is_continued: bool) -> io::Result<()> {
        let Self { host, encoder, sink } = self;
        let shared = encoder.shared_labels(host, &host.labels, *sink)?;
        encoder.put_up(&shared, (times, up), is_continued, *sink)
    }

    /// Encodes the host's own series.
    pub(super) fn put_own(
        &mut self,
        stretch: &Stretch,
        moments: Moments<'_>,
        staleness: impl Fn(&MetricPlan) -> Staleness,
    ) -> io::Result<()> {
        let Self { host, encoder, sink } = self;
        let shared = encoder.shared_labels(host, &host.labels, *sink)?;
        host.shape.metrics.iter().try_for_each(|metric| {
            encoder.put_metric(metric, &shared, (moments, &stretch.samples), staleness(metric), *sink)
        })
    }

    /// Encodes the series of one pool member.
    pub(super) fn put_member(
        &mut self,
        (pool, labels): (usize, &LabelBlock),
        (moments, samples): (Moments<'_>, &HostSamples),
        staleness: Staleness,
    ) -> io::Result<()> {
        let Self { host, encoder, sink } = self;
        let shared = encoder.shared_labels(host, labels, *sink)?;
        host.shape.pools[pool]
            .shape
            .metrics
            .iter()
            .try_for_each(|metric| encoder.put_metric(metric, &shared, (moments, samples), staleness, *sink))
    }
}

fn add_work(samples: &HostSamples, host: &HostPlan, work: &mut HostWork) {
    work.counts = work.counts.and(samples.counts);
    let dropped =
        samples.first_dropped.clone().filter(|_| work.dropped.iter().all(|known| known.host != host.name));
    work.dropped.extend(dropped.map(|first| DroppedEvents { host: Arc::clone(&host.name), first }));
}
