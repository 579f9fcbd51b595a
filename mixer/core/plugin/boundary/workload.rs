//! The state of a workload, who comes and goes in its slots, and the values that it writes.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use promemu_plugin::abi::{self, Text};

use super::{Call, Create, Destroy, call, make, message, tick};
use crate::plugin::{DeclaredWorkload, HostContext, Moment, ParamValue, PreparedWorkload};
use crate::time::Time;

/// No workload has more slots.
const SLOTS_MAX: u32 = 1 << 22;
/// No label of a workload is longer.
const LABEL_BYTES_MAX: usize = 1_000;
/// A workload has no metric's range.
const NO_RANGE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// The functions of a workload.
#[derive(Clone, Copy, Debug)]
pub(in crate::plugin) struct WorkloadCalls {
    pub(super) create: Create,
    pub(super) pool_size: unsafe extern "C" fn(*mut c_void) -> u32,
    pub(super) update: unsafe extern "C" fn(*mut c_void, *const abi::Tick, *mut f64, u32) -> i32,
    pub(super) destroy: Destroy,
}

/// Somebody who comes to a slot, or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coming {
    /// Which.
    pub slot: usize,
    /// Who comes, after whoever was there; none if nobody does.
    pub member: Option<Arrival>,
}

/// Who comes to a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Since when.
    pub began: Time,
    /// A text for each label, in their order.
    pub labels: Vec<String>,
}

/// What a workload says during a call.
pub(super) struct Told<'a> {
    comings: &'a mut Vec<Coming>,
    labels: usize,
    slots: u32,
    /// How many may come and go.
    room: usize,
}

/// The state of a workload on one host, and the values in its slots.
#[derive(Debug)]
pub struct ModelInstance {
    prepared: Arc<PreparedWorkload>,
    /// The plugin's; none if it could not be made, or has panicked.
    state: Option<NonNull<c_void>>,
    values: Box<[f64]>,
}

// SAFETY: plugins have promised that a state may move between threads, as long as one at a time has it.
unsafe impl Send for ModelInstance {}
// SAFETY: who has but a shared reference does nothing with the state.
unsafe impl Sync for ModelInstance {}

impl ModelInstance {
    /// The state of a workload. What cannot be made fails at each update.
    #[must_use]
    pub fn start(prepared: &Arc<PreparedWorkload>) -> Self {
        let count = prepared.pool_size() * prepared.workload().families.len();
        Self {
            prepared: Arc::clone(prepared),
            state: create(prepared.workload(), prepared.given()).ok(),
            values: vec![0.0; count].into(),
        }
    }

    /// Goes on to a moment, or hears an event. Who comes and goes is added to `comings`, whether it fails or not.
    /// Gives whether values may have changed.
    pub fn ask(
        &mut self,
        moment: &Moment<'_>,
        side: &mut dyn HostContext,
        comings: &mut Vec<Coming>,
    ) -> Result<bool, String> {
        let (prepared, workload) = (&*self.prepared, self.prepared.workload());
        let Some(state) = self.state else {
            let why = "it is not asked any more, as it could not be made or has panicked";
            return Err(prepared.attribute(why));
        };
        // SLOTS_MAX is far below.
        let slots = u32::try_from(prepared.pool_size()).unwrap_or(0);
        let room = 2 * prepared.pool_size();
        let mut call = Call {
            emits: &workload.emits,
            told: Some(Told { comings, labels: workload.labels.len(), slots, room }),
            ..Call::about(&workload.origin, Some(side))
        };
        let tick = tick(NO_RANGE, moment, &mut call);
        // SAFETY: the state is from `create`, and this thread alone has it; the tick and the room for the values live as
        // long as the call, and nobody looks at the values during it.
        let status = unsafe {
            (workload.calls.update)(state.as_ptr(), &raw const tick, self.values.as_mut_ptr(), slots)
        };
        let outcome = call.judge(status);
        if call.has_panicked {
            self.end();
        }
        let has_changed = outcome.map_err(|error| self.prepared.attribute(&error))?;
        if let Some(place) = self.values.iter().position(|value| !value.is_finite()) {
            let value = self.values[place];
            let families = &self.prepared.workload().families;
            let (slot, family) = (place / families.len(), &families[place % families.len()].name);
            let why = format!("it gave {value} for {family} in slot {slot}, which is no finite number");
            return Err(self.prepared.attribute(&why));
        }
        Ok(has_changed)
    }

    /// The values in a slot, one for each metric. Not all need be numbers after a failure.
    #[must_use]
    pub fn values(&self, slot: usize) -> &[f64] {
        let count = self.prepared.workload().families.len();
        self.values.get(slot * count..(slot + 1) * count).unwrap_or_default()
    }

    fn end(&mut self) {
        if let Some(state) = self.state.take() {
            // SAFETY: the state is from `create` of the same workload, and nobody has it any more.
            unsafe { (self.prepared.workload().calls.destroy)(state.as_ptr()) };
        }
    }
}

impl Drop for ModelInstance {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes a state and ends it, to see whether the parameters are good; gives how many slots there are.
pub(in crate::plugin) fn pool_size_of(
    workload: &'static DeclaredWorkload,
    given: &[ParamValue],
) -> Result<usize, String> {
    let state = create(workload, given)?;
    // SAFETY: the state is from `create`.
    let slots = unsafe { (workload.calls.pool_size)(state.as_ptr()) };
    // SAFETY: this is its last use.
    unsafe { (workload.calls.destroy)(state.as_ptr()) };
    match slots {
        0 => Err("it does not say how many slots it has".to_owned()),
        1..=SLOTS_MAX => Ok(slots as usize),
        _ => Err(format!("it has {slots} slots, and {SLOTS_MAX} are allowed")),
    }
}

fn create(workload: &DeclaredWorkload, given: &[ParamValue]) -> Result<NonNull<c_void>, String> {
    let call = Call { emits: &workload.emits, ..Call::about(&workload.origin, None) };
    make(call, (workload.calls.create, workload.calls.destroy), given, 0.0, NO_RANGE)
}

impl Told<'_> {
    /// Somebody comes or goes, if that can be.
    fn tell(&mut self, slot: u32, member: Option<Arrival>) -> Result<(), String> {
        if slot >= self.slots {
            return Err(format!("it speaks of slot {slot}, and has {}", self.slots));
        }
        self.room = self.room.checked_sub(1).ok_or("more come and go at once than twice its slots")?;
        self.comings.push(Coming { slot: slot as usize, member });
        Ok(())
    }
}

pub(super) unsafe extern "C" fn begin(
    context: *mut c_void,
    slot: u32,
    began_nanos: u64,
    labels: *const Text,
) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    let Some(told) = &mut call.told else { return };
    // SAFETY: the plugin lends as many texts as the workload has labels.
    let labels = (0..told.labels).map(|n| label(unsafe { labels.add(n).read() }));
    let outcome = labels.collect::<Result<_, _>>().and_then(|labels| {
        told.tell(slot, Some(Arrival { began: Time::from_unix_nanos(began_nanos), labels }))
    });
    if let Err(why) = outcome {
        call.complain(|| why);
    }
}

pub(super) unsafe extern "C" fn end(context: *mut c_void, slot: u32) {
    // SAFETY: by the definition of the function.
    let call = unsafe { call(context) };
    let Some(told) = &mut call.told else { return };
    if let Err(why) = told.tell(slot, None) {
        call.complain(|| why);
    }
}

fn label(raw: Text) -> Result<String, String> {
    if raw.len > LABEL_BYTES_MAX || (raw.data.is_null() && raw.len > 0) {
        return Err(format!("a label is no text, or is longer than {LABEL_BYTES_MAX} bytes"));
    }
    // SAFETY: the plugin lends it for the call.
    let text = str::from_utf8(unsafe { raw.bytes() });
    text.map(str::to_owned).map_err(|_| format!("label {:?} is not UTF-8", message(raw)))
}
