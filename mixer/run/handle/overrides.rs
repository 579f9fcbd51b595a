//! The overrides that stand now.

use promemu_core::event::HostId;
use promemu_core::metric::Aggregation;
use promemu_core::time::Time;

use super::lookup::metric_key;
use super::run_handle::RunHandle;
use super::views::OverrideView;
use crate::fleet::{ActiveOverride, Fleet};

impl RunHandle {
    /// All overrides that stand now.
    #[must_use]
    pub fn overrides(&self) -> Vec<OverrideView> {
        let fleet = self.fleet();
        let standing = fleet.active_overrides(fleet.clock().now()).into_iter();
        standing.map(|(id, metric, standing)| override_view(&fleet, id, metric, standing)).collect()
    }
}

pub(super) fn override_view(
    fleet: &Fleet,
    id: HostId,
    metric: usize,
    standing: ActiveOverride,
) -> OverrideView {
    let host = fleet.host(id);
    let plan = &host.shape.metrics[metric];
    let (key, (low, high)) = (metric_key(plan), plan.value_range);
    // The range of a counter is that of its increments; other types accept no value outside theirs.
    let is_gauge = plan.cells.aggregation() == Aggregation::Gauge;
    let until = (standing.until != Time::NEVER).then_some(standing.until);
    OverrideView {
        id: format!("{}/{key}", host.name),
        host: host.name.to_string(),
        metric: key,
        value: standing.value,
        is_outside_range: is_gauge && (standing.value < low || standing.value > high),
        until: until.map(Time::rfc3339),
        until_unix: until.map(Time::unix_millis_secs),
    }
}
