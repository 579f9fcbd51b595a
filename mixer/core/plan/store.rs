//! The layout of a job's series: the rows of its hosts first, then those of their pools.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::run::{JobPlan, Plan};
use super::shape::{HostShape, PoolPlan};
use crate::series::{Column, Family, LabelBlock, PoolRanges, Row, SeriesStore};

/// The rows of pools in their job's store, after those of all hosts.
#[derive(Debug, Default)]
pub struct PoolRows {
    /// First row of each pool, by host.
    first: IndexMap<u32, Box<[usize]>>,
    /// Number of rows of each pool, in the same order.
    counts: IndexMap<u32, Box<[usize]>>,
}

impl PoolRows {
    /// The row of a slot; `None` for a host without pools.
    #[must_use]
    pub fn row(&self, host: u32, pool: usize, slot: usize) -> Option<usize> {
        self.first.get(&host).map(|first| first[pool] + slot)
    }

    /// The rows of a host's pools, pool by pool.
    pub fn ranges(&self, host: u32) -> impl Iterator<Item = Range<usize>> {
        let first = self.first.get(&host).map_or(&[][..], |first| first);
        let counts = self.counts.get(&host).map_or(&[][..], |counts| counts);
        first.iter().zip(counts).map(|(first, count)| *first..first + count)
    }

    /// The rows of all pools of a host.
    pub fn of_host(&self, host: u32) -> impl Iterator<Item = usize> {
        self.ranges(host).flatten()
    }
}

impl Plan {
    /// An empty store for the job's series.
    #[must_use]
    pub fn store(&self, job: &JobPlan) -> SeriesStore {
        let rows = job.hosts.iter().map(|host| {
            let host = &self.hosts[*host as usize];
            Row { labels: host.labels.clone(), width: host.shape.width }
        });
        let mut families: IndexMap<usize, Family> = IndexMap::new();
        let mut columns = Vec::new();
        let mut first_row = 0;
        let mut add_columns = |shape: &HostShape, first_row: usize, rows: usize| {
            for metric in &shape.metrics {
                let entry = families.entry(metric.family);
                let family = entry.index();
                entry.or_insert_with(|| self.families[metric.family].clone());
                let (offset, labels) = (metric.offset, metric.labels.clone());
                let layout = Arc::clone(metric.cells.layout());
                columns.push(Column { family, first_row, rows, offset, labels, layout });
            }
        };
        for (shape, rows) in self.shapes(job) {
            add_columns(shape, first_row, rows);
            first_row += rows;
        }
        let no_labels = LabelBlock::empty();
        let mut pool_rows = Vec::new();
        let of_hosts = self.lay_out_pools(job, |shape, first_row, rows| {
            add_columns(shape, first_row, rows);
            let row = Row { labels: no_labels.clone(), width: shape.width };
            pool_rows.extend(std::iter::repeat_n(row, rows));
        });
        let shapes = self.shapes(job).flat_map(|(shape, _)| &shape.pools);
        let member_labels = shapes.flat_map(|pool| pool.labels.iter().map(|(name, _)| name.clone()));
        let rows_of = |(row, host): (usize, &u32)| {
            let rows: Vec<_> = of_hosts.ranges(*host).collect();
            (!rows.is_empty()).then_some((row, rows))
        };
        let pools = PoolRanges {
            labels: member_labels.collect(),
            rows: job.hosts.iter().enumerate().filter_map(rows_of).collect(),
        };
        let store =
            SeriesStore::new(families.into_values().collect(), columns, rows.chain(pool_rows).collect());
        store.with_pools(first_row, pools)
    }

    /// Maximum number of members of a pool on this host.
    #[must_use]
    pub fn members_max(&self, host: u32, pool: &PoolPlan) -> usize {
        if pool.grows() {
            pool.max.min(self.hosts[host as usize].growth_max / pool.shape.series.max(1))
        } else {
            pool.max
        }
    }

    /// Assigns the rows of a job's pools. `put` gets each pool's shape, its first row and its number of rows, for
    /// neighbouring hosts of one shape at once: their rows of one pool are neighbours.
    fn lay_out_pools(&self, job: &JobPlan, mut put: impl FnMut(&HostShape, usize, usize)) -> PoolRows {
        let mut rows = PoolRows::default();
        let mut next = job.hosts.len();
        let shape_of = |host: &u32| &self.hosts[*host as usize].shape;
        for run in job.hosts.chunk_by(|a, b| Arc::ptr_eq(shape_of(a), shape_of(b))) {
            for pool in &shape_of(&run[0]).pools {
                let count = self.members_max(run[0], pool);
                put(&pool.shape, next, count * run.len());
                for host in run {
                    let add = |map: &mut IndexMap<u32, Box<[usize]>>, number: usize| {
                        let known = map.entry(*host).or_default();
                        *known = known.iter().copied().chain([number]).collect();
                    };
                    add(&mut rows.first, next);
                    add(&mut rows.counts, count);
                    next += count;
                }
            }
        }
        rows
    }

    /// The rows of a job's pools.
    #[must_use]
    pub fn pool_rows(&self, job: &JobPlan) -> PoolRows {
        self.lay_out_pools(job, |_, _, _| {})
    }
}
