//! State of each job on the gateway, and what of it stays when a run goes on with other jobs.
//!
//! It decides which groups to push or delete, and never sends anything.

use std::sync::Arc;

use indexmap::IndexMap;
use reqwest::StatusCode;
use tracing::{info, warn};

use super::attempt::Action;
use crate::http::PushError;
use crate::outputs::health::Health;
use crate::self_metrics::SelfMetrics;
use promemu_core::series::Job;
use promemu_core::time::{Span, Time};

/// A job, and the state of its group.
#[derive(Debug)]
pub(super) struct JobState {
    pub(super) job: Arc<Job>,
    pub(super) pushed_version: Option<u64>,
    pub(super) pushed_at: Option<Time>,
    pub(super) may_be_on_gateway: bool,
    /// All that was sent of it is that it is the run's: its hosts have reported nothing yet.
    pub(super) is_only_claimed: bool,
    /// Time of the last claim that the gateway has answered; `None` if the job may be free for others.
    pub(super) claimed_at: Option<Time>,
    pub(super) conflict: Option<Conflict>,
    /// The failure that was logged last.
    pub(super) failure: Option<Failure>,
    /// The run has no such job any more; its group is to be deleted.
    is_gone: bool,
    /// The run's own metrics, if the job stands for them; it has no hosts then.
    pub(super) own: Option<Arc<SelfMetrics>>,
}

/// A failure of a job that stays until a push succeeds.
#[derive(Debug)]
pub(super) struct Failure {
    /// The reason without what may differ each time.
    pub(super) kind: String,
    pub(super) reason: Reason,
}

/// A reason why a job is not pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// With what the gateway says, for the log.
    pub(super) text: String,
    /// Without that.
    pub(super) for_clients: String,
}

/// The job's group belongs to another run or to something else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Conflict {
    /// The owner may be dead; the group is scanned again.
    Passing,
    /// The owner is alive.
    Lasting,
}

/// Settings that decide on the actions of a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct DueRules {
    /// The time between two rounds.
    pub(super) interval: Span,
    /// `true` if the run deletes its groups at the end.
    pub(super) deletes_groups: bool,
}

/// Outcome of [`replace`].
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) states: Vec<JobState>,
    /// Names of jobs of which nothing is left.
    pub(super) forgotten: Vec<Arc<str>>,
    /// `true` if a job is among them whose group was never pushed.
    pub(super) has_new: bool,
}

impl JobState {
    /// A job without a group on the gateway.
    pub(super) const fn new(job: Arc<Job>) -> Self {
        Self {
            job,
            pushed_version: None,
            pushed_at: None,
            may_be_on_gateway: false,
            is_only_claimed: false,
            claimed_at: None,
            conflict: None,
            failure: None,
            is_gone: false,
            own: None,
        }
    }

    /// The job of a run's own metrics.
    pub(super) fn of_own(name: Arc<str>, own: Arc<SelfMetrics>) -> Self {
        Self { own: Some(own), ..Self::new(Arc::new(Job::empty(name))) }
    }

    /// `true` if the gateway may have a group of the job that is this run's.
    pub(super) const fn is_own_on_gateway(&self) -> bool {
        self.may_be_on_gateway && self.conflict.is_none()
    }

    /// `true` if other runs may find the job free: it was never claimed, or the claim had no answer.
    pub(super) const fn is_unclaimed(&self) -> bool {
        let is_taken = self.may_be_on_gateway && (!self.is_only_claimed || self.claimed_at.is_some());
        self.own.is_none() && !is_taken
    }

    /// `true` if the run is to claim the job: nobody has it.
    pub(super) const fn is_free(&self) -> bool {
        self.is_unclaimed() && self.conflict.is_none()
    }

    /// `true` if there is anything to do for the job, now or later.
    pub(super) const fn is_wanted(&self) -> bool {
        !self.is_gone || self.is_own_on_gateway()
    }

    /// The gateway accepted the job. It is logged after a refusal.
    pub(super) fn accepted(&mut self, health: &Health) {
        if self.failure.take().is_some() {
            let job = self.job.name();
            health.set_refused(job, None);
            info!(%job, "job is accepted by the pushgateway again");
        }
    }

    /// The gateway refused the job. It is logged if the kind of failure is another one.
    pub(super) fn refused(&mut self, error: &PushError, health: &Health) {
        let job = self.job.name();
        let hint = match error.status() {
            Some(StatusCode::NOT_FOUND) => "; is there a Pushgateway at this url?",
            Some(StatusCode::PAYLOAD_TOO_LARGE) => {
                "; raise the limit of the proxy before it, or give the hosts more jobs by job_name"
            }
            _ => "",
        };
        let reason =
            Reason { text: format!("{error}{hint}"), for_clients: format!("{}{hint}", error.for_clients()) };
        health.set_refused(job, Some(&reason.for_clients));
        // The reason may differ each time, as the gateway lists its complaints in any order.
        let kind = error.kind();
        if self.failure.as_ref().is_none_or(|last| last.kind != kind) {
            warn!(%job, error = %reason.text, "job was refused by the pushgateway; it is tried again every push interval");
            self.failure = Some(Failure { kind, reason });
        }
    }

    /// The job's group was deleted.
    pub(super) fn deleted(&mut self) {
        *self = Self { is_gone: self.is_gone, ..Self::new(Arc::clone(&self.job)) };
    }

    fn due(&self, now: Time, rules: DueRules) -> Option<Action> {
        if self.conflict.is_some() {
            return None;
        }
        if self.own.is_some() {
            return Some(Action::Push);
        }
        let store = self.job.store();
        let repeat_after = rules.interval.times(2).minus(Span::from_nanos(rules.interval.as_nanos() / 4));
        let is_old = |at: Time| now.since(at) >= repeat_after;
        if store.rows_present() == 0 {
            if self.is_gone || !self.is_only_claimed {
                return (self.may_be_on_gateway && rules.deletes_groups).then_some(Action::Delete);
            }
            // A run that is silent for long looks dead, and its job free.
            return self.claimed_at.is_some_and(is_old).then_some(Action::Claim);
        }
        if store.is_all_down() {
            return None;
        }
        let has_changed = self.pushed_version != Some(store.version());
        (has_changed || self.pushed_at.is_none_or(is_old)).then_some(Action::Push)
    }
}

/// The jobs to push or delete in a round: those that have changed, and those whose last push or claim is two intervals old.
pub(super) fn due(states: &[JobState], now: Time, rules: DueRules) -> Vec<(usize, Action)> {
    let action = |(index, state): (usize, &JobState)| Some((index, state.due(now, rules)?));
    states.iter().enumerate().filter_map(action).collect()
}

/// Goes on with these jobs. A job's state stays with its name; a job that is not among them is treated as if its
/// last host had ended.
pub(super) fn replace(states: Vec<JobState>, jobs: &[Arc<Job>]) -> Replaced {
    let mut known: IndexMap<Arc<str>, JobState> =
        states.into_iter().map(|state| (Arc::clone(state.job.name()), state)).collect();
    let mut replaced = Replaced { states: Vec::new(), forgotten: Vec::new(), has_new: false };
    for job in jobs {
        let job = Arc::clone(job);
        let state = match known.swap_remove(job.name()) {
            Some(state) => {
                // Another job's versions are numbers of its own.
                let pushed_version = state.pushed_version.filter(|_| Arc::ptr_eq(&state.job, &job));
                JobState { job, pushed_version, is_gone: false, ..state }
            }
            None => JobState::new(job),
        };
        replaced.has_new |= !state.may_be_on_gateway;
        replaced.states.push(state);
    }
    for (name, state) in known {
        if state.own.is_some() {
            replaced.states.push(state);
            continue;
        }
        let state = JobState { job: Arc::new(Job::empty(Arc::clone(&name))), is_gone: true, ..state };
        if state.is_wanted() {
            replaced.states.push(state);
        } else {
            replaced.forgotten.push(name);
        }
    }
    replaced
}
