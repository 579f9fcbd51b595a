//! States of scenarios.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use super::call::Call;
use super::setup::{create_state, tick};
use crate::plugin::{ConfiguredScenario, HostContext, ParamValue, PluginTick, Refusal, ScenarioDecl, join};

/// The state of one metric. Small, because there may be one per series.
#[derive(Debug)]
pub struct ScenarioInstance {
    configured: Arc<ConfiguredScenario>,
    /// Owned by the plugin; `None` if it could not be created or has panicked.
    state: Option<NonNull<c_void>>,
}

// SAFETY: plugins have promised that a state may move between threads, as long as one at a time has it.
unsafe impl Send for ScenarioInstance {}
// SAFETY: who has but a shared reference does nothing with the state.
unsafe impl Sync for ScenarioInstance {}

impl ScenarioInstance {
    /// The state of a metric that shows `value`. If it cannot be created, each update fails.
    #[must_use]
    pub fn start(configured: &Arc<ConfiguredScenario>, value: f64) -> Self {
        let state = create(configured, value);
        let state = state.map_err(|refusals| configured.create_error.get_or_init(|| join(&refusals))).ok();
        Self { configured: Arc::clone(configured), state }
    }

    /// The new value, or `None` to keep the current one.
    #[inline]
    pub fn next_value(
        &mut self,
        input: &PluginTick<'_>,
        host: &mut dyn HostContext,
    ) -> Result<Option<f64>, String> {
        let (configured, scenario) = (&*self.configured, self.configured.scenario);
        let Some(state) = self.state else { return Err(configured.attribute(&configured.missing_state())) };
        let mut call = Call::new(&scenario.origin, &scenario.emits, Some(host));
        let tick = tick(configured.range, input, &mut call);
        let mut value = f64::NAN;
        // SAFETY: the state is from `create`, and this thread alone has it; the tick and the room for the value live
        // as long as the call.
        let status = unsafe { (scenario.calls.update)(state.as_ptr(), &raw const tick, &raw mut value) };
        let outcome = match call.outcome(status) {
            Ok(true) if value.is_finite() => return Ok(Some(value)),
            Ok(true) => Err(format!("returned {value}, which is not a finite number")),
            Ok(false) => return Ok(None),
            Err(error) => Err(error),
        };
        if call.has_panicked {
            self.end();
        }
        outcome.map_err(|error| self.configured.attribute(&error))
    }

    /// A copy with the same state. No plugin can save its state, so there is none.
    pub fn copied(&self) -> Result<Self, String> {
        Err(self.configured.attribute("its state cannot be saved"))
    }

    fn end(&mut self) {
        if let Some(state) = self.state.take() {
            destroy(self.configured.scenario, state);
        }
    }
}

impl Drop for ScenarioInstance {
    fn drop(&mut self) {
        self.end();
    }
}

impl ConfiguredScenario {
    /// A scenario with a value for each parameter, in their order. The plugin checks them for a metric that shows
    /// `value`; the error says which ones are wrong and how.
    pub fn new(
        scenario: &'static ScenarioDecl,
        params: Vec<ParamValue>,
        range: (f64, f64),
        value: f64,
    ) -> Result<Self, Vec<Refusal>> {
        let configured = Self { scenario, params: params.into(), range, create_error: OnceLock::new() };
        destroy(scenario, create(&configured, value)?);
        Ok(configured)
    }
}

fn create(configured: &ConfiguredScenario, value: f64) -> Result<NonNull<c_void>, Vec<Refusal>> {
    let ConfiguredScenario { scenario, params, range, .. } = configured;
    let call = Call::new(&scenario.origin, &scenario.emits, None);
    create_state(call, (scenario.calls.create, scenario.calls.destroy), params, value, *range)
}

fn destroy(scenario: &ScenarioDecl, state: NonNull<c_void>) {
    // SAFETY: the state is from `create` of the same scenario, and nobody has it any more.
    unsafe { (scenario.calls.destroy)(state.as_ptr()) };
}
