//! The status report of a fleet.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use indexmap::IndexMap;

use promemu_core::event::HostId;
use promemu_core::host::START_SPREAD;
use promemu_core::metric::{Kind, buckets, is_absent};
use promemu_core::plan::MetricPlan;
use promemu_core::time::{Span, Time};

use super::counters::Counters;
use super::live_fleet::Fleet;
use crate::report::RunCounts;
use crate::self_metrics::Tally;
use crate::settings::RunSettings;
use crate::status::{HostStatus, JobStatus, OutputStatus, Status};

/// Maximum number of hosts listed of a job.
const LISTED_HOSTS_MAX: usize = 100;

impl Fleet {
    /// The run's status.
    pub(crate) fn status(&self, settings: &RunSettings, outputs: Vec<OutputStatus>) -> Status {
        let jobs: IndexMap<String, JobStatus> = self
            .present_jobs()
            .map(|index| {
                let hosts_count = self.job_host_count(index);
                let listed = || self.job_hosts(index).take(LISTED_HOSTS_MAX);
                let left_out = hosts_count.saturating_sub(LISTED_HOSTS_MAX);
                let names = || listed().map(|host| self.host(host).name.to_string()).collect();
                let hosts = || listed().map(|host| self.host_status(host, settings.shows_metrics)).collect();
                let status = JobStatus {
                    hosts_count,
                    metrics_count: self.job_family_count(index),
                    hosts_not_listed: (settings.shows_hosts && left_out > 0).then_some(left_out),
                    host_names: settings.shows_hosts.then(names),
                    hosts: settings.shows_hosts.then(hosts),
                };
                (self.plan.jobs[index].name.to_string(), status)
            })
            .collect();
        Status {
            timestamp: self.clock.real().now().rfc3339(),
            emulated_time: self.clock.now().rfc3339(),
            speed: self.clock.speed().factor(),
            is_running: self.active_hosts() > 0,
            pushgateway_url: settings.pushgateway_url.as_ref().map(ToString::to_string),
            push_interval: settings.push_interval.as_secs_f64(),
            seed: settings.seed,
            total_jobs: jobs.len(),
            total_hosts: self.host_count(),
            active_hosts: self.active_hosts(),
            total_metrics: jobs.values().map(|job| job.metrics_count).sum(),
            total_series: self.series_count(),
            output: outputs.first().map(|first| first.health.clone()).unwrap_or_default(),
            outputs,
            counters: self.counters(),
            jobs,
        }
    }

    /// Number of events so far.
    pub(crate) fn events_total(&self) -> u64 {
        self.counters.tally.events.get()
    }

    /// `true` while the host is there and reports nothing: a scrape of it alone would fail.
    pub(crate) fn is_down(&self, id: HostId) -> bool {
        let (job, row) = self.place(id);
        job.store().is_down(row)
    }

    /// The cells of a host's metric.
    pub(crate) fn cells_of(&self, id: HostId, metric: &MetricPlan) -> Box<[f64]> {
        let (job, row) = self.place(id);
        let store = job.store();
        store.row(row)[metric.offset..metric.offset + metric.cells.width()].into()
    }

    fn host_status(&self, id: HostId, shows_metrics: bool) -> HostStatus {
        let plan = self.host(id);
        let started_at = self.started_at(id);
        let is_running = started_at.is_some() && !self.has_ended(id);
        let uptime = started_at.filter(|_| is_running).map_or(Span::ZERO, |at| self.clock.now().since(at));
        let left = if is_running || started_at.is_none() { plan.ttl.minus(uptime) } else { Span::ZERO };
        let metrics = || {
            let (job, row) = self.place(id);
            let store = job.store();
            let cells = store.row(row);
            plan.shape
                .metrics
                .iter()
                .map(|metric| {
                    let cells = &cells[metric.offset..metric.offset + metric.cells.width()];
                    let shown = match &metric.cells.layout().kind {
                        Kind::Histogram { bounds } => buckets(bounds, cells).count(),
                        // A native histogram's and a summary's first cell is their number of observations.
                        _ => cells[0],
                    };
                    (shown_name(metric), (!is_absent(cells[0]) && shown.is_finite()).then_some(shown))
                })
                .collect()
        };
        HostStatus {
            name: plan.name.to_string(),
            labels: plan.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            is_running,
            start_time: started_at.map(Time::rfc3339),
            uptime: uptime.as_secs_f64(),
            ttl_remaining: (left != Span::FOREVER).then(|| left.as_secs_f64()),
            metrics_count: plan.shape.all_metrics().count(),
            metrics: shows_metrics.then(metrics),
        }
    }

    /// Everything that is counted of hosts.
    pub(crate) fn counts(&self) -> RunCounts {
        let Counters { tally, simulation, hosts_begun, hosts_ended, members_begun, members_ended, .. } =
            &*self.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RunCounts {
            updates: tally.updates.get(),
            updates_skipped: tally.updates_skipped.get(),
            scenario_errors: tally.scenario_errors.get(),
            events: tally.events.get(),
            events_dropped: tally.events_dropped.get(),
            series_refused: tally.series_refused.get(),
            hosts_begun: get(hosts_begun),
            hosts_ended: get(hosts_ended),
            members_begun: get(members_begun),
            members_ended: get(members_ended),
            processes: simulation.processes(),
            ..RunCounts::default()
        }
    }

    /// `true` once all hosts that are due have reported or ended. It stays so.
    pub(crate) fn has_reported(&self) -> bool {
        let has_reported = &self.counters.have_reported;
        if has_reported.load(Ordering::Relaxed) {
            return true;
        }
        let now = self.clock.now();
        let is_done = |id: HostId| {
            let (job, row) = self.place(id);
            let store = job.store();
            store.has_row(row) || store.is_down(row)
        };
        let is_later = |id: HostId| match self.host(id).start_time {
            Span::ZERO => false,
            start_time => now < self.clock.started_at() + start_time + START_SPREAD,
        };
        let have_all = self.ids().all(|id| self.has_ended(id) || is_done(id) || is_later(id));
        if have_all {
            has_reported.store(true, Ordering::Relaxed);
        }
        have_all
    }

    /// Number of updates so far, and the sum in seconds and the number of the turns' lateness.
    pub(crate) fn work(&self) -> (u64, f64, u64) {
        let Tally { updates, lateness, .. } = &self.counters.tally;
        (updates.get(), lateness.get_sample_sum(), lateness.get_sample_count())
    }

    /// Counters of failed and skipped work, by name.
    pub(crate) fn counters(&self) -> BTreeMap<&'static str, u64> {
        let Tally { updates_skipped, events_dropped, scenario_errors, series_refused, .. } =
            &self.counters.tally;
        let named = [
            ("updates_skipped", updates_skipped),
            ("events_dropped", events_dropped),
            ("scenario_errors", scenario_errors),
            ("series_refused", series_refused),
        ];
        named.into_iter().map(|(name, counter)| (name, counter.get())).collect()
    }
}

/// A metric's name, with its own labels where it has any.
fn shown_name(metric: &MetricPlan) -> String {
    let labels = String::from_utf8_lossy(metric.labels.as_text());
    if labels.is_empty() { metric.name.to_string() } else { format!("{}{{{labels}}}", metric.name) }
}
