//! The state of a run as a whole.

use std::collections::BTreeMap;

use promemu_core::time::Time;

use super::hosts::state_of;
use super::run_handle::RunHandle;
use super::views::{JobView, OutputView, Overview};
use crate::report::{OutputCounts, RunCounts};
use crate::status::OutputStatus;

/// The most jobs that are listed.
const JOBS_LISTED_MAX: usize = 100;

impl RunHandle {
    /// The state of the run, without its hosts.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let (fleet, facts) = (self.fleet(), self.facts());
        let (clock, plan) = (fleet.clock(), fleet.plan());
        let (now, real_now) = (clock.now(), clock.real().now());
        let mut hosts: BTreeMap<&'static str, usize> =
            ["running", "down", "waiting", "stopped", "ended"].into_iter().map(|state| (state, 0)).collect();
        for id in fleet.ids() {
            *hosts.entry(state_of(&fleet, id)).or_default() += 1;
        }
        hosts.insert("total", fleet.host_count());
        let job = |index: usize| JobView {
            name: plan.jobs[index].name.to_string(),
            hosts: fleet.job_host_count(index),
            families: fleet.job_family_count(index),
        };
        let (updates_total, lateness_seconds_sum, lateness_count) = fleet.work();
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
            jobs: fleet.present_jobs().take(JOBS_LISTED_MAX).map(job).collect(),
            jobs_not_listed: fleet.present_jobs().count().saturating_sub(JOBS_LISTED_MAX),
            outputs: self.outputs(real_now),
            counters: fleet.counters(),
            updates_total,
            lateness_seconds_sum,
            lateness_count,
            events_total: fleet.events_total(),
            overrides: fleet.active_overrides(now).len(),
        }
    }

    /// Everything that the run has counted so far.
    #[must_use]
    pub fn counts(&self) -> RunCounts {
        let facts = self.facts();
        let counts = self.fleet().counts();
        let output = |(name, status): (String, OutputStatus)| {
            let totals = facts.self_metrics.outputs().totals(&name);
            OutputCounts {
                kind: status.kind,
                target: status.target,
                pushes: status.health.pushes,
                failures: totals.failures,
                sent_bytes: totals.sent_bytes,
                samples_sent: status.sends_samples.then_some(totals.samples_sent),
                samples_dropped: status.sends_samples.then_some(totals.samples_dropped),
            }
        };
        let outputs: Vec<_> =
            facts.healths.named(self.clock().real().now()).into_iter().map(output).collect();
        RunCounts { pushes: outputs.iter().map(|output| output.pushes).sum(), outputs, ..counts }
    }

    fn outputs(&self, now: Time) -> Vec<OutputView> {
        let view = |(name, status): (String, OutputStatus)| {
            let totals = self.facts().self_metrics.outputs().totals(&name);
            OutputView {
                kind: status.kind,
                target: status.target,
                pushes: status.health.pushes,
                last_push: status.health.last_push,
                away_for: status.health.away_for,
                last_error: status.health.last_error,
                refused: status.health.refused,
                failures: totals.failures,
                mean_seconds: u32::try_from(totals.attempts)
                    .ok()
                    .filter(|attempts| *attempts > 0)
                    .map(|attempts| totals.attempt_seconds / f64::from(attempts)),
                sent_bytes: (totals.sent_bytes > 0).then_some(totals.sent_bytes),
                shard: None,
            }
        };
        self.facts().healths.named(now).into_iter().map(view).collect()
    }
}
