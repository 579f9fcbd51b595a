//! A scenario inside another one, of any kind.
//!
//! It hides the kind, so scenarios that hold others know no list of kinds. The running state is boxed once, when it
//! starts.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::context::{SideEffects, UpdateContext};
use super::spec::{EventDecl, ScenarioSpec};
use super::try_clone::TryClone;
use crate::event::Subscription;

/// A running part: its place, its box, and the block of that. Measured on live runs.
const PART_BYTES: usize = 80;

/// A part of another scenario, with its parameters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct NestedScenario(Arc<dyn AnySpec>);

impl NestedScenario {
    /// Starts the state of a part that shows `value`.
    #[must_use]
    pub fn start(&self, value: f64) -> RunningPart {
        RunningPart(Arc::clone(&self.0).start_boxed(value))
    }

    /// The events that cause an update.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.0.subscriptions()
    }

    /// The events that it may emit.
    #[must_use]
    pub fn emits(&self) -> Vec<EventDecl> {
        self.0.emits()
    }

    /// The name of the source metric, for a relay.
    #[must_use]
    pub fn source_metric(&self) -> Option<&str> {
        self.0.source_metric()
    }

    /// The lowest and the highest value, if its own parameters say so.
    #[must_use]
    pub fn value_range(&self) -> Option<(f64, f64)> {
        self.0.value_range()
    }

    /// Memory of the running part, at most.
    #[must_use]
    pub fn state_bytes(&self) -> usize {
        PART_BYTES.saturating_add(self.0.held_bytes())
    }

    /// `true` if it reads [`UpdateContext::dt_secs`](super::UpdateContext::dt_secs).
    #[must_use]
    pub fn uses_dt(&self) -> bool {
        self.0.uses_dt()
    }
}

impl<P: ScenarioSpec> From<Arc<P>> for NestedScenario {
    fn from(plan: Arc<P>) -> Self {
        Self(plan)
    }
}

impl PartialEq for NestedScenario {
    /// Two of the same kind with equal parameters are equal.
    fn eq(&self, other: &Self) -> bool {
        self.0.is_equal(&*other.0)
    }
}

/// A running part of any kind.
#[derive(Debug)]
pub struct RunningPart(Box<dyn AnyRunning>);

impl RunningPart {
    /// As [`ScenarioSpec::update`].
    pub fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        self.0.update(context)
    }

    /// As [`ScenarioSpec::stop`].
    pub fn stop(&mut self, effects: &mut SideEffects) {
        self.0.stop(effects);
    }

    /// As [`ScenarioSpec::hide`].
    pub fn hide(&mut self, effects: &mut SideEffects) {
        self.0.hide(effects);
    }
}

impl TryClone for RunningPart {
    fn try_clone(&self) -> Result<Self, String> {
        self.0.copied().map(Self)
    }
}

/// Refuses relays: they update with their source, which works for a whole metric only.
pub(super) fn refuse_relays<'a>(parts: impl IntoIterator<Item = &'a NestedScenario>) -> Result<(), String> {
    if parts.into_iter().any(|part| part.source_metric().is_some()) {
        return Err(
            "relay_to_other_metric cannot be a part; give it a metric of its own, or read links.NAME"
                .to_owned(),
        );
    }
    Ok(())
}

/// A [`ScenarioSpec`] without its types.
trait AnySpec: Any + Debug + Send + Sync {
    fn start_boxed(self: Arc<Self>, value: f64) -> Box<dyn AnyRunning>;
    fn subscriptions(&self) -> Vec<Subscription>;
    fn emits(&self) -> Vec<EventDecl>;
    fn source_metric(&self) -> Option<&str>;
    fn value_range(&self) -> Option<(f64, f64)>;
    fn held_bytes(&self) -> usize;
    fn uses_dt(&self) -> bool;
    fn is_equal(&self, other: &dyn Any) -> bool;
}

impl<P: ScenarioSpec> AnySpec for P {
    fn start_boxed(self: Arc<Self>, value: f64) -> Box<dyn AnyRunning> {
        let state = self.start(value);
        Box::new(Running { plan: self, state })
    }

    fn subscriptions(&self) -> Vec<Subscription> {
        ScenarioSpec::subscriptions(self)
    }

    fn emits(&self) -> Vec<EventDecl> {
        ScenarioSpec::emits(self)
    }

    fn source_metric(&self) -> Option<&str> {
        ScenarioSpec::source_metric(self)
    }

    fn value_range(&self) -> Option<(f64, f64)> {
        ScenarioSpec::value_range(self)
    }

    fn held_bytes(&self) -> usize {
        ScenarioSpec::held_bytes(self)
    }

    fn uses_dt(&self) -> bool {
        ScenarioSpec::uses_dt(self)
    }

    fn is_equal(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<P>().is_some_and(|other| self == other)
    }
}

/// A running state with its parameters.
#[derive(Debug)]
struct Running<P: ScenarioSpec> {
    plan: Arc<P>,
    state: P::State,
}

/// A [`Running`] without its type.
trait AnyRunning: Debug + Send + Sync {
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String>;
    fn stop(&mut self, effects: &mut SideEffects);
    fn hide(&mut self, effects: &mut SideEffects);
    fn copied(&self) -> Result<Box<dyn AnyRunning>, String>;
}

impl<P: ScenarioSpec> AnyRunning for Running<P> {
    fn update(&mut self, context: &mut UpdateContext<'_>) -> Result<Option<f64>, String> {
        self.plan.update(&mut self.state, context)
    }

    fn stop(&mut self, effects: &mut SideEffects) {
        self.plan.stop(&mut self.state, effects);
    }

    fn hide(&mut self, effects: &mut SideEffects) {
        self.plan.hide(&mut self.state, effects);
    }

    fn copied(&self) -> Result<Box<dyn AnyRunning>, String> {
        Ok(Box::new(Self { plan: Arc::clone(&self.plan), state: self.state.try_clone()? }))
    }
}
