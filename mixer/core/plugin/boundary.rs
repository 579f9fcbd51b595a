//! Where promemu and plugins call each other.
//!
//! All `unsafe` of promemu is here. What comes from a plugin is believed to be memory, if it is neither null nor
//! misaligned, and nothing else: counts are bounded, texts are checked, numbers must be finite.

#![expect(unsafe_code, reason = "libraries are loaded, and functions in them called")]

mod host;
mod table;
mod workload;

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use promemu_plugin::abi::{self, FAILED, KEEP, OK, PANICKED, Text, size_of_table};

use super::declaration::Origin;
use super::{DeclaredConfig, DeclaredScenario, HostContext, Moment, ParamValue, Prepared};

use host::HOST;
pub(super) use table::open;
pub use workload::{Arrival, Coming, ModelInstance};
pub(super) use workload::{WorkloadCalls, pool_size_of};

/// No message is longer; the rest is left out.
const MESSAGE_BYTES_MAX: usize = 500;
/// No update emits more events, or asks for more others.
const EFFECTS_MAX: u32 = 1_000;

type Create = unsafe extern "C" fn(*const abi::Setup, *mut *mut c_void) -> i32;
type Update = unsafe extern "C" fn(*mut c_void, *const abi::Tick, *mut f64) -> i32;
type Destroy = unsafe extern "C" fn(*mut c_void);
type Build = unsafe extern "C" fn(*const abi::Setup) -> i32;

/// The functions of a scenario.
#[derive(Clone, Copy, Debug)]
pub(in crate::plugin) struct ScenarioCalls {
    create: Create,
    update: Update,
    destroy: Destroy,
}

/// The function of a config.
#[derive(Clone, Copy, Debug)]
pub(in crate::plugin) struct BuildCall(Build);

/// A message of a plugin's, cut and made readable.
fn message(raw: Text) -> String {
    let raw = Text { len: raw.len.min(MESSAGE_BYTES_MAX), ..raw };
    // SAFETY: the plugin lends it for the call.
    let text = String::from_utf8_lossy(unsafe { raw.bytes() });
    text.trim_end_matches(char::REPLACEMENT_CHARACTER).replace(char::is_control, " ")
}

/// What a plugin's call is about, and what came of it.
struct Call<'a> {
    origin: &'a Origin,
    emits: &'a [Arc<str>],
    side: Option<&'a mut dyn HostContext>,
    /// What a workload says.
    told: Option<workload::Told<'a>>,
    effects: u32,
    has_panicked: bool,
    /// Why it failed, or what it did that it must not.
    failure: Option<String>,
    complaint: Option<String>,
    written: String,
}

impl<'a> Call<'a> {
    fn of(scenario: &'a DeclaredScenario, side: Option<&'a mut dyn HostContext>) -> Self {
        Self { emits: &scenario.emits, ..Self::about(&scenario.origin, side) }
    }

    const fn about(origin: &'a Origin, side: Option<&'a mut dyn HostContext>) -> Self {
        Self {
            origin,
            emits: &[],
            side,
            told: None,
            effects: 0,
            has_panicked: false,
            failure: None,
            complaint: None,
            written: String::new(),
        }
    }

    /// Whether a value is to be taken, according to what the plugin's function gave.
    #[inline]
    fn judge(&mut self, status: i32) -> Result<bool, String> {
        if matches!(status, OK | KEEP) && self.complaint.is_none() {
            return Ok(status == OK);
        }
        self.has_panicked = status == PANICKED;
        Err(match (status, self.failure.take(), self.complaint.take()) {
            (PANICKED, Some(how), _) => format!("it panicked: {how}"),
            (PANICKED, None, _) => "it panicked".to_owned(),
            (FAILED, Some(why), _) => why,
            (FAILED, None, _) => "it failed without saying why".to_owned(),
            (OK | KEEP, _, Some(complaint)) => complaint,
            (other, ..) => format!("it gave the status {other}, which there is not"),
        })
    }

    fn complain(&mut self, complaint: impl FnOnce() -> String) {
        self.complaint.get_or_insert_with(complaint);
    }

    /// Whether the plugin may want one thing more.
    fn may_want(&mut self) -> bool {
        self.effects += 1;
        if self.effects > EFFECTS_MAX {
            self.complain(|| format!("it wants more than {EFFECTS_MAX} events and updates at once"));
        }
        self.effects <= EFFECTS_MAX
    }

    fn as_context(&mut self) -> *mut c_void {
        (&raw mut *self).cast()
    }
}

/// Of a call that is going on.
///
/// # Safety
///
/// The context must be the one that was handed over with it, in the same thread.
unsafe fn call<'a>(context: *mut c_void) -> &'a mut Call<'a> {
    // SAFETY: as the caller has promised.
    unsafe { &mut *context.cast() }
}

/// The state of one metric. Small, because there may be one per series.
#[derive(Debug)]
pub struct Instance {
    prepared: Arc<Prepared>,
    /// The plugin's; none if it could not be made, or has panicked.
    state: Option<NonNull<c_void>>,
}

// SAFETY: plugins have promised that a state may move between threads, as long as one at a time has it.
unsafe impl Send for Instance {}
// SAFETY: who has but a shared reference does nothing with the state.
unsafe impl Sync for Instance {}

impl Instance {
    /// The state of a metric that shows `value`. What cannot be made fails at each update.
    #[must_use]
    pub fn start(prepared: &Arc<Prepared>, value: f64) -> Self {
        let state = create(prepared, value).map_err(|why| prepared.note_unmade(why)).ok();
        Self { prepared: Arc::clone(prepared), state }
    }

    /// The new value, or `None` to keep the present one.
    #[inline]
    pub fn ask(&mut self, moment: &Moment<'_>, side: &mut dyn HostContext) -> Result<Option<f64>, String> {
        let prepared = &*self.prepared;
        let Some(state) = self.state else { return Err(prepared.attribute(&prepared.why_not_asked())) };
        let mut call = Call::of(prepared.scenario(), Some(side));
        let tick = tick(prepared.range(), moment, &mut call);
        let mut value = f64::NAN;
        // SAFETY: the state is from `create`, and this thread alone has it; the tick and the room for the value live
        // as long as the call.
        let status =
            unsafe { (prepared.scenario().calls.update)(state.as_ptr(), &raw const tick, &raw mut value) };
        let outcome = match call.judge(status) {
            Ok(true) if value.is_finite() => return Ok(Some(value)),
            Ok(true) => Err(format!("it gave {value}, which is no finite number")),
            Ok(false) => return Ok(None),
            Err(error) => Err(error),
        };
        if call.has_panicked {
            self.end();
        }
        outcome.map_err(|error| self.prepared.attribute(&error))
    }

    fn end(&mut self) {
        if let Some(state) = self.state.take() {
            end(&self.prepared, state);
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes a state of a metric that shows `value` and ends it, to see whether the parameters are good.
pub(super) fn try_out(prepared: &Prepared, value: f64) -> Result<(), String> {
    create(prepared, value).map(|state| end(prepared, state))
}

fn end(prepared: &Prepared, state: NonNull<c_void>) {
    // SAFETY: the state is from `create` of the same scenario, and nobody has it any more.
    unsafe { (prepared.scenario().calls.destroy)(state.as_ptr()) };
}

/// Makes a state; the error says which parameter is wrong and how.
fn create(prepared: &Prepared, value: f64) -> Result<NonNull<c_void>, String> {
    let scenario = prepared.scenario();
    let (create, destroy) = (scenario.calls.create, scenario.calls.destroy);
    make(Call::of(scenario, None), (create, destroy), prepared.given(), value, prepared.range())
}

/// Makes a state, and ends it at once if it must not be used.
fn make(
    mut call: Call<'_>,
    (create, destroy): (Create, Destroy),
    given: &[ParamValue],
    value: f64,
    range: (f64, f64),
) -> Result<NonNull<c_void>, String> {
    let values: Vec<abi::Value> = given.iter().map(ParamValue::lend).collect();
    let setup = setup(&values, value, range, &mut call);
    let mut state = std::ptr::null_mut();
    // SAFETY: the setup and the room for the state live as long as the call.
    let status = unsafe { create(&raw const setup, &raw mut state) };
    let state = NonNull::new(state);
    let outcome = match call.judge(status) {
        Ok(true) => return state.ok_or_else(|| "it made no state".to_owned()),
        Ok(false) => Err("it made no state".to_owned()),
        Err(error) => Err(error),
    };
    // It has made one all the same.
    if let Some(state) = state.filter(|_| matches!(status, OK | KEEP)) {
        // SAFETY: the state is from `create`, and nobody has it any more.
        unsafe { destroy(state.as_ptr()) };
    }
    outcome
}

#[inline]
fn tick((range_low, range_high): (f64, f64), moment: &Moment<'_>, call: &mut Call<'_>) -> abi::Tick {
    let (event_name, event_source, event_data) = match moment.event {
        Some(event) => (Text::of(event.name), Text::of(event.source), Text::of(event.data)),
        None => (Text::EMPTY, Text::EMPTY, Text::EMPTY),
    };
    abi::Tick {
        size: size_of_table::<abi::Tick>(),
        has_event: u32::from(moment.event.is_some()),
        now_nanos: moment.now.unix_nanos(),
        t_secs: moment.t_secs,
        dt_secs: moment.dt_secs,
        value: moment.value,
        range_low,
        range_high,
        host_name: Text::of(moment.host_name),
        event_name,
        event_source,
        event_data,
        host: &raw const HOST,
        context: call.as_context(),
        is_live: u32::from(moment.is_live),
        reserved: 0,
    }
}

impl DeclaredConfig {
    /// The text of the config with a value for each argument, in their order.
    pub fn build(&self, given: &[ParamValue]) -> Result<String, String> {
        let mut call = Call::about(&self.origin, None);
        let values: Vec<abi::Value> = given.iter().map(ParamValue::lend).collect();
        let setup = setup(&values, 0.0, (f64::NEG_INFINITY, f64::INFINITY), &mut call);
        // SAFETY: the setup lives as long as the call.
        let status = unsafe { (self.call.0)(&raw const setup) };
        call.judge(status).map(|_written| call.written)
    }
}

fn setup(
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
