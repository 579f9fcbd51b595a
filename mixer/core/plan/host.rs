//! One host of a run. There may be a million, so what neighbours have in common is there once.

use std::ops::Deref;
use std::sync::Arc;

use super::action::Action;
use super::event_share::{EventShare, LEVER};
use super::run_fault::RunPart;
use super::shape::HostShape;
use crate::event::{HOST_STARTED, HOST_STOPPED};
use crate::fault::FaultPlan;
use crate::series::LabelBlock;
use crate::time::Span;

/// One emulated host.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// The name, unique in the run.
    pub name: Arc<str>,
    /// The labels of all its series.
    pub labels: LabelBlock,
    /// Start, counted from the run's start.
    pub start_time: Span,
    /// Lifetime, from its start.
    pub ttl: Span,
    /// The rest, which reads as fields of the host.
    pub setup: Arc<HostSetup>,
}

impl Deref for HostPlan {
    type Target = HostSetup;

    fn deref(&self) -> &HostSetup {
        &self.setup
    }
}

/// The part of a host's plan that it may share with others.
#[derive(Clone, Debug)]
pub struct HostSetup {
    /// The job, as an index into [`Plan::jobs`](super::Plan::jobs).
    pub job: usize,
    /// Shortest and longest time between two reports.
    pub interval: (Span, Span),
    /// Maximum number of series in its pools of changing size.
    pub growth_max: usize,
    /// The levers that it reads, the faults that move them for it, and the faults of the run that it shows; `None` for
    /// a host without any.
    pub run: Option<Arc<RunPart>>,
    /// Its part of the run's events; `None` for a host that could not exceed it. It follows from the other hosts, so it is no
    /// difference between two plans of the host.
    pub event_share: Option<Arc<EventShare>>,
    /// Its metrics, pools, faults and listeners.
    pub shape: Arc<HostShape>,
}

impl HostSetup {
    /// This setup, or that of the host before if it is the same.
    #[must_use]
    pub fn shared_with(self: Arc<Self>, before: Option<&HostPlan>) -> Arc<Self> {
        before.filter(|before| self.is_same(&before.setup)).map_or(self, |before| Arc::clone(&before.setup))
    }

    /// `true` if it has the same shape and parts, not only equal ones.
    fn is_same(&self, other: &Self) -> bool {
        let Self { job, interval, growth_max, run, event_share, shape } = self;
        *job == other.job
            && *interval == other.interval
            && *growth_max == other.growth_max
            && run.as_ref().map(Arc::as_ptr) == other.run.as_ref().map(Arc::as_ptr)
            && event_share.as_ref().map(Arc::as_ptr) == other.event_share.as_ref().map(Arc::as_ptr)
            && Arc::ptr_eq(shape, &other.shape)
    }
}

impl HostPlan {
    /// Time from the run's start to the host's end by its ttl.
    #[must_use]
    pub const fn ends_after(&self) -> Span {
        self.start_time.plus(self.ttl)
    }

    /// Number of the host's series when all metrics and members exist at once.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.shape.series.saturating_add(self.shape.growth_max().min(self.growth_max))
    }

    /// The faults that it shows: its own, then those of the run.
    pub fn faults(&self) -> impl Iterator<Item = &FaultPlan> {
        let of_run = self.run.iter().flat_map(|part| &part.shown);
        self.shape.faults.iter().chain(of_run.map(|fault| &**fault))
    }

    /// The fault of this index among [`Self::faults`].
    #[must_use]
    pub fn fault(&self, index: usize) -> Option<&FaultPlan> {
        let own = &self.shape.faults;
        own.get(index).or_else(|| Some(&**self.run.as_ref()?.shown.get(index - own.len())?))
    }

    /// The events that it may emit, some of them more than once; `None` for one with a calculated name.
    pub fn emissions(&self) -> impl Iterator<Item = Option<Arc<str>>> {
        let shape = &self.shape;
        let of_members = shape.pools.iter().flat_map(|pool| &pool.shape.listeners);
        let reactions =
            shape.listeners.iter().chain(of_members).filter_map(|listener| match &listener.action {
                Action::Emit(event) => Some(Arc::clone(event)),
                Action::Lever { .. } | Action::ReleaseLever { .. } => Some(LEVER.into()),
                _ => None,
            });
        let models = shape.pools.iter().filter_map(|pool| pool.model.as_ref());
        let models = models.flat_map(|model| &model.model.model().emits).cloned();
        let faults = self.faults().flat_map(|fault| &fault.events).cloned();
        let lifecycle = [HOST_STARTED, HOST_STOPPED].into_iter().map(Arc::from);
        let scenarios = shape.all_metrics().flat_map(|metric| metric.scenario.emits());
        let named = lifecycle.chain(reactions).chain(models).chain(faults).map(Some);
        named.chain(scenarios.map(|declared| declared.event))
    }

    /// `true` if its samples have times that no grid has: those of a recording, or those that a fault gives them.
    #[must_use]
    pub fn has_own_times(&self) -> bool {
        self.shape.replay.is_some() || self.stamps()
    }

    /// `true` if a fault gives its samples timestamps of their own.
    #[must_use]
    pub fn stamps(&self) -> bool {
        self.faults().any(|fault| fault.fault.stamps())
    }
}
