//! Tables that promemu lends to a plugin for a call, and the creation of states.

use std::ffi::c_void;
use std::ptr::NonNull;

use promemu_plugin::abi::{self, KEEP, OK, Text, size_of_table};

use super::call::Call;
use super::host::HOST;
use super::lend::Lent;
use crate::plugin::calls::{Create, Destroy};
use crate::plugin::{ParamValue, PluginTick, Refusal};

/// Range of a metric without one.
pub(super) const NO_RANGE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// Creates a state; destroys it at once if the call failed otherwise.
pub(super) fn create_state(
    call: Call<'_>,
    (create, destroy): (Create, Destroy),
    params: &[ParamValue],
    value: f64,
    range: (f64, f64),
) -> Result<NonNull<c_void>, Vec<Refusal>> {
    // SAFETY: the setup and the room for the state live as long as the call.
    new_state(call, destroy, params, value, range, |setup, state| unsafe { create(setup, state) })
}

/// As [`create_state`], by any call that makes a state.
pub(super) fn new_state(
    mut call: Call<'_>,
    destroy: Destroy,
    params: &[ParamValue],
    value: f64,
    range: (f64, f64),
    make: impl FnOnce(*const abi::Setup, *mut *mut c_void) -> i32,
) -> Result<NonNull<c_void>, Vec<Refusal>> {
    let mut lent = Lent::default();
    let values = lent.lend(params);
    let setup = setup(&values, value, range, &mut call);
    let mut state = std::ptr::null_mut();
    let status = make(&raw const setup, &raw mut state);
    let state = NonNull::new(state);
    let stateless = || vec![Refusal::of_all("create returned no state")];
    let outcome = match call.refused(status) {
        Ok(true) => return state.ok_or_else(stateless),
        Ok(false) => Err(stateless()),
        Err(refusals) => Err(refusals),
    };
    if let Some(state) = state.filter(|_| matches!(status, OK | KEEP)) {
        // SAFETY: the state is from `create`, and nobody has it any more.
        unsafe { destroy(state.as_ptr()) };
    }
    outcome
}

/// Table for a state or a config.
pub(super) fn setup(
    values: &[abi::Value],
    value: f64,
    (range_low, range_high): (f64, f64),
    call: &mut Call<'_>,
) -> abi::Setup {
    abi::Setup {
        size: size_of_table::<abi::Setup>(),
        value_count: u32::try_from(values.len()).unwrap_or(0),
        values: values.as_ptr(),
        value,
        range_low,
        range_high,
        host: &raw const HOST,
        context: call.as_context(),
    }
}

/// Table for an update.
#[inline]
pub(super) fn tick(
    (range_low, range_high): (f64, f64),
    tick: &PluginTick<'_>,
    call: &mut Call<'_>,
) -> abi::Tick {
    let (event_name, event_source, event_data) = match tick.event {
        Some(event) => (Text::of(event.name), Text::of(event.source), Text::of(event.data)),
        None => (Text::EMPTY, Text::EMPTY, Text::EMPTY),
    };
    abi::Tick {
        size: size_of_table::<abi::Tick>(),
        has_event: u32::from(tick.event.is_some()),
        now_nanos: tick.now.unix_nanos(),
        t_secs: tick.t_secs,
        dt_secs: tick.dt_secs,
        value: tick.value,
        range_low,
        range_high,
        host_name: Text::of(tick.host_name),
        event_name,
        event_source,
        event_data,
        host: &raw const HOST,
        context: call.as_context(),
        is_live: u32::from(tick.is_live),
        reserved: 0,
    }
}
