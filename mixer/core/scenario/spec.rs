//! The trait of a scenario's checked parameters, which know how its running state goes on.

use std::fmt::Debug;
use std::sync::Arc;

use super::context::{SideEffects, UpdateContext};
use super::try_clone::TryClone;
use crate::event::Subscription;

/// The checked parameters of one kind of scenario, and its properties. The defaults fit most kinds.
///
/// All metrics of one template share them; of its own a metric has the state, and nothing in it that the parameters know.
pub trait ScenarioSpec: Debug + PartialEq + Send + Sync + 'static {
    /// The running state of one metric. A copy of it makes the same values from there on.
    type State: TryClone + Debug + Send + Sync + 'static;

    /// Starts the state of one metric that shows `value`.
    fn start(&self, value: f64) -> Self::State;

    /// The new value, or `None` to keep the present one. An error is the reason for a missing value; it costs this
    /// update and nothing else.
    fn update(&self, state: &mut Self::State, context: &mut UpdateContext<'_>)
    -> Result<Option<f64>, String>;

    /// Ends the scenario, since another one replaces it or its metric ends: emits the events that others wait for. An
    /// update after it begins anew.
    fn stop(&self, _state: &mut Self::State, _effects: &mut SideEffects) {}

    /// Its metric shows nothing from now on until its next update, as the metric's condition does not hold. Emits the
    /// events that others wait for, and goes on with the next update.
    fn hide(&self, _state: &mut Self::State, _effects: &mut SideEffects) {}

    /// The events that cause an update.
    fn subscriptions(&self) -> Vec<Subscription> {
        Vec::new()
    }

    /// The events that it may emit.
    fn emits(&self) -> Vec<EventDecl> {
        Vec::new()
    }

    /// The name of the source metric, for a relay.
    fn source_metric(&self) -> Option<&str> {
        None
    }

    /// The lowest and the highest value, if its own parameters say so.
    fn value_range(&self) -> Option<(f64, f64)> {
        None
    }

    /// `true` if its values are totals, which a counter takes as they are, not levels to be added.
    fn gives_totals(&self) -> bool {
        false
    }

    /// Memory of a running state beyond that of a scenario with a few numbers: that of its parts, or of values that
    /// it holds back. The largest, in bytes.
    fn held_bytes(&self) -> usize {
        0
    }

    /// `true` if it reads [`UpdateContext::dt_secs`].
    fn uses_dt(&self) -> bool {
        false
    }
}

/// The range that holds these ranges.
pub(super) fn range_of(ranges: impl IntoIterator<Item = (f64, f64)>) -> Option<(f64, f64)> {
    ranges
        .into_iter()
        .reduce(|(low, high), (other_low, other_high)| (low.min(other_low), high.max(other_high)))
}

/// An event that a scenario may emit.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDecl {
    /// Its name; `None` if a script calculates it.
    pub event: Option<Arc<str>>,
    /// Its source, if not the host.
    pub source: Option<Arc<str>>,
}
