//! Faults of a run: named disturbances of some hosts, for a while. They change levers, and hosts show them.

use std::sync::Arc;

use super::lever::{LeverChange, LeverPlan};
use super::phase::TimelinePlan;
use super::selection::HostSelection;
use crate::event::Subscription;
use crate::fault::{Effect, FaultPlan, Timed, Windows};

/// A fault of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFault {
    /// Its id, unique in the run.
    pub id: Arc<str>,
    /// The times at which it is active; none for one that begins on events.
    pub times: Windows,
    /// The events on which it begins, of any source or a named one.
    pub on: Vec<Subscription>,
    /// The hosts that it concerns; all if `None`.
    pub hosts: Option<HostSelection>,
    /// Its changes of levers.
    pub changes: Vec<LeverChange>,
    /// The name of its kind; `None` for a fault that only moves levers.
    pub kind: Option<&'static str>,
    /// Its real work; `None` for a fault that hosts show.
    pub effect: Option<Arc<Effect>>,
    /// Its ground truth.
    pub truth: Truth,
}

impl RunFault {
    /// Its times and its id, to ask a course for.
    #[must_use]
    pub fn timed(&self) -> Timed<'_> {
        Timed { times: &self.times, fault: Some(&self.id) }
    }

    /// The name of its kind; `lever` if it has none, and only moves levers.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        self.kind.unwrap_or("lever")
    }

    /// The target of its effect, or the pattern of the hosts that it concerns.
    #[must_use]
    pub fn target(&self) -> String {
        if let Some(effect) = &self.effect {
            return effect.target();
        }
        self.hosts.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string)
    }
}

/// The ground truth of a fault or a phase: the answer that a monitoring system should give.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// The root cause: a host, a service or a component; empty if it is not stated.
    pub root: String,
    /// The alerts that should fire.
    pub alerts: Vec<String>,
}

/// The part of a run's levers and faults that reaches a host. Hosts with equal parts share one.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPart {
    /// All levers of the run; none for a host that reads none.
    pub levers: Arc<[LeverPlan]>,
    /// The faults that move levers for the host, in the config's order; none for a host that reads none.
    pub faults: Vec<Arc<RunFault>>,
    /// The faults that the host shows, in the config's order.
    pub shown: Vec<Arc<FaultPlan>>,
    /// The timeline; an empty one for a host that reads no levers.
    pub timeline: Arc<TimelinePlan>,
}

impl RunPart {
    /// The index of a lever.
    #[must_use]
    pub fn index_of(&self, lever: &str) -> Option<usize> {
        self.levers.iter().position(|known| *known.name == *lever)
    }

    /// The index that a lever of another part has here; `None` if there is none of its name.
    #[must_use]
    pub fn index_in(&self, old: &Self, lever: usize) -> Option<usize> {
        self.index_of(&old.levers.get(lever)?.name)
    }
}
