//! Listeners: reactions of a host to events.

use std::sync::Arc;

use crate::event::Subscription;
use crate::expression::Formula;

/// A reaction to an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// The events that it listens to.
    pub subscription: Subscription,
    /// The reaction.
    pub reaction: Reaction,
    /// Condition for the reaction.
    pub when: Option<Condition>,
}

/// A formula, and the metrics that it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The formula.
    pub formula: Formula,
    /// The metrics in the order of the formula's links, as indices into the shape's.
    pub links: Vec<usize>,
}

/// A reaction to an event. Metrics, faults and pools are indices into the shape's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Updates the metric.
    Update(usize),
    /// Emits another event.
    Emit(Arc<str>),
    /// Returns the metric values again.
    StartMetric(usize),
    /// Takes the metric's values away.
    StopMetric(usize),
    /// Opens a window of the fault.
    OpenFault(usize),
    /// Closes the window of the fault.
    CloseFault(usize),
    /// Replaces some members of the pool.
    ReplaceMembers(usize),
    /// Passes the event on to the members of the pool.
    NotifyMembers(usize),
}
