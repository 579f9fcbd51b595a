//! All pools of a host. The host decides how many slots are in use and hands events on; the events of members are the
//! host's.

use super::agenda::Agenda;
use super::draws::{last_due, whole};
use super::lifecycle::{At, Pool};
use super::model::{ModelCall, ask_model};
use crate::event::Event;
use crate::host::member_change::MemberChange;
use crate::host::metric_set::{MetricSet, WAKE_LATENESS_MAX, adopt_events};
use crate::host::outbox::Outbox;
use crate::interrupt::is_interrupted;
use crate::plan::{Action, HostPlan, PoolPlan, PoolSize};
use crate::rng::Seed;
use crate::series::LabelBlock;
use crate::time::{Span, Time};

/// The pools of a host.
#[derive(Debug)]
pub(in crate::host) struct Pools {
    /// `true` from the first members on.
    has_begun: bool,
    /// `true` in a live run at normal speed.
    is_live: bool,
    each: Box<[Pool]>,
    agenda: Agenda,
}

impl Pools {
    /// The pools of a host that has this seed; `None` for a host without pools.
    pub(in crate::host) fn new(host: &HostPlan, seed: Seed, starts_at: Time) -> Option<Self> {
        let plans = host.shape.pools.iter().enumerate();
        let pools = plans.map(|(index, plan)| Pool::new(index, host, plan, seed, starts_at));
        (!host.shape.pools.is_empty()).then(|| Self {
            has_begun: false,
            is_live: false,
            each: pools.collect(),
            agenda: Agenda::default(),
        })
    }

    /// A copy that does the same from here on. The error names the pool that cannot be copied.
    pub(in crate::host) fn try_clone(&self, host: &HostPlan) -> Result<Self, String> {
        let pools = self.each.iter().zip(&host.shape.pools);
        let each = pools.map(|(pool, plan)| pool.try_clone(&plan.name)).collect::<Result<_, _>>()?;
        Ok(Self { each, agenda: self.agenda.clone(), ..*self })
    }

    pub(in crate::host) const fn go_live(&mut self) {
        self.is_live = true;
    }

    /// Goes on with a plan that is equal to its own.
    pub(in crate::host) fn replace_plan(&mut self, host: &HostPlan) {
        for (pool, plan) in self.each.iter_mut().zip(&host.shape.pools) {
            pool.replace_plan(host, plan);
        }
    }

    /// Time at which something is due.
    pub(in crate::host) fn due(&self) -> Time {
        let pools = self.each.iter().map(|pool| pool.next_count.min(pool.next_replacement)).min();
        self.agenda.due().min(pools.unwrap_or(Time::NEVER))
    }

    /// The labels and the cells of a member.
    pub(in crate::host) fn member(&self, pool: usize, slot: usize) -> Option<(&LabelBlock, &[f64])> {
        self.each[pool].member(slot)
    }

    /// Moves the changes since the last call to a list.
    pub(in crate::host) fn take_changes(&mut self, changes: &mut Vec<MemberChange>) {
        for (pool, slot) in self.agenda.changed.drain(..) {
            let at = &mut self.each[pool].slots[slot];
            at.is_changed = false;
            changes.push(MemberChange { pool, slot, is_new: std::mem::take(&mut at.is_new) });
        }
    }

    /// All slots, as if every member were new.
    pub(in crate::host) fn all_members(&self) -> Vec<MemberChange> {
        let of_pool = |(pool, of): (usize, &Pool)| {
            (0..of.slots.len()).map(move |slot| MemberChange { pool, slot, is_new: true })
        };
        self.each.iter().enumerate().flat_map(of_pool).collect()
    }

    /// Has outputs look at all slots anew.
    pub(in crate::host) fn mark_all(&mut self) {
        for pool in &mut self.each {
            (0..pool.slots.len()).for_each(|slot| pool.mark(&mut self.agenda, slot));
        }
    }

    /// Does everything that is due in the pools.
    pub(in crate::host) fn advance(
        &mut self,
        host: &HostPlan,
        metrics: &mut MetricSet,
        now: Time,
        out: &mut Outbox,
    ) {
        let before = (out.events.len(), out.pending.len());
        for (index, plan) in host.shape.pools.iter().enumerate() {
            let at = At { host, plan, now };
            if self.each[index].next_count <= now && !self.ask_model(index, at, metrics, None, out) {
                let (count, refused) = self.slots_wanted(index, at, metrics, out);
                let pool = &mut self.each[index];
                let known = std::mem::replace(&mut pool.refused, refused);
                out.series_refused += refused.saturating_sub(known) as u64;
                pool.next_count = match plan.count {
                    PoolSize::All => Time::NEVER,
                    PoolSize::Formula(_, interval) => last_due(pool.next_count, interval, now) + interval,
                };
                pool.resize(count, !self.has_begun, at, &mut self.agenda, out);
            }
            let pool = &mut self.each[index];
            if pool.next_replacement <= now {
                let every = plan.replace_every.unwrap_or(Span::FOREVER);
                pool.next_replacement = last_due(pool.next_replacement, every, now) + every;
                pool.replace(at, &mut self.agenda, out);
            }
        }
        self.has_begun = true;
        while let Some((queued, index, slot)) = self.agenda.next_due(now).filter(|_| !is_interrupted()) {
            let at = At { host, plan: &host.shape.pools[index], now };
            self.each[index].pass(slot, queued, at, &mut self.agenda, out);
        }
        adopt_events(before, 0, out);
    }

    /// Hands an event to the members that listen to it, and replaces those that it replaces.
    pub(in crate::host) fn handle(
        &mut self,
        host: &HostPlan,
        metrics: &mut MetricSet,
        now: Time,
        event: &Event,
        out: &mut Outbox,
    ) {
        let before = (out.events.len(), out.pending.len());
        let mut last = None;
        for listener in host.shape.listeners_to(event, &host.name) {
            // An event may match several subscriptions of a pool, which are neighbours.
            if last.replace(&listener.action) == Some(&listener.action) {
                continue;
            }
            match listener.action {
                Action::ReplaceMembers(index) => {
                    let at = At { host, plan: &host.shape.pools[index], now };
                    self.each[index].replace(at, &mut self.agenda, out);
                }
                Action::NotifyMembers(index) => {
                    let at = At { host, plan: &host.shape.pools[index], now };
                    if !self.ask_model(index, at, metrics, Some(event), out) {
                        let pool = &mut self.each[index];
                        for slot in (0..pool.in_use).take_while(|_| !is_interrupted()) {
                            pool.wake(slot, now, Some(event), &mut self.agenda, out);
                        }
                    }
                }
                _ => {}
            }
        }
        adopt_events(before, event.hops + 1, out);
    }

    /// Replaces some members of a pool at once, if there is such a pool.
    pub(in crate::host) fn replace(&mut self, host: &HostPlan, index: usize, now: Time, out: &mut Outbox) {
        let before = (out.events.len(), out.pending.len());
        if let (Some(pool), Some(plan)) = (self.each.get_mut(index), host.shape.pools.get(index)) {
            pool.replace(At { host, plan, now }, &mut self.agenda, out);
        }
        adopt_events(before, 0, out);
    }

    /// Ends the scenarios of all members, at the end of the host.
    pub(in crate::host) fn stop_scenarios(&mut self, now: Time, out: &mut Outbox) {
        let before = (out.events.len(), out.pending.len());
        for pool in &mut self.each {
            pool.stop_scenarios(now, out);
        }
        adopt_events(before, 0, out);
    }

    /// Asks the pool's model, if it has one. Returns `true` if it has.
    fn ask_model(
        &mut self,
        index: usize,
        at: At<'_>,
        metrics: &MetricSet,
        event: Option<&Event>,
        out: &mut Outbox,
    ) -> bool {
        let call = ModelCall { at, starts_at: metrics.starts_at(), is_live: self.is_live, event };
        ask_model(&mut self.each, index, call, &mut self.agenda, out)
    }

    /// Number of slots that are to be in use, and number of further series for which there is no room.
    fn slots_wanted(
        &self,
        index: usize,
        At { host, plan, now, .. }: At<'_>,
        metrics: &mut MetricSet,
        out: &mut Outbox,
    ) -> (usize, usize) {
        let PoolSize::Formula(condition, _) = &plan.count else { return (plan.max, 0) };
        let wanted = match metrics.evaluate(host, condition, now, None, out) {
            Ok(number) => whole(number).min(plan.max),
            Err(error) => {
                out.scenario_errors += 1;
                metrics.values_mut().note_failure(usize::MAX - 1 - index, &plan.name, error, out);
                return (self.each[index].in_use, self.each[index].refused);
            }
        };
        let growing = host.shape.pools.iter().zip(&self.each).enumerate();
        let growing = growing.filter(|(other, (plan, _))| *other != index && plan.grows());
        let others: usize =
            growing.map(|(_, (plan, pool)): (_, (&PoolPlan, _))| pool.in_use * plan.shape.series).sum();
        let room = host.growth_max.saturating_sub(others) / plan.shape.series.max(1);
        let refused = wanted.saturating_sub(room) * plan.shape.series;
        (wanted.min(room), refused)
    }

    /// Leaves out what is overdue, and gives the number of values and lives left out.
    pub(in crate::host) fn skip_overdue(&mut self, host: &HostPlan, now: Time) -> u64 {
        if now.since(self.due()) <= WAKE_LATENESS_MAX {
            return 0;
        }
        let pools = self.each.iter_mut().zip(&host.shape.pools);
        pools.map(|(pool, plan)| pool.skip_overdue(plan, now, &mut self.agenda)).sum()
    }

    /// Number of entries kept.
    #[cfg(test)]
    pub(in crate::host) fn size(&self) -> usize {
        self.agenda.len() + self.each.iter().map(Pool::size).sum::<usize>()
    }

    /// Number of members so far.
    #[cfg(test)]
    pub(in crate::host) fn born(&self) -> u64 {
        self.each.iter().map(|pool| pool.born).sum()
    }
}
