//! Actions: what a listener, a fault and the API have a host do.
//!
//! An action is resolved: metrics, faults and pools are indices into the shape's, levers into the plan's.

use std::sync::Arc;

use super::run::HostPlan;
use crate::time::Span;

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
    /// `false` for an action that changes nothing on this host: a move of a lever where no lever is read.
    #[must_use]
    pub fn concerns(&self, host: &HostPlan) -> bool {
        !matches!(self, Self::Lever { .. } | Self::ReleaseLever { .. }) || host.shape.reads_levers
    }
}
