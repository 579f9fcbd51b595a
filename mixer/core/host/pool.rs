//! The pools of a host: who lives in them, for how long, and who comes next.
//!
//! Who lives in a slot is a small host of its own, without a name and without a report. Everything about it
//! comes from the seed, its slot and its generation. A queue says what is due next, so nobody is looked at
//! without a reason.

mod lifecycle;
mod member_labels;
mod model;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use indexmap::IndexSet;

use super::{EmulatedHost, Outbox};
use crate::plan::{HostPlan, PoolPlan, PoolSize, ReusePolicy};
use crate::plugin::ModelInstance;
use crate::rng::{Rng, Seed};
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// A slot that outputs are to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// Its kind, as an index into the shape's.
    pub kind: usize,
    /// Its number among those of the kind.
    pub slot: usize,
    /// Whether somebody else lives there than at the last report.
    pub is_new: bool,
}

/// All pools of a host.
#[derive(Debug)]
pub(super) struct Pool {
    /// Whether the host's first ones have come.
    has_begun: bool,
    /// Whether time passes as the machine's does.
    is_live: bool,
    kinds: Box<[Kind]>,
    /// When something is due in a slot, or was when it was put there: kind and number.
    queue: BinaryHeap<Reverse<(Time, u32, u32)>>,
    changed: Vec<(usize, usize)>,
}

/// The pools of one kind.
#[derive(Debug)]
struct Kind {
    /// What those who live there are made of.
    member: Arc<HostPlan>,
    /// What fills the pools.
    model: Option<ModelInstance>,
    seed: Seed,
    rng: Rng,
    pools: Vec<Slot>,
    /// The first so many pools are in use.
    in_use: usize,
    /// When it is asked how many pools there are; of a workload, who lives there.
    next_count: Time,
    next_replacement: Time,
    /// How many have lived here.
    born: u64,
    /// The labels that are there now.
    taken: IndexSet<u64>,
    /// Metrics whose scenario has failed before, whoever had it.
    failed: Vec<Arc<str>>,
    /// How many series were not made when the number of pools was last asked for.
    refused: usize,
    /// The pools that are empty because all labels are taken, and whether there was one before.
    crowded: IndexSet<usize>,
    was_crowded: bool,
}

#[derive(Debug)]
struct Slot {
    member: Option<EmulatedHost>,
    labels: LabelBlock,
    labels_hash: u64,
    generation: u32,
    /// When the life is over, or the pause after it; never for a slot that stays empty.
    until: Time,
    /// When something is due.
    due: Time,
    /// The slot's next place in the queue, which is not later than that.
    queued: Time,
    /// How long nobody lives here after this life.
    pause: Span,
    /// Whose the next life is.
    next: ReusePolicy,
    /// Whether who comes next is in the midst of a life, or of a pause.
    is_midst: bool,
    is_changed: bool,
    is_new: bool,
}

impl Pool {
    /// The pools of a host that has this seed; none for one that has no pools.
    pub(super) fn new(host: &HostPlan, seed: Seed, starts_at: Time) -> Option<Box<Self>> {
        if host.shape.pools.is_empty() {
            return None;
        }
        let kind = |plan: &PoolPlan| {
            // No metric can have this name.
            let seed = seed.child(&format!("slots {}", plan.name));
            Kind {
                member: tenant_plan(host, plan),
                model: plan.model.as_ref().map(|model| ModelInstance::start(&model.workload)),
                seed,
                rng: seed.rng(),
                pools: Vec::new(),
                in_use: 0,
                next_count: starts_at,
                next_replacement: plan.replace_every.map_or(Time::NEVER, |every| starts_at + every),
                born: 0,
                taken: IndexSet::new(),
                failed: Vec::new(),
                refused: 0,
                crowded: IndexSet::new(),
                was_crowded: false,
            }
        };
        let kinds = host.shape.pools.iter().map(kind).collect();
        Some(Box::new(Self {
            has_begun: false,
            is_live: false,
            kinds,
            queue: BinaryHeap::new(),
            changed: Vec::new(),
        }))
    }

    /// When something is due.
    pub(super) fn due(&self) -> Time {
        let kinds = self.kinds.iter().map(|kind| kind.next_count.min(kind.next_replacement)).min();
        let pools = self.queue.peek().map_or(Time::NEVER, |Reverse((time, ..))| *time);
        pools.min(kinds.unwrap_or(Time::NEVER))
    }

    /// Goes on with a plan that is equal.
    pub(super) fn go_on_with(&mut self, host: &HostPlan) {
        for (kind, plan) in self.kinds.iter_mut().zip(&host.shape.pools) {
            kind.member = tenant_plan(host, plan);
        }
    }

    /// Who lives in a slot: the labels, and the cells.
    pub(super) fn member(&self, kind: usize, slot: usize) -> Option<(&LabelBlock, &[f64])> {
        let slot = self.kinds[kind].pools.get(slot)?;
        slot.member.as_ref().map(|member| (&slot.labels, &*member.row))
    }

    /// Moves what has changed since the last time to a list.
    pub(super) fn take_changes(&mut self, changes: &mut Vec<MemberChange>) {
        for (kind, slot) in self.changed.drain(..) {
            let at = &mut self.kinds[kind].pools[slot];
            at.is_changed = false;
            changes.push(MemberChange { kind, slot, is_new: std::mem::take(&mut at.is_new) });
        }
    }

    /// How many things are kept.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let of_kind = |kind: &Kind| kind.pools.len() + kind.taken.len() + kind.failed.len();
        self.queue.len() + self.changed.len() + self.kinds.iter().map(of_kind).sum::<usize>()
    }

    /// How many have lived in the pools.
    #[cfg(test)]
    pub(super) fn born(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.born).sum()
    }

    /// All pools, as if everybody were new.
    pub(super) fn all(&self) -> Vec<MemberChange> {
        let of_kind = |(kind, pools): (usize, &Kind)| {
            (0..pools.pools.len()).map(move |slot| MemberChange { kind, slot, is_new: true })
        };
        self.kinds.iter().enumerate().flat_map(of_kind).collect()
    }

    /// Has outputs look at all pools anew.
    pub(super) fn mark_all(&mut self) {
        for kind in 0..self.kinds.len() {
            (0..self.kinds[kind].pools.len()).for_each(|slot| self.mark(kind, slot));
        }
    }

    /// Puts a slot into the queue, if it is not there already with an earlier time.
    fn queue_up(&mut self, kind: usize, slot: usize) {
        let at = &mut self.kinds[kind].pools[slot];
        // The config has no more pools, and no more kinds, than this.
        let numbers = (u32::try_from(kind), u32::try_from(slot));
        if let (Ok(kind), Ok(slot)) = numbers
            && at.due < at.queued
        {
            at.queued = at.due;
            self.queue.push(Reverse((at.due, kind, slot)));
        }
    }

    /// The next slot in which something is due now: kind and number.
    fn next_due(&mut self, now: Time) -> Option<(usize, usize)> {
        let Reverse((time, ..)) = self.queue.peek()?;
        if *time > now {
            return None;
        }
        let Reverse((time, kind, slot)) = self.queue.pop()?;
        let (kind, slot) = (kind as usize, slot as usize);
        let at = &mut self.kinds[kind].pools[slot];
        if at.queued == time {
            at.queued = Time::NEVER;
        }
        Some((kind, slot))
    }

    fn mark(&mut self, kind: usize, slot: usize) {
        if !std::mem::replace(&mut self.kinds[kind].pools[slot].is_changed, true) {
            self.changed.push((kind, slot));
        }
    }

    /// Leaves out what is overdue by more than one interval, and the lives of which nobody has seen anything. Gives
    /// how many values, and at least how many lives, were left out.
    pub(super) fn skip_overdue(&mut self, host: &HostPlan, now: Time, lateness_max: Span) -> u64 {
        if now.since(self.due()) <= lateness_max {
            return 0;
        }
        let earliest = now.before(lateness_max);
        let (mut skipped, mut moved) = (0, Vec::new());
        for (kind_index, (kind, plan)) in self.kinds.iter_mut().zip(&host.shape.pools).enumerate() {
            let lives = if kind.model.is_none() { kind.pools.as_mut_slice() } else { &mut [] };
            for (index, slot) in lives.iter_mut().enumerate() {
                if slot.until < earliest {
                    (slot.until, slot.is_midst) = (earliest, true);
                    skipped += 1;
                }
                skipped += slot.member.as_mut().map_or(0, |member| member.skip_overdue(now));
                slot.due = slot.member.as_ref().map_or(Time::NEVER, EmulatedHost::due).min(slot.until);
                moved.push((kind_index, index));
            }
            // Of all that was missed one is made up for.
            if let PoolSize::Formula(_, interval) = plan.count {
                kind.next_count = last_due(kind.next_count, interval, now);
            }
            if let Some(model) = &plan.model {
                kind.next_count = last_due(kind.next_count, model.interval, now);
            }
            if let Some(every) = plan.replace_every {
                kind.next_replacement = last_due(kind.next_replacement, every, now);
            }
        }
        for (kind, slot) in moved {
            self.queue_up(kind, slot);
        }
        skipped
    }
}

impl Kind {
    /// Tells of the first failure of a metric, or of the labels.
    fn tell(&mut self, name: &Arc<str>, error: String, out: &mut Outbox) {
        if !self.failed.contains(name) {
            self.failed.push(Arc::clone(name));
            out.failures.push((Arc::clone(name), error));
        }
    }
}

impl Slot {
    fn empty() -> Self {
        Self {
            member: None,
            labels: LabelBlock::empty(),
            labels_hash: 0,
            generation: 0,
            next: ReusePolicy::New,
            is_midst: false,
            until: Time::NEVER,
            due: Time::NEVER,
            queued: Time::NEVER,
            pause: Span::ZERO,
            is_changed: false,
            is_new: false,
        }
    }
}

/// The last of the moments that are due by now, one each interval from the first on; the first if none is.
fn last_due(first: Time, interval: Span, now: Time) -> Time {
    first + interval.times(now.since(first).as_nanos() / interval.as_nanos().max(1))
}

/// What those who live in pools of a kind are made of.
fn tenant_plan(host: &HostPlan, plan: &PoolPlan) -> Arc<HostPlan> {
    Arc::new(HostPlan {
        name: Arc::clone(&host.name),
        job: host.job,
        ttl: Span::FOREVER,
        interval: (Span::FOREVER, Span::FOREVER),
        start_time: Span::ZERO,
        labels: LabelBlock::empty(),
        growth_max: 0,
        shape: Arc::clone(&plan.shape),
    })
}
