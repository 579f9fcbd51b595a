//! A job of a fleet, and its hosts that come and go.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use promemu_core::plan::{JobPlan, Plan, SpareRows};
use promemu_core::series::Job;

/// One job. It is gone once its last host is removed.
#[derive(Debug)]
pub(super) struct FleetJob {
    pub(super) job: Arc<Job>,
    /// Number of its hosts that are not removed.
    hosts: AtomicUsize,
    spare_rows: Mutex<SpareRows>,
}

impl FleetJob {
    pub(super) fn new(plan: &Plan, job: &JobPlan) -> Self {
        let names = job.hosts.iter().map(|id| Arc::clone(&plan.hosts[*id as usize].name)).collect();
        Self {
            job: Arc::new(Job::new(Arc::clone(&job.name), plan.store(job)).with_hosts(names)),
            hosts: AtomicUsize::new(job.hosts.len()),
            spare_rows: Mutex::default(),
        }
    }

    pub(super) fn hosts(&self) -> usize {
        self.hosts.load(Ordering::Relaxed)
    }

    pub(super) fn count_added(&self) {
        self.hosts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_removed(&self) {
        self.hosts.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn spare_rows(&self) -> MutexGuard<'_, SpareRows> {
        self.spare_rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
