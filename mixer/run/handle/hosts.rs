//! The run in short, and its hosts.

use std::collections::BTreeMap;

use super::commands::{CommandError, known};
use super::series::{metric_key, series_of};
use super::{HostDetail, HostView, HostsPage, JobView, OutputView, OverrideView, Overview, RunHandle};
use crate::fleet::{Fleet, Standing};
use promemu_core::event::HostId;
use promemu_core::metric::Aggregation;
use promemu_core::plan::JobPlan;
use promemu_core::time::{Span, Time};

/// No more jobs are listed.
const JOBS_LISTED_MAX: usize = 100;
/// No more metrics of a host are listed.
const METRICS_LISTED_MAX: usize = 500;

/// Which hosts are wanted.
#[derive(Clone, Debug, Default)]
pub struct HostFilter {
    /// A part of the name, or of a label's value.
    pub search: String,
    /// The job.
    pub job: Option<String>,
    /// The state.
    pub state: Option<String>,
}

impl RunHandle {
    /// What the run is doing.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let (fleet, facts) = (self.fleet(), &self.facts);
        let (clock, plan) = (fleet.clock(), fleet.plan());
        let (now, real_now) = (clock.now(), clock.real().now());
        let mut hosts: BTreeMap<&'static str, usize> =
            ["running", "waiting", "stopped", "ended"].into_iter().map(|state| (state, 0)).collect();
        for id in (0..).take(plan.hosts.len()) {
            *hosts.entry(state_of(&fleet, id)).or_default() += 1;
        }
        hosts.insert("total", plan.hosts.len());
        let job = |job: &JobPlan| JobView {
            name: job.name.to_string(),
            hosts: job.hosts.len(),
            families: plan.job_families(job),
        };
        Overview {
            time: real_now.rfc3339(),
            emulated_time: now.rfc3339(),
            emulated_time_unix: now.unix_millis_secs(),
            speed: clock.speed().factor(),
            seed: facts.seed,
            push_interval_seconds: facts.push_interval_secs,
            uptime_seconds: real_now.since(clock.started_at()).as_secs_f64(),
            hosts,
            series: fleet.series_count(),
            families: plan.families.len(),
            jobs: plan.jobs.iter().take(JOBS_LISTED_MAX).map(job).collect(),
            jobs_not_listed: plan.jobs.len().saturating_sub(JOBS_LISTED_MAX),
            outputs: self.outputs(real_now),
            counters: fleet.counters(),
            events_total: fleet.events_total(),
            overrides: fleet.standing(now).len(),
        }
    }

    fn outputs(&self, now: Time) -> Vec<OutputView> {
        let view = |(name, status): (String, crate::status::OutputStatus)| {
            let (failures, pushes, seconds, sent_bytes) = self.facts.own.look_at_output(&name);
            OutputView {
                kind: status.kind,
                target: status.target,
                pushes: status.health.pushes,
                last_push: status.health.last_push,
                away_for: status.health.away_for,
                last_error: status.health.last_error,
                refused: status.health.refused,
                failures,
                mean_seconds: u32::try_from(pushes)
                    .ok()
                    .filter(|pushes| *pushes > 0)
                    .map(|pushes| seconds / f64::from(pushes)),
                sent_bytes: (sent_bytes > 0).then_some(sent_bytes),
            }
        };
        self.facts.healths.named(now).into_iter().map(view).collect()
    }

    /// A part of the hosts that are wanted.
    #[must_use]
    pub fn hosts(&self, filter: &HostFilter, offset: usize, limit: usize) -> HostsPage {
        let fleet = self.fleet();
        let plan = fleet.plan();
        let wanted = |id: &HostId| {
            let host = &plan.hosts[*id as usize];
            filter.job.as_ref().is_none_or(|job| **job == *plan.jobs[host.job].name)
                && filter.state.as_ref().is_none_or(|state| state == state_of(&fleet, *id))
                && (filter.search.is_empty()
                    || host.name.contains(&filter.search)
                    || host.labels.iter().any(|(_, value)| value.contains(&filter.search)))
        };
        let now = fleet.clock().now();
        let standing = fleet.standing(now);
        let mut matched = 0;
        let mut hosts = Vec::new();
        for id in (0..).take(plan.hosts.len()).filter(wanted) {
            if matched >= offset && hosts.len() < limit {
                hosts.push(view(&fleet, id, now, &standing));
            }
            matched += 1;
        }
        HostsPage { total: plan.hosts.len(), matched, offset, limit, hosts }
    }

    /// One host in short.
    pub fn host_view(&self, name: &str) -> Result<HostView, CommandError> {
        let fleet = self.fleet();
        let now = fleet.clock().now();
        Ok(view(&fleet, known(&fleet, name)?, now, &fleet.standing(now)))
    }

    /// One host with its metrics.
    pub fn host(&self, name: &str) -> Result<HostDetail, CommandError> {
        let fleet = self.fleet();
        let (id, now) = (known(&fleet, name)?, fleet.clock().now());
        let metrics = fleet.plan().hosts[id as usize].shape.metrics.len();
        let listed = (0..metrics).take(METRICS_LISTED_MAX).map(|metric| series_of(&fleet, id, metric, now));
        let labels = fleet.plan().hosts[id as usize].labels.iter();
        Ok(HostDetail {
            host: view(&fleet, id, now, &fleet.standing(now)),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            listed_metrics: listed.collect(),
            not_listed: metrics.saturating_sub(METRICS_LISTED_MAX),
        })
    }

    /// All that metrics show by order.
    #[must_use]
    pub fn overrides(&self) -> Vec<OverrideView> {
        let fleet = self.fleet();
        let standing = fleet.standing(fleet.clock().now()).into_iter();
        standing.map(|(id, metric, standing)| override_view(&fleet, id, metric, standing)).collect()
    }
}

pub(crate) fn override_view(fleet: &Fleet, id: HostId, metric: usize, standing: Standing) -> OverrideView {
    let host = &fleet.plan().hosts[id as usize];
    let plan = &host.shape.metrics[metric];
    let (key, (low, high)) = (metric_key(plan), plan.value_range);
    // The range of a counter is that of what is added; of other types nothing beyond it is taken.
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

fn state_of(fleet: &Fleet, id: HostId) -> &'static str {
    match (fleet.is_stopped(id), fleet.has_ended(id), fleet.begun_at(id)) {
        (true, ..) => "stopped",
        (_, true, _) => "ended",
        (.., Some(_)) => "running",
        (.., None) => "waiting",
    }
}

fn view(fleet: &Fleet, id: HostId, now: Time, standing: &[(HostId, usize, Standing)]) -> HostView {
    let host = &fleet.plan().hosts[id as usize];
    let state = state_of(fleet, id);
    let begun_at = fleet.begun_at(id);
    let uptime = begun_at.filter(|_| state == "running").map_or(Span::ZERO, |at| now.since(at));
    let left = if matches!(state, "running" | "waiting") { host.ttl.minus(uptime) } else { Span::ZERO };
    let first = standing.partition_point(|(host, ..)| *host < id);
    HostView {
        name: host.name.to_string(),
        job: fleet.plan().jobs[host.job].name.to_string(),
        state,
        host: host.labels.get("host").map(str::to_owned),
        address: host.labels.get("address").map(str::to_owned),
        started_at: begun_at.map(Time::rfc3339),
        uptime_seconds: uptime.as_secs_f64(),
        ttl_remaining_seconds: (left != Span::FOREVER).then(|| left.as_secs_f64()),
        metrics: host.shape.metrics.len(),
        overrides: standing[first..].iter().take_while(|(host, ..)| *host == id).count(),
    }
}
