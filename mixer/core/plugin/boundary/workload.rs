//! States of workloads, and the values in their slots.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use super::call::{Call, RowLog};
use super::setup::{NO_RANGE, create_state, tick};
use crate::plugin::{
    ConfiguredWorkload, HostContext, ParamValue, PluginTick, Refusal, RowChange, WorkloadDecl,
};

/// Maximum number of slots of a workload.
const POOL_SIZE_MAX: u32 = 1 << 22;

/// The state of a workload on one host, and the values in its slots.
#[derive(Debug)]
pub struct ModelInstance {
    configured: Arc<ConfiguredWorkload>,
    /// Owned by the plugin; `None` if it could not be created or has panicked.
    state: Option<NonNull<c_void>>,
    /// Those of the first slot, one for each family, then those of the second, and so on.
    values: Box<[f64]>,
}

// SAFETY: plugins have promised that a state may move between threads, as long as one at a time has it.
unsafe impl Send for ModelInstance {}
// SAFETY: who has but a shared reference does nothing with the state.
unsafe impl Sync for ModelInstance {}

impl ModelInstance {
    /// The state of a workload. If it cannot be created, each update fails.
    #[must_use]
    pub fn start(configured: &Arc<ConfiguredWorkload>) -> Self {
        let count = configured.pool_size * configured.workload.families.len();
        Self {
            configured: Arc::clone(configured),
            state: create(configured.workload, &configured.params).ok(),
            values: vec![0.0; count].into(),
        }
    }

    /// Advances to the tick's time, or handles its event. Rows that begin and end are added to `changes`, even if the
    /// update fails. `true` if values may have changed.
    pub fn update(
        &mut self,
        input: &PluginTick<'_>,
        host: &mut dyn HostContext,
        changes: &mut Vec<RowChange>,
    ) -> Result<bool, String> {
        let (configured, workload) = (&*self.configured, self.configured.workload);
        let Some(state) = self.state else {
            return Err(configured.attribute("no longer called, as create failed or an update panicked"));
        };
        // POOL_SIZE_MAX is far below.
        let pool_size = u32::try_from(configured.pool_size).unwrap_or(0);
        let mut call = Call::new(&workload.origin, &workload.emits, Some(host));
        call.rows = Some(RowLog::new(changes, workload.labels.len(), pool_size));
        let tick = tick(NO_RANGE, input, &mut call);
        // SAFETY: the state is from `create`, and this thread alone has it; the tick and the room for the values live as
        // long as the call, and nobody looks at the values during it.
        let status = unsafe {
            (workload.calls.update)(state.as_ptr(), &raw const tick, self.values.as_mut_ptr(), pool_size)
        };
        let outcome = call.outcome(status);
        if call.has_panicked {
            self.end();
        }
        let outcome = outcome.and_then(|has_changed| self.check_values().map(|()| has_changed));
        outcome.map_err(|error| self.configured.attribute(&error))
    }

    /// A copy with the same state and values. No plugin can save its state, so there is none.
    pub fn copied(&self) -> Result<Self, String> {
        Err(self.configured.attribute("its state cannot be saved"))
    }

    /// The values in a slot, one for each family. After a failure some may not be finite.
    #[must_use]
    pub fn values(&self, slot: usize) -> &[f64] {
        let count = self.configured.workload.families.len();
        self.values.get(slot * count..(slot + 1) * count).unwrap_or_default()
    }

    fn check_values(&self) -> Result<(), String> {
        let Some(index) = self.values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
        let (value, families) = (self.values[index], &self.configured.workload.families);
        let (slot, family) = (index / families.len(), &families[index % families.len()].name);
        Err(format!("{family} in slot {slot} is {value}, which is not a finite number"))
    }

    fn end(&mut self) {
        if let Some(state) = self.state.take() {
            destroy(self.configured.workload, state);
        }
    }
}

impl Drop for ModelInstance {
    fn drop(&mut self) {
        self.end();
    }
}

impl ConfiguredWorkload {
    /// A workload with a value for each parameter, in their order. The plugin checks them; the error says which one is
    /// wrong and how.
    pub fn new(workload: &'static WorkloadDecl, params: Vec<ParamValue>) -> Result<Self, Vec<Refusal>> {
        let state = create(workload, &params)?;
        // SAFETY: the state is from `create`.
        let pool_size = unsafe { (workload.calls.pool_size)(state.as_ptr()) };
        destroy(workload, state);
        match pool_size {
            0 => Err(vec![Refusal::of_all("pool_size returned 0, but must return 1 or more")]),
            1..=POOL_SIZE_MAX => Ok(Self { workload, params: params.into(), pool_size: pool_size as usize }),
            _ => {
                let why = format!("pool_size returned {pool_size}, but must return {POOL_SIZE_MAX} at most");
                Err(vec![Refusal::of_all(why)])
            }
        }
    }
}

fn create(workload: &WorkloadDecl, params: &[ParamValue]) -> Result<NonNull<c_void>, Vec<Refusal>> {
    let call = Call::new(&workload.origin, &workload.emits, None);
    create_state(call, (workload.calls.create, workload.calls.destroy), params, 0.0, NO_RANGE)
}

fn destroy(workload: &WorkloadDecl, state: NonNull<c_void>) {
    // SAFETY: the state is from `create` of the same workload, and nobody has it any more.
    unsafe { (workload.calls.destroy)(state.as_ptr()) };
}
