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
pub struct SlotsPlan {
    /// The name, unique on its host.
    pub name: Arc<str>,
    /// The metrics of one slot.
    pub shape: Arc<HostShape>,
    /// What fills the slots; then it says who lives there, since when, and with which labels.
    pub crowd: Option<CrowdPlan>,
    /// The labels of who lives in a slot, made anew for each: the name, and the text.
    pub labels: Vec<(String, TextFormula)>,
    /// How many slots there are at most.
    pub max: usize,
    /// How many are in use.
    pub count: SlotCount,
    /// The shortest and the longest life.
    pub lifetime: (Span, Span),
    /// The shortest and the longest time between a life and the next one in the same slot.
    pub pause: (Span, Span),
    /// Who comes after it.
    pub successor: Successor,
    /// How often some are replaced, whatever their lifetime.
    pub replace_every: Option<Span>,
    /// How many of them are, then and by [`super::Reaction::ReplaceSlots`].
    pub replace_share: f64,
}

/// A workload that fills slots.
#[derive(Clone, Debug, PartialEq)]
pub struct CrowdPlan {
    /// The workload with its parameters.
    pub workload: Arc<PreparedWorkload>,
    /// How often it is asked.
    pub interval: Span,
}

impl CrowdPlan {
    /// The events that it hears.
    pub fn subscriptions(&self) -> impl Iterator<Item = Subscription> {
        self.workload.workload().listens.iter().map(|event| Subscription::parse(event))
    }
}

/// How many slots are in use.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotCount {
    /// Always all of them.
    All,
    /// What a formula says, asked so often.
    Formula(Condition, Span),
}

/// Who comes after a life that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successor {
    /// Another one, with labels of its own.
    New,
    /// The same again.
    Same,
    /// Nobody.
    Nobody,
}

impl SlotsPlan {
    /// How many series there are if all slots are in use.
    #[must_use]
    pub fn series_max(&self) -> usize {
        self.max.saturating_mul(self.shape.series)
    }

    /// Whether the number of slots in use changes.
    #[must_use]
    pub const fn grows(&self) -> bool {
        matches!(self.count, SlotCount::Formula(..))
    }
}

impl HostShape {
    /// How many series of slots whose number changes there may be.
    #[must_use]
    pub fn growth_max(&self) -> usize {
        let growing = self.slots.iter().filter(|slots| slots.grows());
        growing.map(SlotsPlan::series_max).fold(0, usize::saturating_add)
    }
}

/// Where slots have their rows in their job's store: behind those of all hosts.
#[derive(Debug, Default)]
pub struct SlotRows {
    /// For each host with slots the first row of each kind.
    first: IndexMap<u32, Box<[usize]>>,
    /// How many rows each kind has on a host, in the same order.
    counts: IndexMap<u32, Box<[usize]>>,
}

impl SlotRows {
    /// The row of a slot.
    #[must_use]
    pub fn row(&self, host: u32, kind: usize, slot: usize) -> Option<usize> {
        self.first.get(&host).map(|first| first[kind] + slot)
    }

    /// The rows of the slots of a host, kind by kind.
    pub fn ranges(&self, host: u32) -> impl Iterator<Item = Range<usize>> {
        let first = self.first.get(&host).map_or(&[][..], |first| first);
        let counts = self.counts.get(&host).map_or(&[][..], |counts| counts);
        first.iter().zip(counts).map(|(first, count)| *first..first + count)
    }

    /// The rows of all slots of a host.
    pub fn of_host(&self, host: u32) -> impl Iterator<Item = usize> {
        self.ranges(host).flatten()
    }
}

impl Plan {
    /// How many slots of this kind one of these hosts may have.
    #[must_use]
    pub fn slots_max(&self, host: u32, slots: &SlotsPlan) -> usize {
        if slots.grows() {
            slots.max.min(self.hosts[host as usize].growth_max / slots.shape.series.max(1))
        } else {
            slots.max
        }
    }

    /// The rows of a job's slots, and what is to be known of the series in them: neighbouring hosts of one shape
    /// have the rows of each kind as neighbours.
    pub(super) fn lay_out_slots(
        &self,
        job: &JobPlan,
        mut put: impl FnMut(&HostShape, usize, usize),
    ) -> SlotRows {
        let mut rows = SlotRows::default();
        let mut next = job.hosts.len();
        let shape_of = |host: &u32| &self.hosts[*host as usize].shape;
        for run in job.hosts.chunk_by(|a, b| Arc::ptr_eq(shape_of(a), shape_of(b))) {
            for slots in &shape_of(&run[0]).slots {
                let count = self.slots_max(run[0], slots);
                put(&slots.shape, next, count * run.len());
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

    /// The rows of a job's slots.
    #[must_use]
    pub fn slot_rows(&self, job: &JobPlan) -> SlotRows {
        self.lay_out_slots(job, |_, _, _| {})
    }
}
