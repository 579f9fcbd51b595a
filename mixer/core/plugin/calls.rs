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

/// Functions of a workload.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkloadCalls {
    pub(super) create: Create,
    pub(super) pool_size: unsafe extern "C" fn(*mut c_void) -> u32,
    pub(super) update: unsafe extern "C" fn(*mut c_void, *const abi::Tick, *mut f64, u32) -> i32,
    pub(super) destroy: Destroy,
}

/// Function of a config.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConfigCalls {
    pub(super) build: unsafe extern "C" fn(*const abi::Setup) -> i32,
}
