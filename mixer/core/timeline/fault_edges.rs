//! Begins and ends of a run's faults, and the events that tell of them.

use std::sync::Arc;

use crate::event::{FAULT_FINISHED, FAULT_STARTED};
use crate::plan::RunFault;
use crate::time::{Span, Time};

/// A begin or an end of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultEdge {
    /// The fault's id.
    pub fault: Arc<str>,
    /// `true` for a begin.
    pub begins: bool,
}

impl FaultEdge {
    /// Name of the event that tells of it; its data is the fault's id.
    #[must_use]
    pub const fn event(&self) -> &'static str {
        if self.begins { FAULT_STARTED } else { FAULT_FINISHED }
    }
}

/// The time of the first edge after this one; [`Time::NEVER`] if there is none.
#[must_use]
pub fn next_fault_edge(faults: &[Arc<RunFault>], run_start: Time, after: Time) -> Time {
    faults.iter().map(|fault| fault.times.next_edge(run_start, after)).min().unwrap_or(Time::NEVER)
}

/// The edges at a moment: first all ends, then all begins, each in the config's order.
#[must_use]
pub fn fault_edges_at(faults: &[Arc<RunFault>], run_start: Time, at: Time) -> Vec<FaultEdge> {
    let is_end = |fault: &&Arc<RunFault>| {
        let before = at.before(Span::from_nanos(1));
        fault.times.last_window(run_start, before).is_some_and(|(_, end)| end == at)
    };
    let is_begin =
        |fault: &&Arc<RunFault>| fault.times.last_window(run_start, at).is_some_and(|(begin, _)| begin == at);
    let edge = |begins| move |fault: &Arc<RunFault>| FaultEdge { fault: Arc::clone(&fault.id), begins };
    let ends = faults.iter().filter(is_end).map(edge(false));
    ends.chain(faults.iter().filter(is_begin).map(edge(true))).collect()
}
