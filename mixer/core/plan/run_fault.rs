//! Faults of a run: named disturbances of some hosts, for a while. They change levers, and hosts show them.

use std::sync::Arc;

use super::lever::{LeverChange, LeverPlan};
use super::selection::HostSelection;
use crate::fault::{FaultPlan, FaultTimes};

/// A fault of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFault {
    /// Its id, unique in the run.
    pub id: Arc<str>,
    /// The times at which it is active.
    pub times: FaultTimes,
    /// The hosts that it concerns; all if `None`.
    pub hosts: Option<HostSelection>,
    /// Its changes of levers.
    pub changes: Vec<LeverChange>,
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
}
