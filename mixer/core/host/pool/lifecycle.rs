//! One pool: how the life of a member begins, goes on and ends, and which member comes next.

use std::sync::Arc;

use indexmap::IndexSet;

use super::agenda::Agenda;
use super::draws::{between, last_due, left_of, pause_left, share_of};
use super::failures::Failures;
use super::slot::{Member, Slot};
use crate::event::Event;
use crate::expression::MemberContext;
use crate::host::metric_set::{MetricSet, WAKE_LATENESS_MAX};
use crate::host::outbox::Outbox;
use crate::interrupt::is_interrupted;
use crate::plan::{HostPlan, HostSetup, PoolPlan, PoolSize, ReusePolicy};
use crate::plugin::ModelInstance;
use crate::rng::{Rng, Seed, fnv1a};
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// Maximum number of draws of labels that no other member has.
const DRAWS_MAX: u32 = 8;

/// A slot without free labels tries again after this.
const NEXT_DRAW: Span = Span::from_secs(10);

/// The pool's host and its plan, at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) host: &'a HostPlan,
    pub(super) plan: &'a PoolPlan,
    pub(super) now: Time,
}

/// One pool of a host.
#[derive(Debug)]
pub(super) struct Pool {
    /// The pool's place among the host's.
    pub(super) index: usize,
    /// The plan of a member.
    pub(super) member: Arc<HostPlan>,
    /// The model that decides on the members, if there is one.
    pub(super) model: Option<ModelInstance>,
    pub(super) seed: Seed,
    pub(super) rng: Rng,
    pub(super) slots: Vec<Slot>,
    /// Number of slots in use; they are the first ones.
    pub(super) in_use: usize,
    /// Time at which the number of slots in use is calculated next, or the model asked.
    pub(super) next_count: Time,
    /// Time of the model's next tick, on a lattice that starts at the host's first one.
    pub(super) next_tick: Time,
    pub(super) next_replacement: Time,
    /// Number of members so far.
    pub(super) born: u64,
    /// Hashes of the label sets of the present members.
    pub(super) taken: IndexSet<u64>,
    /// Those of metrics are of any member.
    pub(super) failures: Failures,
    /// Number of series for which there was no room at the last count.
    pub(super) refused: usize,
    /// Slots that are empty because all label sets are taken.
    crowded: IndexSet<usize>,
    /// `true` once there was such a slot.
    was_crowded: bool,
}

impl Pool {
    pub(super) fn new(index: usize, host: &HostPlan, plan: &PoolPlan, seed: Seed, starts_at: Time) -> Self {
        // No metric can have this name.
        let seed = seed.child(&format!("slots {}", plan.name));
        // The pool of a model's first table has the model.
        let owned = plan.model.as_ref().filter(|model| model.table == 0);
        let is_asked = plan.model.is_none() || owned.is_some();
        Self {
            index,
            member: member_plan(host, plan),
            model: owned.map(|model| ModelInstance::start(&model.model)),
            seed,
            rng: seed.rng(),
            slots: Vec::new(),
            in_use: 0,
            next_count: if is_asked { starts_at } else { Time::NEVER },
            next_tick: starts_at,
            next_replacement: plan.replace_every.map_or(Time::NEVER, |every| starts_at + every),
            born: 0,
            taken: IndexSet::new(),
            failures: Failures::default(),
            refused: 0,
            crowded: IndexSet::new(),
            was_crowded: false,
        }
    }

    /// A copy that does the same from here on. The error names the pool, and the metric or the plugin that cannot be
    /// copied.
    pub(super) fn try_clone(&self, name: &str) -> Result<Self, String> {
        let refuse = |why: String| format!("pool {name:?}: {why}");
        let slots = self.slots.iter().map(|slot| slot.try_clone(&self.member)).collect::<Result<_, _>>();
        Ok(Self {
            member: Arc::clone(&self.member),
            model: self.model.as_ref().map(ModelInstance::copied).transpose().map_err(refuse)?,
            slots: slots.map_err(refuse)?,
            rng: self.rng.clone(),
            taken: self.taken.clone(),
            failures: self.failures.clone(),
            crowded: self.crowded.clone(),
            ..*self
        })
    }

    /// Goes on with a plan that is equal to its own.
    pub(super) fn replace_plan(&mut self, host: &HostPlan, plan: &PoolPlan) {
        self.member = member_plan(host, plan);
    }

    /// The labels and the cells of the member in a slot.
    pub(super) fn member(&self, slot: usize) -> Option<(&LabelBlock, &[f64])> {
        let slot = self.slots.get(slot)?;
        slot.member.as_ref().map(|member| (&slot.labels, member.row()))
    }

    pub(super) fn mark(&mut self, agenda: &mut Agenda, slot: usize) {
        agenda.mark((self.index, slot), &mut self.slots[slot]);
    }

    /// Lets a member do what is due, or react to an event.
    pub(super) fn wake(
        &mut self,
        slot: usize,
        now: Time,
        event: Option<&Event>,
        agenda: &mut Agenda,
        out: &mut Outbox,
    ) {
        let (place, at) = ((self.index, slot), &mut self.slots[slot]);
        let Some(member) = at.emulated() else { return };
        let failures = out.failures.len();
        if let Some(event) = event {
            member.handle(&self.member, now, event, out, |_, _, _| {});
        }
        member.update_due(&self.member, now, out);
        if out.report {
            // Conditions of members draw from the same stream as reports would.
            member.values_mut().rng_mut().next_u64();
        }
        let due = member.due();
        at.due = due.min(at.until);
        agenda.queue(place, at);
        agenda.mark(place, at);
        self.failures.keep_first(failures, out);
    }

    /// Ends the life of the member in a slot.
    pub(super) fn end(&mut self, slot: usize, now: Time, agenda: &mut Agenda, out: &mut Outbox) {
        let (place, at) = ((self.index, slot), &mut self.slots[slot]);
        (at.until, at.due) = (Time::NEVER, Time::NEVER);
        if let Some(mut member) = at.member.take() {
            member.stop_scenarios(&self.member, now, out);
            self.taken.swap_remove(&at.labels_hash);
            agenda.mark(place, at);
        }
    }

    /// Ends the scenarios of all members.
    pub(super) fn stop_scenarios(&mut self, now: Time, out: &mut Outbox) {
        for member in self.slots.iter_mut().filter_map(|slot| slot.member.as_mut()) {
            member.stop_scenarios(&self.member, now, out);
        }
    }

    /// Begins a life in a slot: of the same member as before, if the policy says so, or of a new one.
    fn begin(&mut self, slot: usize, when: At<'_>, agenda: &mut Agenda, out: &mut Outbox) {
        let At { plan, now, .. } = when;
        let is_steady = plan.reuse != ReusePolicy::Never && plan.lifetime.1 != Span::FOREVER;
        let is_midway = std::mem::take(&mut self.slots[slot].is_midway) && is_steady;
        if is_midway && let Some(pause) = pause_left(plan, &mut self.rng) {
            self.rest(slot, now + pause, agenda);
            return;
        }
        let at = &mut self.slots[slot];
        at.generation += 1;
        let number = (slot as u64) << 32 | u64::from(at.generation);
        let seed = self.seed.child_of_bytes(&number.to_le_bytes());
        // No metric can have this name.
        let mut rng = seed.child("a life").rng();
        if at.next != ReusePolicy::Same
            && let Err(error) = self.relabel(slot, when, &mut rng)
        {
            out.scenario_errors += 1;
            self.failures.note(&plan.name, error, out);
            self.rest(slot, now + NEXT_DRAW, agenda);
            return;
        }
        let at = &mut self.slots[slot];
        if self.taken.insert(at.labels_hash) {
            if !self.crowded.is_empty() {
                self.crowded.swap_remove(&slot);
            }
            at.next = plan.reuse;
            let life = if is_midway { left_of } else { between }(plan.lifetime, &mut rng);
            at.pause = between(plan.pause, &mut rng);
            at.until = now + life;
            at.member = Some(Member::Emulated(Box::new(MetricSet::new(&self.member, seed, now, seed.rng()))));
            self.wake(slot, now, None, agenda, out);
        } else {
            // Another member has these labels, and back ends take no two equal series.
            if self.crowded.insert(slot) {
                out.series_alike += plan.shape.series as u64;
            }
            if !std::mem::replace(&mut self.was_crowded, true) {
                out.crowded.push(Arc::clone(&plan.name));
            }
            self.rest(slot, now + NEXT_DRAW, agenda);
        }
    }

    /// Draws the labels of a new member.
    fn relabel(&mut self, slot: usize, when: At<'_>, rng: &mut Rng) -> Result<(), String> {
        self.born += 1;
        let at = &mut self.slots[slot];
        let mut making = MemberContext {
            name: &when.host.name,
            slot: u32::try_from(slot).unwrap_or(u32::MAX),
            generation: at.generation,
            sequence: self.born,
            rng,
        };
        let (labels, hash) = free_labels(when.host, when.plan, &self.taken, &mut making)?;
        (at.labels, at.labels_hash, at.is_new) = (labels, hash, true);
        Ok(())
    }

    /// Leaves the slot empty until then.
    fn rest(&mut self, slot: usize, until: Time, agenda: &mut Agenda) {
        let (place, at) = ((self.index, slot), &mut self.slots[slot]);
        (at.until, at.due) = (until, until);
        agenda.queue(place, at);
    }

    /// Handles a slot whose entry in the agenda, for the time `queued`, has come up.
    pub(super) fn pass(
        &mut self,
        slot: usize,
        queued: Time,
        when: At<'_>,
        agenda: &mut Agenda,
        out: &mut Outbox,
    ) {
        let (place, at) = ((self.index, slot), &mut self.slots[slot]);
        if at.queued == queued {
            at.queued = Time::NEVER;
        }
        let pause = if at.is_midway { Span::ZERO } else { at.pause };
        if at.due > when.now {
            agenda.queue(place, at);
        } else if at.until > when.now {
            self.wake(slot, when.now, None, agenda, out);
        } else if at.member.is_none() {
            self.begin(slot, when, agenda, out);
        } else {
            self.end(slot, when.now, agenda, out);
            match when.plan.reuse {
                ReusePolicy::Never => {}
                _ if pause == Span::ZERO => self.begin(slot, when, agenda, out),
                _ => self.rest(slot, when.now + pause, agenda),
            }
        }
    }

    /// Uses this number of slots from now on: ends the members of the last ones, or begins new ones. At the host's
    /// start it is as if they had been there for long.
    pub(super) fn resize(
        &mut self,
        count: usize,
        is_start: bool,
        when: At<'_>,
        agenda: &mut Agenda,
        out: &mut Outbox,
    ) {
        let before = std::mem::replace(&mut self.in_use, count);
        while self.slots.len() < count {
            self.slots.push(Slot::empty());
        }
        (count..before).for_each(|slot| self.end(slot, when.now, agenda, out));
        for slot in (before..count).take_while(|_| !is_interrupted()) {
            let at = &mut self.slots[slot];
            (at.next, at.is_midway) = (ReusePolicy::New, is_start);
            self.begin(slot, when, agenda, out);
        }
    }

    /// Replaces a share of the members, each with the same probability.
    pub(super) fn replace(&mut self, when: At<'_>, agenda: &mut Agenda, out: &mut Outbox) {
        let count = share_of(self.in_use, when.plan.replace_share, &mut self.rng);
        // Robert Floyd's way of drawing without putting back (Bentley and Floyd: "A sample of brilliance",
        // 1987).
        let mut chosen: IndexSet<usize> = IndexSet::new();
        for limit in self.in_use - count..self.in_use {
            let drawn = usize::try_from(self.rng.below(limit as u64 + 1)).unwrap_or(limit);
            chosen.insert(if chosen.contains(&drawn) { limit } else { drawn });
        }
        for slot in chosen.into_iter().take_while(|_| !is_interrupted()) {
            if self.slots[slot].member.is_some() {
                self.end(slot, when.now, agenda, out);
                self.slots[slot].next = ReusePolicy::New;
                self.begin(slot, when, agenda, out);
            }
        }
    }

    /// Leaves out what is overdue: values by more than one interval, and lives that no output has seen. Returns the number
    /// of values and at least the number of lives left out.
    pub(super) fn skip_overdue(&mut self, plan: &PoolPlan, now: Time, agenda: &mut Agenda) -> u64 {
        let (earliest, mut skipped) = (now.before(WAKE_LATENESS_MAX), 0);
        // A model decides itself on the lives of its members.
        let slots = if plan.model.is_none() { self.slots.as_mut_slice() } else { &mut [] };
        for (number, slot) in slots.iter_mut().enumerate() {
            if slot.until < earliest {
                (slot.until, slot.is_midway) = (earliest, true);
                skipped += 1;
            }
            let mut due = Time::NEVER;
            if let Some(member) = slot.emulated() {
                skipped += member.skip_overdue(&self.member, now);
                due = member.due();
            }
            slot.due = due.min(slot.until);
            agenda.queue((self.index, number), slot);
        }
        // Of all that was missed one is made up for.
        if let PoolSize::Formula(_, interval) = plan.count {
            self.next_count = last_due(self.next_count, interval, now);
        }
        if let (Some(model), Some(_)) = (&plan.model, &self.model) {
            self.next_tick = last_due(self.next_tick, model.interval, now);
            self.next_count = self.next_count.max(self.next_tick.min(now));
        }
        if let Some(every) = plan.replace_every {
            self.next_replacement = last_due(self.next_replacement, every, now);
        }
        skipped
    }

    /// Number of entries kept.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.slots.len() + self.taken.len() + self.failures.len()
    }
}

/// The plan of a pool's members.
fn member_plan(host: &HostPlan, plan: &PoolPlan) -> Arc<HostPlan> {
    let setup = HostSetup {
        job: host.job,
        interval: (Span::FOREVER, Span::FOREVER),
        growth_max: 0,
        run: None,
        event_share: None,
        shape: Arc::clone(&plan.shape),
    };
    Arc::new(HostPlan {
        name: Arc::clone(&host.name),
        labels: LabelBlock::empty(),
        start_time: Span::ZERO,
        ttl: Span::FOREVER,
        setup: Arc::new(setup),
    })
}

/// The host's labels and drawn ones behind them, with their hash; if possible, labels that no other member has.
fn free_labels(
    host: &HostPlan,
    plan: &PoolPlan,
    taken: &IndexSet<u64>,
    making: &mut MemberContext<'_>,
) -> Result<(LabelBlock, u64), String> {
    let mut draws = 0;
    loop {
        let made = plan.labels.iter().map(|(name, text)| Ok((name.as_str(), text.evaluate(making)?)));
        let made = made.collect::<Result<Vec<(&str, String)>, String>>()?;
        let labels = host.labels.iter().chain(made.iter().map(|(name, value)| (*name, value.as_str())));
        let labels = LabelBlock::new(labels);
        let hash = fnv1a(labels.as_protobuf());
        draws += 1;
        if draws >= DRAWS_MAX || !taken.contains(&hash) {
            return Ok((labels, hash));
        }
    }
}
