//! The fleet that the tasks of hosts work for. An edit of one host replaces it between two steps of the tasks, which run
//! on.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::host_table::HostTable;
use super::live_fleet::Fleet;
use crate::clock::Clock;

/// The present fleet.
#[derive(Debug)]
pub(crate) struct CurrentFleet {
    table: Arc<HostTable>,
    clock: Clock,
    fleet: RwLock<Arc<Fleet>>,
}

impl CurrentFleet {
    pub(crate) fn new(fleet: Arc<Fleet>) -> Self {
        Self { table: Arc::clone(fleet.table()), clock: *fleet.clock(), fleet: RwLock::new(fleet) }
    }

    /// The host table, which all fleets share that take this place.
    pub(super) fn table(&self) -> &HostTable {
        &self.table
    }

    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The fleet, for one step of a task: no edit takes place meanwhile. A task asks for it once a step.
    pub(super) fn fleet(&self) -> RwLockReadGuard<'_, Arc<Fleet>> {
        self.fleet.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the fleet by one that was made from it.
    pub(super) fn replace(&self, next: Arc<Fleet>) {
        let mut fleet = self.fleet.write().unwrap_or_else(PoisonError::into_inner);
        next.replace(&fleet);
        *fleet = next;
    }
}
