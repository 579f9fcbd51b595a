//! Actions: what a listener, a fault and the API have a host do.
//!
//! An action is resolved: metrics, faults and pools are indices into the shape's, levers into the plan's.

use std::sync::Arc;

use super::host::HostPlan;
use super::run_fault::RunPart;
use crate::time::{Span, Time};

/// Something that a host does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Updates the metric.
    Update(usize),
    /// Emits another event.
    Emit(Arc<str>),
    /// Returns the metric values again.
    StartMetric(usize),
    /// Takes the metric's values away.
    StopMetric(usize),
    /// Shows a value instead of the scenario's.
    Override {
        /// The metric.
        metric: usize,
        /// The value; for a metric that observes, every observation.
        value: f64,
        /// The time for which it stands; [`Span::FOREVER`] until it is released.
        lasts: Span,
        /// `true` if a counter may fall to the value.
        may_fall: bool,
    },
    /// Shows the scenario's values again.
    Release {
        /// The metric.
        metric: usize,
    },
    /// Opens a window of the fault.
    OpenFault(usize),
    /// Closes the window of the fault.
    CloseFault(usize),
    /// Replaces some members of the pool.
    ReplaceMembers(usize),
    /// Passes the event on to the members of the pool.
    NotifyMembers(usize),
    /// Moves a lever of the run, whatever faults do.
    Lever {
        /// The lever.
        lever: usize,
        /// Its value.
        value: f64,
        /// The time for which it stands; [`Span::FOREVER`] until it is released.
        lasts: Span,
    },
    /// Ends [`Self::Lever`].
    ReleaseLever {
        /// The lever.
        lever: usize,
    },
    /// Begins a fault of the run, whatever its times are.
    BeginFault {
        /// Its id.
        fault: Arc<str>,
        /// The time for which it is on; [`Span::FOREVER`] until [`Self::EndFault`], zero for a fault that is over when it has begun.
        lasts: Span,
    },
    /// Ends a fault of the run, until its times or another action begin it.
    EndFault {
        /// Its id.
        fault: Arc<str>,
    },
    /// Skips to the begin of a phase of the timeline.
    SkipTo {
        /// Its name.
        phase: Arc<str>,
        /// The origin from which the timeline counts then.
        origin: Time,
    },
    /// Takes the host down: it is unreachable, and its state goes on.
    Down {
        /// The time for which it is down; [`Span::FOREVER`] until it is [`Self::Up`].
        lasts: Span,
    },
    /// Ends [`Self::Down`].
    Up,
    /// Ends the host.
    Stop,
}

impl Action {
    /// `false` for an action that changes nothing on this host: a move of a lever where no lever is read, or a fault of other
    /// hosts.
    #[must_use]
    pub fn concerns(&self, host: &HostPlan) -> bool {
        match self {
            Self::Lever { .. } | Self::ReleaseLever { .. } => host.shape.reads_levers,
            Self::BeginFault { .. } | Self::EndFault { .. } | Self::SkipTo { .. } => {
                host.run.as_ref().is_some_and(|part| self.changes(part))
            }
            _ => true,
        }
    }

    /// `true` if the timeline or the fault that it is about is in this part of the run.
    fn changes(&self, part: &RunPart) -> bool {
        let (Self::BeginFault { fault, .. } | Self::EndFault { fault }) = self else { return true };
        let is_shown = || part.shown.iter().any(|shown| shown.id_in_run() == Some(fault));
        part.faults.iter().any(|known| known.id == *fault) || is_shown()
    }

    /// `true` for an action on the timeline or a fault of the run, which is for all hosts.
    #[must_use]
    pub const fn is_of_timeline(&self) -> bool {
        matches!(self, Self::BeginFault { .. } | Self::EndFault { .. } | Self::SkipTo { .. })
    }
}
