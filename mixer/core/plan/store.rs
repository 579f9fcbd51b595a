//! The layout of a job's series: the rows of its hosts first, then those of their pools.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::host::HostPlan;
use super::run::{JobPlan, Plan};
use super::shape::{HostShape, PoolPlan};
use crate::series::{Column, Family, LabelBlock, PoolRanges, Row, SeriesStore};

/// The row ranges of the pools of each host, pool by pool.
type RowsOfPools = IndexMap<u32, Vec<Range<usize>>>;

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
        let mut of_hosts = self.lay_out_pools(job, |shape, first_row, rows| {
            add_columns(shape, first_row, rows);
            let row = Row { labels: no_labels.clone(), width: shape.width };
            pool_rows.extend(std::iter::repeat_n(row, rows));
        });
        let shapes = self.shapes(job).flat_map(|(shape, _)| &shape.pools);
        let member_labels = shapes.flat_map(|pool| pool.labels.iter().map(|(name, _)| name.clone()));
        let rows_of = |(row, host): (usize, &u32)| Some((row, of_hosts.swap_remove(host)?));
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
        self.hosts[host as usize].members_max(pool)
    }

    /// Assigns the rows of a job's pools. `put` gets each pool's shape, its first row and its number of rows, for
    /// neighbouring hosts of one shape at once: their rows of one pool are neighbours.
    fn lay_out_pools(&self, job: &JobPlan, mut put: impl FnMut(&HostShape, usize, usize)) -> RowsOfPools {
        let mut rows = RowsOfPools::default();
        let mut next = job.hosts.len();
        let shape_of = |host: &u32| &self.hosts[*host as usize].shape;
        for run in job.hosts.chunk_by(|a, b| Arc::ptr_eq(shape_of(a), shape_of(b))) {
            for pool in &shape_of(&run[0]).pools {
                let count = self.members_max(run[0], pool);
                put(&pool.shape, next, count * run.len());
                for host in run {
                    rows.entry(*host).or_default().push(next..next + count);
                    next += count;
                }
            }
        }
        rows
    }
}

impl HostPlan {
    /// Maximum number of members of a pool on this host.
    #[must_use]
    pub fn members_max(&self, pool: &PoolPlan) -> usize {
        if pool.grows() { pool.max.min(self.growth_max / pool.shape.series.max(1)) } else { pool.max }
    }
}
