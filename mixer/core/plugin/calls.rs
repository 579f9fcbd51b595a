//! Signatures of the functions that a plugin provides, checked to be there. They are called in `boundary` only.

use std::ffi::c_void;

use promemu_plugin::abi;

pub(super) type Create = unsafe extern "C" fn(*const abi::Setup, *mut *mut c_void) -> i32;
pub(super) type Destroy = unsafe extern "C" fn(*mut c_void);

/// Functions of a scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScenarioCalls {
    pub(super) create: Create,
    pub(super) update: unsafe extern "C" fn(*mut c_void, *const abi::Tick, *mut f64) -> i32,
    pub(super) destroy: Destroy,
}

/// A function of a model that gets its state and a setup.
pub(super) type OfState = unsafe extern "C" fn(*mut c_void, *const abi::Setup) -> i32;
/// Creates a state from a saved one.
pub(super) type Load = unsafe extern "C" fn(*const abi::Setup, *const u8, usize, *mut *mut c_void) -> i32;

/// Functions of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelCalls {
    pub(super) create: Create,
    pub(super) describe: OfState,
    pub(super) advance: unsafe extern "C" fn(*mut c_void, *const abi::Tick, *const abi::Table, u32) -> i32,
    /// `None` without snapshots.
    pub(super) saving: Option<(OfState, Load)>,
    /// Start and stop of a generator; `None` for a model.
    pub(super) work: Option<(OfState, Stop)>,
    pub(super) destroy: Destroy,
}

/// Ends a generator's threads within so many nanoseconds.
pub(super) type Stop = unsafe extern "C" fn(*mut c_void, u64);

/// Function of a config.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConfigCalls {
    pub(super) build: unsafe extern "C" fn(*const abi::Setup) -> i32,
}
