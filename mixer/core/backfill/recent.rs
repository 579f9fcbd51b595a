//! The newest samples of a history, thinned out: one number a metric, as a person reads it.
//!
//! Its size is bounded, whatever the history has. Hosts are sampled on several threads, in any order, so sums over hosts may
//! differ in their last digits from run to run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::{IndexMap, IndexSet};

use super::samples::{Grid, HostSamples};
use crate::plan::{HostPlan, HostShape, MetricPlan, Plan};
use crate::time::{Span, Time};

/// The most moments that are kept.
const MOMENTS_MAX: usize = 240;
/// The most values of hosts' own series that are kept: 8 MiB. Those of larger fleets are kept as sums over all hosts alone.
const VALUES_MAX: usize = 1 << 20;

/// The numbers that the hosts' series of one family show at a moment, together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aggregate {
    /// Number of series with a sample.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// The smallest; infinite without any.
    pub min: f64,
    /// The largest; infinite without any.
    pub max: f64,
}

impl Default for Aggregate {
    fn default() -> Self {
        Self { count: 0.0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Aggregate {
    /// Adds the number of one series.
    pub const fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }
}

/// The newest samples of a history.
#[derive(Debug)]
pub struct RecentSamples {
    grid: Grid,
    /// The kept moments of the grid, in order of time.
    moments: Vec<usize>,
    /// `true` if there is room for each host's own series.
    keeps_hosts: bool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Moment by moment. Without the families of pools, whose members are not sampled here.
    families: IndexMap<Arc<str>, Box<[Aggregate]>>,
    hosts: IndexMap<Arc<str>, KeptHost>,
}

/// The values of one host, metric by metric; NaN without a sample.
#[derive(Debug)]
struct KeptHost {
    shape: Arc<HostShape>,
    values: Box<[f64]>,
}

impl RecentSamples {
    /// Of the last part of this grid, of this length.
    pub(super) fn new(plan: &Plan, grid: Grid, length: Span) -> Self {
        let count = grid.count();
        let within = usize::try_from(length.as_nanos() / grid.step.as_nanos().max(1)).unwrap_or(usize::MAX);
        let within = within.saturating_add(1).min(count);
        let moments: Vec<usize> =
            (count - within..count).rev().step_by(within.div_ceil(MOMENTS_MAX)).collect();
        let moments: Vec<usize> = moments.into_iter().rev().collect();
        let of_pools: IndexSet<usize> = plan
            .hosts
            .iter()
            .flat_map(|host| &host.shape.pools)
            .flat_map(|pool| &pool.shape.metrics)
            .map(|metric| metric.family)
            .collect();
        let families = plan.families.iter().enumerate().filter(|(index, _)| !of_pools.contains(index));
        let families = families.map(|(_, family)| {
            (Arc::clone(&family.name), vec![Aggregate::default(); moments.len()].into_boxed_slice())
        });
        let metrics: usize = plan.hosts.iter().map(|host| host.shape.metrics.len()).sum();
        let kept = Mutex::new(Kept { families: families.collect(), hosts: IndexMap::new() });
        Self { grid, keeps_hosts: metrics * moments.len() <= VALUES_MAX, moments, kept }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is kept of a host's samples at the moments of a part of the grid.
    pub(super) fn take(&self, plan: &Plan, host: &HostPlan, part: &Grid, samples: &HostSamples) {
        let step = self.grid.step.as_nanos().max(1);
        let first = usize::try_from(part.from.since(self.grid.from).as_nanos() / step).unwrap_or(usize::MAX);
        let place = |moment: usize| self.moments.partition_point(|kept| *kept < moment);
        let places = place(first)..place(first.saturating_add(samples.moments()));
        if places.is_empty() {
            return;
        }
        let mut kept = self.kept();
        let Kept { families, hosts } = &mut *kept;
        let count = self.moments.len();
        let mut own = self.keeps_hosts.then(|| {
            let values = || vec![f64::NAN; host.shape.metrics.len() * count].into();
            let new = || KeptHost { shape: Arc::clone(&host.shape), values: values() };
            hosts.entry(Arc::clone(&host.name)).or_insert_with(new)
        });
        let mut cells = Vec::new();
        for (index, metric) in host.shape.metrics.iter().enumerate() {
            let mut family = families.get_mut(&*plan.families[metric.family].name);
            let layout = metric.cells.layout();
            for place in places.clone() {
                let moment = self.moments[place] - first;
                cells.clear();
                cells.extend((0..layout.kind.width()).map(|cell| samples.cell(metric.offset + cell)[moment]));
                let Some(value) = layout.shown(&cells) else { continue };
                if let Some(family) = &mut family {
                    family[place].add(value);
                }
                if let Some(own) = &mut own {
                    own.values[index * count + place] = value;
                }
            }
        }
    }

    fn times(&self) -> impl Iterator<Item = Time> {
        self.moments.iter().map(|moment| self.grid.from + self.grid.step.times(*moment as u64))
    }

    /// The numbers of one host's metric, in order of time; none if it is not kept.
    #[must_use]
    pub fn of_metric(&self, host: &str, metric: &MetricPlan) -> Vec<(Time, Option<f64>)> {
        let kept = self.kept();
        let Some(KeptHost { shape, values }) = kept.hosts.get(host) else { return Vec::new() };
        let is_same = |other: &MetricPlan| other.name == metric.name && other.labels == metric.labels;
        let Some(index) = shape.metrics.iter().position(is_same) else { return Vec::new() };
        let values = values.chunks(self.moments.len()).nth(index).into_iter().flatten();
        self.times().zip(values.map(|value| (!value.is_nan()).then_some(*value))).collect()
    }

    /// The numbers of each series of a family, in order of time; none of a family of pools, and none if they are not kept.
    #[must_use]
    pub fn series_of_family(&self, family: &str) -> Vec<Vec<(Time, Option<f64>)>> {
        let kept = self.kept();
        let mut found = Vec::new();
        for KeptHost { shape, values } in kept.hosts.values() {
            let all = shape.metrics.iter().zip(values.chunks(self.moments.len().max(1)));
            for (_, values) in all.filter(|(metric, _)| *metric.name == *family) {
                let values = values.iter().map(|value| (!value.is_nan()).then_some(*value));
                found.push(self.times().zip(values).collect());
            }
        }
        found
    }

    /// The numbers of a family over all hosts, in order of time; none of a family of pools.
    #[must_use]
    pub fn of_family(&self, family: &str) -> Vec<(Time, Aggregate)> {
        let kept = self.kept();
        let values = kept.families.get(family).into_iter().flatten();
        self.times().zip(values.copied()).collect()
    }
}
