//! Hosts that are added to a fleet and removed from it. The cost does not depend on the number of hosts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use promemu_core::event::HostId;
use promemu_core::plan::HostPlan;

use super::live_fleet::Fleet;

impl Fleet {
    /// Adds a host, which does not run yet. Its job has another host of its shape.
    pub(super) fn add_host(&self, host: HostPlan) -> HostId {
        let host = Arc::new(host);
        let of_fleet = self.job(host.job);
        let row = of_fleet.spare_rows().add_host(&host, &self.plan, &mut of_fleet.job.store());
        of_fleet.count_added();
        self.series_max.fetch_add(host.series_count(), Ordering::Relaxed);
        self.added_memory.fetch_add(host.host_bytes(), Ordering::Relaxed);
        let id = self.table().add(&host, row);
        self.bus_mut().subscribe(id, host.shape.subscriptions());
        self.names.add(&host.name, id);
        id
    }

    /// Removes a host that has ended. A job whose last host it was is gone.
    pub(super) fn remove_host(&self, id: HostId) {
        let (host, row) = (self.host(id), self.place(id).1);
        self.names.remove(&host.name);
        self.forget_commands(id);
        // The id of a planned host is not used again: its subscriptions are those of a host that has ended.
        if self.table().is_added(id) {
            self.bus_mut().unsubscribe(id, host.shape.subscriptions());
            self.added_memory.fetch_sub(host.host_bytes(), Ordering::Relaxed);
        }
        self.series_max.fetch_sub(host.series_count(), Ordering::Relaxed);
        let of_fleet = self.job(host.job);
        of_fleet.count_removed();
        of_fleet.spare_rows().remove_host(&host, row, &mut of_fleet.job.store());
        self.table().remove(id);
    }
}
