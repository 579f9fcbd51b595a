//! Orders to single hosts: to end, to begin again, to show a value.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use indexmap::IndexMap;

use super::Fleet;
use promemu_core::event::HostId;
use promemu_core::host::HostCommand;
use promemu_core::time::Time;

/// The orders that hosts have not looked at, and those that stand.
#[derive(Debug, Default)]
pub(crate) struct HostOrders {
    waiting: IndexMap<HostId, Vec<HostCommand>>,
    standing: IndexMap<(HostId, usize), Standing>,
}

/// What a metric shows by order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) value: f64,
    /// [`Time::NEVER`] until it is released.
    pub(crate) until: Time,
}

impl Fleet {
    fn host_orders(&self) -> MutexGuard<'_, HostOrders> {
        self.host_orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an order to a host, which obeys at once, or when it begins.
    pub(crate) fn give_to(&self, id: HostId, order: HostCommand) {
        let mut orders = self.host_orders();
        match order {
            HostCommand::Show { metric, value, until, .. } => {
                orders.standing.insert((id, metric), Standing { value, until });
            }
            HostCommand::Release { metric } => drop(orders.standing.swap_remove(&(id, metric))),
        }
        orders.waiting.entry(id).or_default().push(order);
        drop(orders);
        self.states[id as usize].has_orders.store(true, Ordering::Release);
        self.mailboxes[id as usize].wake();
    }

    /// The orders that a host has not looked at.
    pub(crate) fn take_orders(&self, id: HostId) -> Option<Vec<HostCommand>> {
        let has_some = self.states[id as usize].has_orders.swap(false, Ordering::Acquire);
        if has_some { self.host_orders().waiting.swap_remove(&id) } else { None }
    }

    /// The orders that stand at this time.
    pub(crate) fn standing(&self, now: Time) -> Vec<(HostId, usize, Standing)> {
        let mut orders = self.host_orders();
        orders.standing.retain(|_, standing| standing.until > now);
        let mut all: Vec<_> =
            orders.standing.iter().map(|((id, metric), standing)| (*id, *metric, *standing)).collect();
        all.sort_by_key(|(id, metric, _)| (*id, *metric));
        all
    }

    /// What a metric shows by order, at this time.
    pub(crate) fn standing_of(&self, id: HostId, metric: usize, now: Time) -> Option<Standing> {
        self.host_orders().standing.get(&(id, metric)).filter(|standing| standing.until > now).copied()
    }

    /// Takes over the orders of a host of another fleet.
    pub(crate) fn inherit_orders(&self, id: HostId, old: &Self, from: HostId) {
        let (mut orders, mut known) = (self.host_orders(), old.host_orders());
        let standing = known.standing.iter().filter(|((host, _), _)| *host == from);
        orders.standing.extend(standing.map(|((_, metric), standing)| ((id, *metric), *standing)));
        if let Some(waiting) = known.waiting.swap_remove(&from) {
            orders.waiting.insert(id, waiting);
            self.states[id as usize].has_orders.store(true, Ordering::Release);
        }
    }

    /// Nothing stands any more for a host that has ended.
    pub(crate) fn forget_orders(&self, id: HostId) {
        // Most runs have no order ever, and hosts end by the thousand.
        let mut orders = self.host_orders();
        if !orders.standing.is_empty() || !orders.waiting.is_empty() {
            orders.standing.retain(|(host, _), _| *host != id);
            orders.waiting.swap_remove(&id);
        }
    }

    /// Asks one host to end.
    pub(crate) fn stop_host(&self, id: HostId) {
        self.states[id as usize].is_stopped.store(true, Ordering::Relaxed);
        self.mailboxes[id as usize].wake();
    }

    /// Notes that a host that has ended begins again.
    pub(crate) fn begin_again(&self, id: HostId) {
        let state = &self.states[id as usize];
        state.started_at_nanos.store(0, Ordering::Relaxed);
        state.is_stopped.store(false, Ordering::Relaxed);
        state.has_ended.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self, id: HostId) -> bool {
        self.states[id as usize].is_stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn has_ended(&self, id: HostId) -> bool {
        self.states[id as usize].has_ended.load(Ordering::Relaxed)
    }

    /// Whether a host waits for somebody to start it again.
    pub(crate) fn has_stopped_hosts(&self) -> bool {
        self.states.iter().any(|state| state.is_stopped.load(Ordering::Relaxed))
    }

    /// The host called so.
    pub(crate) fn id_of(&self, name: &str) -> Option<HostId> {
        let hosts = &self.plan.hosts;
        let by_name = self.by_name.get_or_init(|| {
            let mut ids: Vec<HostId> = (0..).take(hosts.len()).collect();
            ids.sort_unstable_by(|a, b| hosts[*a as usize].name.cmp(&hosts[*b as usize].name));
            ids.into()
        });
        let place = by_name.binary_search_by(|id| (*hosts[*id as usize].name).cmp(name)).ok()?;
        Some(by_name[place])
    }
}
