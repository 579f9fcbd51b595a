//! Listeners: the actions of a host after events.

use super::action::Action;
use crate::event::Subscription;
use crate::expression::Formula;

/// An action after an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// The events that it listens to.
    pub subscription: Subscription,
    /// The action.
    pub action: Action,
    /// Condition for the action.
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
