//! Lives in pools: how one begins, goes on, ends, and who comes after it.

use std::sync::Arc;

use indexmap::IndexSet;

use super::{Pool, Slot};
use crate::event::Event;
use crate::expression::MemberContext;
use crate::host::{EmulatedHost, Outbox};
use crate::plan::{HostPlan, PoolPlan, ReusePolicy};
use crate::rng::{Rng, fnv1a};
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// Labels are drawn again so often if somebody else in the pools has them.
const DRAWS_MAX: u32 = 8;

/// Who finds no labels that are free tries again after this.
const NEXT_DRAW: Span = Span::from_secs(10);

impl Pool {
    /// Lets whoever lives in a slot do what is due, or hear an event.
    pub(super) fn wake(
        &mut self,
        kind: usize,
        slot: usize,
        now: Time,
        event: Option<&Event>,
        out: &mut Outbox,
    ) {
        let at = &mut self.kinds[kind].pools[slot];
        let Some(member) = &mut at.member else { return };
        let failures = out.failures.len();
        if let Some(event) = event {
            member.hear(now, event, out);
        }
        at.due = member.advance(now, &[], out).min(at.until);
        self.queue_up(kind, slot);
        self.mark(kind, slot);
        let told = &mut self.kinds[kind].failed;
        let mut index = failures;
        while let Some((metric, _)) = out.failures.get(index) {
            if told.contains(metric) {
                out.failures.swap_remove(index);
            } else {
                told.push(Arc::clone(metric));
                index += 1;
            }
        }
    }

    /// The life in a slot is over.
    pub(super) fn end(&mut self, kind: usize, slot: usize) {
        let at = &mut self.kinds[kind].pools[slot];
        (at.until, at.due) = (Time::NEVER, Time::NEVER);
        if at.member.take().is_some() {
            let hash = at.labels_hash;
            self.kinds[kind].taken.swap_remove(&hash);
            self.mark(kind, slot);
        }
    }

    /// A life begins in a slot: of the same as before, if that is to come again, or of somebody else.
    fn begin(&mut self, host: &HostPlan, kind: usize, slot: usize, now: Time, out: &mut Outbox) {
        let plan = &host.shape.pools[kind];
        let this = &mut self.kinds[kind];
        let is_steady = plan.reuse != ReusePolicy::Never && plan.lifetime.1 != Span::FOREVER;
        let is_midst = std::mem::take(&mut this.pools[slot].is_midst) && is_steady;
        if is_midst && let Some(pause) = pause_left(plan, &mut this.rng) {
            self.rest(kind, slot, now + pause);
            return;
        }
        let at = &mut this.pools[slot];
        at.generation += 1;
        let number = (slot as u64) << 32 | u64::from(at.generation);
        let seed = this.seed.child_of_bytes(&number.to_le_bytes());
        // No metric can have this name.
        let mut rng = seed.child("a life").rng();
        if at.next != ReusePolicy::Same {
            this.born += 1;
            let mut making = MemberContext {
                name: &host.name,
                slot: u32::try_from(slot).unwrap_or(u32::MAX),
                generation: at.generation,
                sequence: this.born,
                rng: &mut rng,
            };
            match free_labels(host, plan, &this.taken, &mut making) {
                Ok((labels, hash)) => (at.labels, at.labels_hash, at.is_new) = (labels, hash, true),
                Err(error) => {
                    out.scenario_errors += 1;
                    this.tell(&plan.name, error, out);
                    self.rest(kind, slot, now + NEXT_DRAW);
                    return;
                }
            }
        }
        if this.taken.insert(at.labels_hash) {
            if !this.crowded.is_empty() {
                this.crowded.swap_remove(&slot);
            }
            at.next = plan.reuse;
            let life = if is_midst { left_of } else { between }(plan.lifetime, &mut rng);
            at.pause = between(plan.pause, &mut rng);
            at.until = now + life;
            at.member = Some(EmulatedHost::in_slot(Arc::clone(&this.member), seed, now));
            self.wake(kind, slot, now, None, out);
        } else {
            // Somebody else has these labels, and nobody takes two equal series.
            if this.crowded.insert(slot) {
                out.series_alike += plan.shape.series as u64;
            }
            if !std::mem::replace(&mut this.was_crowded, true) {
                out.crowded.push(Arc::clone(&plan.name));
            }
            self.rest(kind, slot, now + NEXT_DRAW);
        }
    }

    /// Nobody lives in the slot until then.
    fn rest(&mut self, kind: usize, slot: usize, until: Time) {
        let at = &mut self.kinds[kind].pools[slot];
        (at.until, at.due) = (until, until);
        self.queue_up(kind, slot);
    }

    /// What is due in a slot, or was when it was put into the queue.
    pub(super) fn pass(&mut self, host: &HostPlan, kind: usize, slot: usize, now: Time, out: &mut Outbox) {
        let at = &self.kinds[kind].pools[slot];
        let (until, is_empty) = (at.until, at.member.is_none());
        let pause = if at.is_midst { Span::ZERO } else { at.pause };
        if at.due > now {
            self.queue_up(kind, slot);
            return;
        }
        if until > now {
            self.wake(kind, slot, now, None, out);
        } else if is_empty {
            self.begin(host, kind, slot, now, out);
        } else {
            self.end(kind, slot);
            match host.shape.pools[kind].reuse {
                ReusePolicy::Never => {}
                _ if pause == Span::ZERO => self.begin(host, kind, slot, now, out),
                _ => self.rest(kind, slot, now + pause),
            }
        }
    }

    /// Uses so many pools from now on: the last ones are given up, or begun with.
    pub(super) fn use_pools(
        &mut self,
        host: &HostPlan,
        kind: usize,
        count: usize,
        now: Time,
        out: &mut Outbox,
    ) {
        let this = &mut self.kinds[kind];
        let before = std::mem::replace(&mut this.in_use, count);
        while this.pools.len() < count {
            this.pools.push(Slot::empty());
        }
        (count..before).for_each(|slot| self.end(kind, slot));
        for slot in before..count {
            let at = &mut self.kinds[kind].pools[slot];
            // At the host's start it is as if it had been there for long.
            (at.next, at.is_midst) = (ReusePolicy::New, !self.has_begun);
            self.begin(host, kind, slot, now, out);
        }
    }

    /// Replaces a share of those who live in pools of this kind, each as likely as the others.
    pub(super) fn replace(&mut self, host: &HostPlan, kind: usize, now: Time, out: &mut Outbox) {
        let this = &mut self.kinds[kind];
        let count = share_of(this.in_use, host.shape.pools[kind].replace_share, &mut this.rng);
        // Robert Floyd's way of drawing without putting back (Bentley and Floyd: "A sample of brilliance",
        // 1987).
        let mut chosen: IndexSet<usize> = IndexSet::new();
        for limit in this.in_use - count..this.in_use {
            let drawn = usize::try_from(this.rng.below(limit as u64 + 1)).unwrap_or(limit);
            chosen.insert(if chosen.contains(&drawn) { limit } else { drawn });
        }
        for slot in chosen {
            if self.kinds[kind].pools[slot].member.is_some() {
                self.end(kind, slot);
                self.kinds[kind].pools[slot].next = ReusePolicy::New;
                self.begin(host, kind, slot, now, out);
            }
        }
    }
}

/// Labels behind the host's, and their hash; if it can be, such as nobody has.
fn free_labels(
    host: &HostPlan,
    plan: &PoolPlan,
    taken: &IndexSet<u64>,
    making: &mut MemberContext<'_>,
) -> Result<(LabelBlock, u64), String> {
    let mut draws = 0;
    loop {
        let made = plan.labels.iter().map(|(name, text)| Ok((name.as_str(), text.make(making)?)));
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

/// How much is left of the pause, if who comes and goes for long is away just now.
fn pause_left(plan: &PoolPlan, rng: &mut Rng) -> Option<Span> {
    if plan.pause.1 == Span::ZERO {
        return None;
    }
    let twice_mean = |(shortest, longest): (Span, Span)| shortest.as_secs_f64() + longest.as_secs_f64();
    let (life, pause) = (twice_mean(plan.lifetime), twice_mean(plan.pause));
    let is_away = rng.unit() < pause / (life + pause);
    is_away.then(|| left_of(plan.pause, rng))
}

/// What is left of a span of this range at a random moment, which falls rather into a long one than into a short
/// one: as likely as it is long.
fn left_of((shortest, longest): (Span, Span), rng: &mut Rng) -> Span {
    let [least, most] = [shortest, longest].map(|span| span.as_secs_f64() * span.as_secs_f64());
    let whole = libm::sqrt(least + (most - least) * rng.unit());
    Span::from_secs_f64(whole * rng.unit()).unwrap_or(shortest).max(Span::from_nanos(1))
}

fn between((shortest, longest): (Span, Span), rng: &mut Rng) -> Span {
    if shortest == longest {
        return shortest;
    }
    let more = rng.below(longest.minus(shortest).as_nanos().saturating_add(1));
    Span::from_nanos(shortest.as_nanos().saturating_add(more))
}

/// A share of a number, as a whole number: a fraction decides how likely one more is.
#[expect(clippy::cast_precision_loss, reason = "there are never so many")]
fn share_of(count: usize, share: f64, rng: &mut Rng) -> usize {
    let exact = count as f64 * share;
    let more = usize::from(rng.unit() < exact - libm::floor(exact));
    (whole(exact) + more).min(count)
}

/// The whole number below; 0 for what is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) const fn whole(number: f64) -> usize {
    number as usize
}
