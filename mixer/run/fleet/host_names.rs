//! The hosts of a fleet by their names.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexMap;

use promemu_core::event::HostId;
use promemu_core::plan::HostPlan;

/// An index of planned hosts, which never changes, and one of added hosts.
#[derive(Debug, Default)]
pub(super) struct HostNames {
    /// Planned hosts sorted by name; made when a host is first looked up.
    planned: OnceLock<Box<[HostId]>>,
    added: Mutex<IndexMap<Arc<str>, HostId>>,
}

impl HostNames {
    /// The newest host of this name. A planned one may be removed.
    pub(super) fn find(&self, planned: &[Arc<HostPlan>], name: &str) -> Option<HostId> {
        let added = self.added().get(name).copied();
        added.or_else(|| self.find_planned(planned, name))
    }

    fn find_planned(&self, hosts: &[Arc<HostPlan>], name: &str) -> Option<HostId> {
        let by_name = self.planned.get_or_init(|| {
            let mut ids: Vec<HostId> = (0..).take(hosts.len()).collect();
            ids.sort_unstable_by(|a, b| hosts[*a as usize].name.cmp(&hosts[*b as usize].name));
            ids.into()
        });
        let place = by_name.binary_search_by(|id| (*hosts[*id as usize].name).cmp(name)).ok()?;
        Some(by_name[place])
    }

    pub(super) fn add(&self, name: &Arc<str>, id: HostId) {
        self.added().insert(Arc::clone(name), id);
    }

    /// Removes an added host; a planned one stays.
    pub(super) fn remove(&self, name: &str) {
        self.added().swap_remove(name);
    }

    fn added(&self) -> MutexGuard<'_, IndexMap<Arc<str>, HostId>> {
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
