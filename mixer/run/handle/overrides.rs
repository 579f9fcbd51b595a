//! The overrides that stand now, and the moment at which a metric shows a new one.

use std::time::Duration;

use promemu_core::event::{DELIVERY_DELAY, HostId};
use promemu_core::metric::Aggregation;
use promemu_core::time::Time;

use super::error::CommandError;
use super::lookup::{host_id, metric_key, metric_of};
use super::run_handle::RunHandle;
use super::views::{OverrideView, SeriesView};
use crate::clock::sleep_until;
use crate::fleet::{ActiveOverride, Fleet};

/// The longest real time that a client waits for the effect of its action. At a low speed an action takes longer.
const EFFECT_WAIT_MAX: Duration = Duration::from_secs(1);
/// The time between two looks at a host that has not read an action.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

impl RunHandle {
    /// One metric of one host, as soon as it shows the override, or the release, that was just sent; as it is if the host
    /// does not run, or does not read it within a second.
    pub async fn overridden_metric(&self, host: &str, metric: &str) -> Result<SeriesView, CommandError> {
        // One that is late for the deadline acts nevertheless.
        let _is_in_time = tokio::time::timeout(EFFECT_WAIT_MAX, self.effect(host, metric)).await.is_ok();
        self.metric(host, metric)
    }

    async fn effect(&self, host: &str, metric: &str) -> Result<(), CommandError> {
        let clock = self.clock();
        let acts_at = clock.now() + DELIVERY_DELAY;
        loop {
            {
                let fleet = self.fleet();
                let id = host_id(&fleet, host)?;
                let (index, _) = metric_of(&fleet.host(id), metric)?;
                let is_running = fleet.started_at(id).is_some() && !fleet.has_ended(id);
                if !is_running || fleet.has_read_override(id, index) {
                    return Ok(());
                }
            }
            if clock.now() < acts_at {
                sleep_until(clock, acts_at).await;
            } else {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
    }

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
