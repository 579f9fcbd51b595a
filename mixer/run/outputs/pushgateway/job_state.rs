//! What is known of each job on the gateway, and what of it stays when a run goes on with other jobs.

use std::sync::Arc;

use indexmap::IndexMap;

use super::PushgatewaySink;
use crate::self_metrics::SelfMetrics;
use promemu_core::series::Job;
use promemu_core::time::Time;

/// A job, and what the gateway has of it.
#[derive(Debug)]
pub(super) struct JobState {
    pub(super) job: Arc<Job>,
    pub(super) pushed_version: Option<u64>,
    pub(super) pushed_at: Option<Time>,
    pub(super) may_be_on_gateway: bool,
    pub(super) conflict: Option<Conflict>,
    /// What was told last: the kind of trouble, and its text.
    pub(super) complaint: Option<(String, String)>,
    /// The run has no such job any more; what is left of it is to be deleted.
    is_gone: bool,
    /// It stands for promemu's own metrics, and has no hosts.
    pub(super) own: Option<Arc<SelfMetrics>>,
}

/// The job's group belongs to another run or to something else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Conflict {
    /// That may be dead; it will be looked at again.
    Passing,
    /// That is alive.
    Lasting,
}

impl JobState {
    /// A job that the gateway has nothing of.
    pub(super) const fn new(job: Arc<Job>) -> Self {
        Self {
            job,
            pushed_version: None,
            pushed_at: None,
            may_be_on_gateway: false,
            conflict: None,
            complaint: None,
            is_gone: false,
            own: None,
        }
    }

    /// The job of a run's own metrics.
    pub(super) fn of_own(name: Arc<str>, own: Arc<SelfMetrics>) -> Self {
        Self { own: Some(own), ..Self::new(Arc::new(Job::empty(name))) }
    }

    pub(super) fn complaint_text(&self) -> &str {
        self.complaint.as_ref().map_or("", |(_, text)| text)
    }

    /// Whether the gateway may have a group of the job that is this run's.
    pub(super) const fn is_own_on_gateway(&self) -> bool {
        self.may_be_on_gateway && self.conflict.is_none()
    }

    /// Whether there is anything to do for the job, now or later.
    pub(super) const fn is_wanted(&self) -> bool {
        !self.is_gone || self.is_own_on_gateway()
    }

    /// Takes note that the job's group was deleted.
    pub(super) fn left(&mut self) {
        *self = Self { is_gone: self.is_gone, ..Self::new(Arc::clone(&self.job)) };
    }
}

impl PushgatewaySink {
    /// Goes on with these jobs. What is known of a job stays with its name. A job that is new is looked at
    /// before it is pushed; one that is not among them is treated as if its last host had ended.
    pub fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        let states = std::mem::take(&mut self.states).into_iter();
        let mut known: IndexMap<Arc<str>, JobState> =
            states.map(|state| (Arc::clone(state.job.name()), state)).collect();
        let mut has_new = false;
        for job in jobs {
            let job = Arc::clone(job);
            self.states.push(match known.swap_remove(job.name()) {
                Some(state) => JobState { job, pushed_version: None, is_gone: false, ..state },
                None => JobState::new(job),
            });
            has_new |= self.states.last().is_some_and(|state| !state.may_be_on_gateway);
        }
        for (name, state) in known {
            if state.own.is_some() {
                self.states.push(state);
                continue;
            }
            let state = JobState { job: Arc::new(Job::empty(Arc::clone(&name))), is_gone: true, ..state };
            if state.is_wanted() {
                self.states.push(state);
            } else {
                self.health.set_refused(&name, None);
            }
        }
        if has_new {
            self.next_look = Some(self.clock.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::super::tests::{at, pushed, sink};
    use super::*;
    use promemu_core::metric::MetricType;
    use promemu_core::series::{Family, LabelBlock, SeriesStore};

    fn job(name: &str) -> Arc<Job> {
        let family = Family::new("up", "", MetricType::Gauge);
        Arc::new(Job::new(name.into(), SeriesStore::single(family, LabelBlock::empty(), 1.0)))
    }

    #[test]
    fn what_is_known_of_a_job_stays_with_its_name() {
        let mut sink = sink(true);
        pushed(&mut sink, at(0));
        sink.next_look = None;
        sink.replace_jobs(&[job("job")]);
        assert_eq!((sink.states[0].pushed_at, sink.next_look), (Some(at(0)), None));
        assert_eq!(sink.due(at(1)), [(0, Action::Push)], "its series may be others");
        sink.replace_jobs(&[job("new"), job("job")]);
        assert!(sink.states[1].may_be_on_gateway && sink.next_look.is_some(), "the new one is looked at");
    }

    #[test]
    fn a_job_that_is_gone_is_deleted_if_it_is_the_runs_own_and_is_to_be_cleaned_up() {
        for cleans_up in [true, false] {
            let mut sink = sink(cleans_up);
            pushed(&mut sink, at(0));
            sink.replace_jobs(&[]);
            assert_eq!(sink.due(at(0)) == [(0, Action::Delete)], cleans_up);
            sink.settle((0, Action::Delete), Ok(0), at(1));
            sink.states.retain(JobState::is_wanted);
            assert_eq!(sink.states.len(), 0);
        }
        for may_be_on_gateway in [true, false] {
            let mut sink = sink(true);
            sink.states[0].may_be_on_gateway = may_be_on_gateway;
            sink.states[0].conflict = may_be_on_gateway.then_some(Conflict::Lasting);
            sink.replace_jobs(&[]);
            assert_eq!(sink.due(at(0)), []);
        }
    }

    #[test]
    fn a_job_that_comes_back_is_not_deleted() {
        let mut sink = sink(true);
        pushed(&mut sink, at(0));
        sink.replace_jobs(&[]);
        sink.replace_jobs(&[job("job")]);
        assert_eq!(sink.due(at(0)), [(0, Action::Push)]);
    }
}
