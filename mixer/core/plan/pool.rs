//! Slots: series that come and go. A slot is a place for a few metrics that share labels; who lives there has
//! a life, and another one may come after it.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{Condition, HostShape, JobPlan, Plan};
use crate::event::Subscription;
use crate::expression::TextFormula;
use crate::plugin::PreparedWorkload;
use crate::time::Span;

/// Slots of one kind on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolPlan {
    /// The name, unique on its host.
    pub name: Arc<str>,
    /// The metrics of one slot.
    pub shape: Arc<HostShape>,
    /// What fills the pools; then it says who lives there, since when, and with which labels.
    pub model: Option<ModelPlan>,
    /// The labels of who lives in a slot, made anew for each: the name, and the text.
    pub labels: Vec<(String, TextFormula)>,
    /// How many pools there are at most.
    pub max: usize,
    /// How many are in use.
    pub count: PoolSize,
    /// The shortest and the longest life.
    pub lifetime: (Span, Span),
    /// The shortest and the longest time between a life and the next one in the same slot.
    pub pause: (Span, Span),
    /// Who comes after it.
    pub successor: ReusePolicy,
    /// How often some are replaced, whatever their lifetime.
    pub replace_every: Option<Span>,
    /// How many of them are, then and by [`super::Reaction::ReplaceSlots`].
    pub replace_share: f64,
}

/// A workload that fills pools.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPlan {
    /// The workload with its parameters.
    pub workload: Arc<PreparedWorkload>,
    /// How often it is asked.
    pub interval: Span,
}

impl ModelPlan {
    /// The events that it hears.
    pub fn subscriptions(&self) -> impl Iterator<Item = Subscription> {
        self.workload.workload().listens.iter().map(|event| Subscription::parse(event))
    }
}

/// How many pools are in use.
#[derive(Clone, Debug, PartialEq)]
pub enum PoolSize {
    /// Always all of them.
    All,
    /// What a formula says, asked so often.
    Formula(Condition, Span),
}

/// Who comes after a life that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReusePolicy {
    /// Another one, with labels of its own.
    New,
    /// The same again.
    Same,
    /// Nobody.
    Nobody,
}

impl PoolPlan {
    /// How many series there are if all pools are in use.
    #[must_use]
    pub fn series_max(&self) -> usize {
        self.max.saturating_mul(self.shape.series)
    }

    /// Whether the number of pools in use changes.
    #[must_use]
    pub const fn grows(&self) -> bool {
        matches!(self.count, PoolSize::Formula(..))
    }
}

impl HostShape {
    /// How many series of pools whose number changes there may be.
    #[must_use]
    pub fn growth_max(&self) -> usize {
        let growing = self.pools.iter().filter(|pools| pools.grows());
        growing.map(PoolPlan::series_max).fold(0, usize::saturating_add)
    }
}

/// Where pools have their rows in their job's store: behind those of all hosts.
#[derive(Debug, Default)]
pub struct PoolRows {
    /// For each host with pools the first row of each kind.
    first: IndexMap<u32, Box<[usize]>>,
    /// How many rows each kind has on a host, in the same order.
    counts: IndexMap<u32, Box<[usize]>>,
}

impl PoolRows {
    /// The row of a slot.
    #[must_use]
    pub fn row(&self, host: u32, kind: usize, slot: usize) -> Option<usize> {
        self.first.get(&host).map(|first| first[kind] + slot)
    }

    /// The rows of the pools of a host, kind by kind.
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
    /// How many pools of this kind one of these hosts may have.
    #[must_use]
    pub fn pools_max(&self, host: u32, pools: &PoolPlan) -> usize {
        if pools.grows() {
            pools.max.min(self.hosts[host as usize].growth_max / pools.shape.series.max(1))
        } else {
            pools.max
        }
    }

    /// The rows of a job's pools, and what is to be known of the series in them: neighbouring hosts of one shape
    /// have the rows of each kind as neighbours.
    pub(super) fn lay_out_pools(
        &self,
        job: &JobPlan,
        mut put: impl FnMut(&HostShape, usize, usize),
    ) -> PoolRows {
        let mut rows = PoolRows::default();
        let mut next = job.hosts.len();
        let shape_of = |host: &u32| &self.hosts[*host as usize].shape;
        for run in job.hosts.chunk_by(|a, b| Arc::ptr_eq(shape_of(a), shape_of(b))) {
            for pools in &shape_of(&run[0]).pools {
                let count = self.pools_max(run[0], pools);
                put(&pools.shape, next, count * run.len());
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
