//! The hosts of one thread, on their way through the blocks.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use promemu_core::backfill::{HostSampler, HostSamples};
use promemu_core::event::HostId;
use promemu_core::metric::is_absent;
use promemu_core::plan::{HostPlan, MetricPlan};
use promemu_core::series::LabelBlock;

use super::BlockSpec;
use super::encoded::EncodedPart;
use super::float_chunk::Staleness;
use super::host_series::{Moments, SeriesEncoder};
use super::ranges::BlockRange;
use super::stretch::{Stretch, times_of};
use super::whole_host::WholeHost;
use crate::export::report::{DroppedEvents, HostWork};
use crate::export::spec::sample_count;

/// The hosts of one thread.
pub(super) struct Worker<'a> {
    spec: &'a BlockSpec<'a>,
    hosts: Vec<WorkerHost<'a>>,
    encoder: SeriesEncoder<'a>,
    work: HostWork,
}

struct WorkerHost<'a> {
    plan: &'a HostPlan,
    driver: Driver<'a>,
}

enum Driver<'a> {
    /// Sampled block by block.
    Sampler(Box<HostSampler<'a>>),
    /// All samples of a host that sets their times itself.
    Whole(Box<WholeHost>),
}

impl<'a> Worker<'a> {
    /// These hosts at their start.
    pub(super) fn new(spec: &'a BlockSpec<'a>, ids: Vec<HostId>) -> Self {
        let plan = spec.run.plan();
        let mut work = HostWork::default();
        let hosts = ids.into_iter().map(|id| {
            let host = &plan.hosts[id as usize];
            let mut sampler = HostSampler::new(spec.run.host(id), 0..host.shape.width);
            if !host.stamps() {
                return WorkerHost { plan: host, driver: Driver::Sampler(Box::new(sampler)) };
            }
            let stretch = Stretch::of(&mut sampler, &spec.grid, host);
            add_work(&stretch.samples, host, &mut work);
            WorkerHost { plan: host, driver: Driver::Whole(Box::new(WholeHost::new(stretch, spec.grid))) }
        });
        let hosts = hosts.collect();
        Self { spec, hosts, encoder: SeriesEncoder::new(plan, spec.labels), work }
    }

    /// The earliest and the latest time that a host set itself, in milliseconds since the Unix epoch.
    pub(super) fn own_times(&self) -> Option<(i64, i64)> {
        let times = self.hosts.iter().filter_map(|host| match &host.driver {
            Driver::Whole(whole) => whole.times(),
            Driver::Sampler(_) => None,
        });
        times.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Encodes the samples of a block, whose spool is in `dir`.
    pub(super) fn encode(&mut self, range: &BlockRange, dir: &Path) -> io::Result<EncodedPart> {
        let mut part = EncodedPart::new(dir, range.begin)?;
        let Self { spec, hosts, encoder, work } = self;
        for WorkerHost { plan: host, driver } in hosts {
            let mut encode = HostEncoder { host, encoder, part: &mut part };
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
                Driver::Whole(whole) => whole.encode(range, &mut encode)?,
            }
            if let Some(grid) = &range.grid {
                spec.done.fetch_add(sample_count(&host.shape.metrics, grid), Ordering::Relaxed);
            }
        }
        part.end()?;
        Ok(part)
    }

    /// The work of its hosts.
    pub(super) fn into_work(self) -> HostWork {
        self.work
    }
}

/// Encodes the series of one host.
pub(super) struct HostEncoder<'e, 'a> {
    host: &'e HostPlan,
    encoder: &'e mut SeriesEncoder<'a>,
    part: &'e mut EncodedPart,
}

impl HostEncoder<'_, '_> {
    /// Encodes `up`; `is_continued` if the host was a target before.
    pub(super) fn put_up(&mut self, times: &[i64], up: &[f64], is_continued: bool) -> io::Result<()> {
        let Self { host, encoder, part } = self;
        let shared = encoder.shared_labels(host, &host.labels, part)?;
        encoder.put_up(&shared, (times, up), is_continued, part)
    }

    /// Encodes the host's own series.
    pub(super) fn put_own(
        &mut self,
        stretch: &Stretch,
        moments: Moments<'_>,
        staleness: impl Fn(&MetricPlan) -> Staleness,
    ) -> io::Result<()> {
        let Self { host, encoder, part } = self;
        let shared = encoder.shared_labels(host, &host.labels, part)?;
        host.shape.metrics.iter().try_for_each(|metric| {
            encoder.put_metric(metric, &shared, (moments, &stretch.samples), staleness(metric), part)
        })
    }

    /// Encodes the series of one pool member.
    pub(super) fn put_member(
        &mut self,
        (pool, labels): (usize, &LabelBlock),
        (moments, samples): (Moments<'_>, &HostSamples),
        staleness: Staleness,
    ) -> io::Result<()> {
        let Self { host, encoder, part } = self;
        let shared = encoder.shared_labels(host, labels, part)?;
        host.shape.pools[pool]
            .shape
            .metrics
            .iter()
            .try_for_each(|metric| encoder.put_metric(metric, &shared, (moments, samples), staleness, part))
    }
}

fn add_work(samples: &HostSamples, host: &HostPlan, work: &mut HostWork) {
    work.counts = work.counts.and(samples.counts);
    let dropped =
        samples.first_dropped.clone().filter(|_| work.dropped.iter().all(|known| known.host != host.name));
    work.dropped.extend(dropped.map(|first| DroppedEvents { host: Arc::clone(&host.name), first }));
}
