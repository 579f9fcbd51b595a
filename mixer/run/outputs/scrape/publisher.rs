//! The jobs of all runs that are served, and the permits of those who scrape them.
//!
//! It knows no HTTP but the refusal of a scrape that is one too many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use indexmap::IndexMap;
use tokio::sync::Semaphore;

use super::super::reads::Reads;
use super::body_stream::ScrapePermit;
use crate::clock::wall_now;
use crate::self_metrics::ScrapeTally;
use promemu_core::metric::MetricType;
use promemu_core::series::{Family, Job, LabelBlock, SeriesStore};
use promemu_core::time::Time;

/// Bodies made at the same time; more would only make all of them slow.
const BODIES_AT_ONCE: usize = 16;
/// Time limit of the wait for a permit of a host's page: all hosts may be scraped at the same moment.
const PERMIT_PATIENCE: Duration = Duration::from_secs(5);

/// The jobs that are served, and when each was last published.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) shows_push_times: bool,
    pub(super) is_tls: bool,
    /// `HOST:PORT` where it listens.
    pub(super) address: String,
    permits: Arc<Semaphore>,
    tally: ScrapeTally,
    /// The reads of the page of all jobs.
    pub(super) reads: Arc<Reads>,
    /// Swapped as a whole; the lock is held for no longer than that.
    jobs: Mutex<Arc<[Arc<ServedJob>]>>,
}

/// One job that is served.
#[derive(Debug)]
pub(super) struct ServedJob {
    /// The run's id.
    pub(super) run: Arc<str>,
    pub(super) job: Arc<Job>,
    pub(super) labels: LabelBlock,
    published_version: AtomicU64,
    published_at_nanos: AtomicU64,
    /// The rows of planned hosts, sorted by their names; made for the first request for a host.
    rows_by_name: OnceLock<Vec<u32>>,
}

impl ServedJob {
    /// A job published at this time; the next [`Publisher::publish`] treats it as changed.
    fn new(run: &Arc<str>, job: &Arc<Job>, published_at_nanos: u64) -> Self {
        let labels = [("instance", ""), ("job", job.name())];
        let has_instance = job.store().has_label("instance");
        let labels =
            LabelBlock::new(labels.into_iter().filter(|(name, _)| !has_instance || *name != "instance"));
        Self {
            run: Arc::clone(run),
            job: Arc::clone(job),
            labels,
            published_version: AtomicU64::new(u64::MAX),
            published_at_nanos: AtomicU64::new(published_at_nanos),
            rows_by_name: OnceLock::new(),
        }
    }

    /// The row of the host of this name.
    pub(super) fn row_of(&self, name: &str) -> Option<usize> {
        let added = self.job.store().added_hosts().row(name);
        added.or_else(|| self.planned_row_of(name))
    }

    fn planned_row_of(&self, name: &str) -> Option<usize> {
        let names = self.job.host_names();
        let rows = self.rows_by_name.get_or_init(|| {
            let mut rows: Vec<u32> = (0..).take(names.len()).collect();
            rows.sort_by_key(|row| &names[*row as usize]);
            rows
        });
        let place = rows.binary_search_by_key(&name, |row| &names[*row as usize]).ok()?;
        Some(rows[place] as usize)
    }

    /// `push_time_seconds`, the family of a Pushgateway, with the time of the last publishing.
    pub(super) fn push_time(&self) -> SeriesStore {
        let published_at = Time::from_unix_nanos(self.published_at_nanos.load(Ordering::Relaxed));
        let help = "when this job was last published, in seconds since the Unix epoch";
        let family = Family::new("push_time_seconds", help, MetricType::Gauge);
        SeriesStore::single(family, LabelBlock::empty(), published_at.unix_secs())
    }
}

impl Publisher {
    /// A publisher without jobs.
    pub(super) fn new(address: String, is_tls: bool, shows_push_times: bool, tally: ScrapeTally) -> Self {
        let permits = Arc::new(Semaphore::new(BODIES_AT_ONCE));
        Self {
            shows_push_times,
            is_tls,
            address,
            permits,
            tally,
            reads: Arc::default(),
            jobs: Mutex::default(),
        }
    }

    /// The counterpart of a push: sets the time of each job of the run that has changed; `true` if any has.
    #[must_use]
    pub(super) fn publish(&self, run: &str) -> bool {
        let now_nanos = wall_now().since(Time::from_unix_nanos(0)).as_nanos();
        let mut has_changed = false;
        for served in self.jobs().iter().filter(|served| &*served.run == run) {
            let newest = served.job.store().version();
            if served.published_version.swap(newest, Ordering::Relaxed) != newest {
                served.published_at_nanos.store(now_nanos, Ordering::Relaxed);
                has_changed = true;
            }
        }
        has_changed
    }

    /// Serves these jobs of a run from now on, those of other runs as before. One that was served before stays as it is;
    /// another one of its name keeps its time; a new one counts as published now.
    pub(super) fn replace_jobs(&self, run: &Arc<str>, jobs: &[Arc<Job>]) {
        let now_nanos = wall_now().since(Time::from_unix_nanos(0)).as_nanos();
        let mut all = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let (old, others): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|served| served.run == *run);
        let old: IndexMap<&str, &Arc<ServedJob>> =
            old.iter().map(|served| (&**served.job.name(), served)).collect();
        let served = |job: &Arc<Job>| match old.get(&**job.name()) {
            Some(same) if Arc::ptr_eq(&same.job, job) => Arc::clone(same),
            Some(old) => Arc::new(ServedJob::new(run, job, old.published_at_nanos.load(Ordering::Relaxed))),
            None => Arc::new(ServedJob::new(run, job, now_nanos)),
        };
        let served = jobs.iter().map(served);
        *all = others.into_iter().chain(served).collect();
    }

    /// Serves no job of the run any more.
    pub(super) fn leave(&self, run: &Arc<str>) {
        self.replace_jobs(run, &[]);
    }

    pub(super) fn jobs(&self) -> Arc<[Arc<ServedJob>]> {
        Arc::clone(&self.jobs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A permit for a body now; `None` if too many are made.
    pub(super) fn try_permit(&self) -> Option<ScrapePermit> {
        self.tally.scrapes.inc();
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(ScrapePermit { permit, tally: self.tally.clone() })
    }

    /// A permit for one of many small bodies, which wait for each other.
    pub(super) async fn wait_for_permit(&self) -> Option<ScrapePermit> {
        self.tally.scrapes.inc();
        let permit = tokio::time::timeout(PERMIT_PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        Some(ScrapePermit { permit: permit.ok()?.ok()?, tally: self.tally.clone() })
    }

    /// The response when there is no permit.
    pub(super) fn refusal(&self) -> Response {
        self.tally.refused.inc();
        let text = format!("{BODIES_AT_ONCE} scrapes are under way already; come again later\n");
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], text).into_response()
    }
}
