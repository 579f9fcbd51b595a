//! The hosts of a run.

use promemu_core::event::HostId;
use promemu_core::plan::HostSelection;
use promemu_core::time::{Span, Time};

use super::error::CommandError;
use super::lookup::host_id;
use super::run_handle::RunHandle;
use super::series::series_view;
use super::views::{HostDetail, HostView, HostsPage};
use crate::fleet::{ActiveOverride, Fleet};

/// The most metrics of a host that are listed.
const METRICS_LISTED_MAX: usize = 500;

/// The hosts to list.
#[derive(Clone, Debug, Default)]
pub struct HostFilter {
    /// A part of the name, or of a label's value; empty for any.
    pub search: String,
    /// The job; any if `None`.
    pub job: Option<String>,
    /// The state; any if `None`.
    pub state: Option<String>,
    /// A pattern of hosts: a name, a glob of names, or `label=glob`; any if `None`.
    pub pattern: Option<String>,
}

impl RunHandle {
    /// A page of the hosts that match, in the config's order; added hosts come last.
    ///
    /// # Errors
    ///
    /// The pattern is none.
    pub fn hosts(&self, filter: &HostFilter, offset: usize, limit: usize) -> Result<HostsPage, CommandError> {
        let selection = filter.pattern.as_deref().map(HostSelection::parse).transpose();
        let selection = selection.map_err(CommandError::InvalidPattern)?;
        let fleet = self.fleet();
        let plan = fleet.plan();
        let is_match = |id: &HostId| {
            let host = fleet.host(*id);
            filter.job.as_ref().is_none_or(|job| **job == *plan.jobs[host.job].name)
                && filter.state.as_ref().is_none_or(|state| state == state_of(&fleet, *id))
                && selection.as_ref().is_none_or(|selection| selection.matches(&host))
                && (filter.search.is_empty()
                    || host.name.contains(&filter.search)
                    || host.labels.iter().any(|(_, value)| value.contains(&filter.search)))
        };
        let now = fleet.clock().now();
        let standing = fleet.active_overrides(now);
        let mut matched = 0;
        let mut hosts = Vec::new();
        for id in fleet.ids().filter(is_match) {
            if matched >= offset && hosts.len() < limit {
                hosts.push(host_view(&fleet, id, now, &standing));
            }
            matched += 1;
        }
        Ok(HostsPage { total: fleet.host_count(), matched, offset, limit, hosts, shards: Vec::new() })
    }

    /// One host without its metrics.
    pub fn host_view(&self, name: &str) -> Result<HostView, CommandError> {
        let fleet = self.fleet();
        let now = fleet.clock().now();
        Ok(host_view(&fleet, host_id(&fleet, name)?, now, &fleet.active_overrides(now)))
    }

    /// One host with its metrics.
    pub fn host(&self, name: &str) -> Result<HostDetail, CommandError> {
        let fleet = self.fleet();
        let (id, now) = (host_id(&fleet, name)?, fleet.clock().now());
        let plan = fleet.host(id);
        let metrics = plan.shape.metrics.len();
        let listed = (0..metrics).take(METRICS_LISTED_MAX).map(|metric| series_view(&fleet, id, metric, now));
        let labels = plan.labels.iter();
        Ok(HostDetail {
            host: host_view(&fleet, id, now, &fleet.active_overrides(now)),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            listed_metrics: listed.collect(),
            not_listed: metrics.saturating_sub(METRICS_LISTED_MAX),
        })
    }
}

/// `stopped` by a command, `ended`, `running`, `down` or `waiting`.
pub(super) fn state_of(fleet: &Fleet, id: HostId) -> &'static str {
    match (fleet.is_stopped(id), fleet.has_ended(id), fleet.started_at(id)) {
        (true, ..) => "stopped",
        (_, true, _) => "ended",
        (.., Some(_)) if fleet.is_down(id) => "down",
        (.., Some(_)) => "running",
        (.., None) => "waiting",
    }
}

fn host_view(fleet: &Fleet, id: HostId, now: Time, standing: &[(HostId, usize, ActiveOverride)]) -> HostView {
    let host = fleet.host(id);
    let state = state_of(fleet, id);
    let started_at = fleet.started_at(id);
    let uptime =
        started_at.filter(|_| matches!(state, "running" | "down")).map_or(Span::ZERO, |at| now.since(at));
    let left =
        if matches!(state, "running" | "down" | "waiting") { host.ttl.minus(uptime) } else { Span::ZERO };
    let first = standing.partition_point(|(host, ..)| *host < id);
    HostView {
        name: host.name.to_string(),
        job: fleet.plan().jobs[host.job].name.to_string(),
        state,
        host: host.labels.get("host").map(str::to_owned),
        address: host.labels.get("address").map(str::to_owned),
        started_at: started_at.map(Time::rfc3339),
        uptime_seconds: uptime.as_secs_f64(),
        ttl_remaining_seconds: (left != Span::FOREVER).then(|| left.as_secs_f64()),
        metrics: host.shape.metrics.len(),
        overrides: standing[first..].iter().take_while(|(host, ..)| *host == id).count(),
        shard: None,
    }
}
