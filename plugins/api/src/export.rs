//! Tables of the traits' implementations. Each function in them catches panics.

#![expect(unsafe_code, reason = "the functions of the table get pointers")]

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::{self, ABI_MAJOR, ABI_MINOR, FAILED, KEEP, OK, PANICKED, Text, size_of_table};
use crate::{ConfigBuilder, LABELS_MAX, Params, Pool, Refused, Scenario, Tick, Workload};

/// Builds the plugin's table and exports it. The plugin's name, version and summary are the package's.
///
/// ```ignore
/// export_plugin!(scenarios: [Climb, Fall], workloads: [Climbers], configs: [Mountains]);
/// ```
#[macro_export]
macro_rules! export_plugin {
    (
        $(scenarios: [$($scenario:ty),* $(,)?] $(,)?)?
        $(workloads: [$($workload:ty),* $(,)?] $(,)?)?
        $(configs: [$($config:ty),* $(,)?] $(,)?)?
    ) => {
        #[allow(unsafe_code, reason = "an exported name may collide with others")]
        const _: () = {
            static SCENARIOS: &[$crate::abi::Scenario] =
                &[$($($crate::for_macros::scenario::<$scenario>()),*)?];
            static WORKLOADS: &[$crate::abi::Workload] =
                &[$($($crate::for_macros::workload::<$workload>()),*)?];
            static CONFIGS: &[$crate::abi::Config] = &[$($($crate::for_macros::config::<$config>()),*)?];
            static PLUGIN: $crate::abi::Plugin = $crate::for_macros::plugin(
                [env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_DESCRIPTION")],
                SCENARIOS,
                WORKLOADS,
                CONFIGS,
            );

            #[unsafe(no_mangle)]
            extern "C" fn promemu_plugin_v2() -> *const $crate::abi::Plugin {
                &raw const PLUGIN
            }
        };
    };
}

/// The plugin's table: its name, version and summary, and its contents.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a plugin has few of each")]
pub const fn plugin(
    [name, version, summary]: [&'static str; 3],
    scenarios: &'static [abi::Scenario],
    workloads: &'static [abi::Workload],
    configs: &'static [abi::Config],
) -> abi::Plugin {
    abi::Plugin {
        size: size_of_table::<abi::Plugin>(),
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        name: Text::of(name),
        version: Text::of(version),
        summary: Text::of(summary),
        scenarios: scenarios.as_ptr(),
        scenario_count: scenarios.len() as u32,
        scenario_size: size_of_table::<abi::Scenario>(),
        configs: configs.as_ptr(),
        config_count: configs.len() as u32,
        config_size: size_of_table::<abi::Config>(),
        workloads: workloads.as_ptr(),
        workload_count: workloads.len() as u32,
        workload_size: size_of_table::<abi::Workload>(),
    }
}

/// The table of a scenario.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a scenario has few parameters")]
pub const fn scenario<S: Scenario>() -> abi::Scenario {
    abi::Scenario {
        name: Text::of(S::NAME),
        summary: Text::of(S::SUMMARY),
        params: S::PARAMS.as_ptr(),
        param_count: S::PARAMS.len() as u32,
        param_size: size_of_table::<abi::Param>(),
        listens: Text::of(S::LISTENS),
        emits: Text::of(S::EMITS),
        flags: if S::GIVES_TOTALS { abi::GIVES_TOTALS } else { 0 }
            | if S::USES_DT { abi::USES_DT } else { 0 },
        reserved: 0,
        create: Some(create::<S>),
        update: Some(update::<S>),
        destroy: Some(destroy_state::<S>),
    }
}

/// The table of a workload.
///
/// # Panics
///
/// With more than [`LABELS_MAX`] labels. As the table is a constant, such a plugin does not compile.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a workload has few parameters and metrics")]
pub const fn workload<W: Workload>() -> abi::Workload {
    assert!(labels_of(W::LABELS) <= LABELS_MAX, "a workload has too many labels");
    abi::Workload {
        name: Text::of(W::NAME),
        summary: Text::of(W::SUMMARY),
        params: W::PARAMS.as_ptr(),
        param_count: W::PARAMS.len() as u32,
        param_size: size_of_table::<abi::Param>(),
        families: W::FAMILIES.as_ptr(),
        family_count: W::FAMILIES.len() as u32,
        family_size: size_of_table::<abi::Family>(),
        labels: Text::of(W::LABELS),
        listens: Text::of(W::LISTENS),
        emits: Text::of(W::EMITS),
        create: Some(create_workload::<W>),
        pool_size: Some(pool_size::<W>),
        update: Some(update_workload::<W>),
        destroy: Some(destroy_state::<W>),
    }
}

/// Maximum number of labels in a list: its commas and one.
const fn labels_of(names: &str) -> usize {
    let (mut count, mut at) = (1, 0);
    while at < names.len() {
        if names.as_bytes()[at] == b',' {
            count += 1;
        }
        at += 1;
    }
    count
}

/// The table of a config.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a config has few arguments")]
pub const fn config<C: ConfigBuilder>() -> abi::Config {
    abi::Config {
        name: Text::of(C::NAME),
        summary: Text::of(C::SUMMARY),
        params: C::ARGS.as_ptr(),
        param_count: C::ARGS.len() as u32,
        param_size: size_of_table::<abi::Param>(),
        build: Some(build::<C>),
    }
}

unsafe extern "C" fn create<S: Scenario>(setup: *const abi::Setup, instance: *mut *mut c_void) -> i32 {
    // SAFETY: promemu passes a setup that lives as long as the call, and room for one pointer.
    unsafe { put(setup, instance, |setup| S::new(&Params::new(S::PARAMS, setup))) }
}

unsafe extern "C" fn create_workload<W: Workload>(
    setup: *const abi::Setup,
    instance: *mut *mut c_void,
) -> i32 {
    // SAFETY: as above.
    unsafe { put(setup, instance, |setup| W::new(&Params::new(W::PARAMS, setup))) }
}

/// Creates a state from a setup and stores its address.
///
/// # Safety
///
/// The setup must live as long as the call, and there must be room for one pointer.
unsafe fn put<T>(
    setup: *const abi::Setup,
    instance: *mut *mut c_void,
    new: impl FnOnce(&abi::Setup) -> Result<T, Refused>,
) -> i32 {
    // SAFETY: as the caller has promised.
    let setup = unsafe { &*setup };
    let made = match caught(|| new(setup).map_err(Refused::into_reason)) {
        Ok(made) => made,
        Err(failure) => return failure.report(setup.host, setup.context),
    };
    // SAFETY: as the caller has promised.
    unsafe { instance.write(Box::into_raw(Box::new(made)).cast()) };
    OK
}

unsafe extern "C" fn update<S: Scenario>(
    instance: *mut c_void,
    tick: *const abi::Tick,
    value: *mut f64,
) -> i32 {
    // SAFETY: the instance is from `create`, and promemu gives it to one thread at a time; the tick lives as long
    // as the call.
    let (instance, tick) = unsafe { (&mut *instance.cast::<S>(), &*tick) };
    match caught(|| instance.update(&mut Tick::new(tick))) {
        Ok(None) => KEEP,
        Ok(Some(given)) => {
            // SAFETY: promemu passes room for one value.
            unsafe { value.write(given) };
            OK
        }
        Err(failure) => failure.report(tick.host, tick.context),
    }
}

unsafe extern "C" fn pool_size<W: Workload>(instance: *mut c_void) -> u32 {
    // SAFETY: as above.
    let instance = unsafe { &*instance.cast::<W>() };
    caught(|| Ok(instance.pool_size())).unwrap_or_default()
}

unsafe extern "C" fn update_workload<W: Workload>(
    instance: *mut c_void,
    tick: *const abi::Tick,
    values: *mut f64,
    pool_size: u32,
) -> i32 {
    // SAFETY: as above.
    let (instance, tick) = unsafe { (&mut *instance.cast::<W>(), &*tick) };
    let families = W::FAMILIES.len();
    // SAFETY: promemu passes room for a value of each family in each slot, which nobody else has during the call.
    let values = unsafe { std::slice::from_raw_parts_mut(values, pool_size as usize * families) };
    match caught(|| instance.update(&mut Tick::new(tick), &mut Pool::new(tick, values, families))) {
        Ok(()) => OK,
        Err(failure) => failure.report(tick.host, tick.context),
    }
}

unsafe extern "C" fn destroy_state<S>(instance: *mut c_void) {
    let ended = caught(|| {
        // SAFETY: the instance is from `create`, and this is its last use.
        drop(unsafe { Box::from_raw(instance.cast::<S>()) });
        Ok(())
    });
    // A panic has been printed by Rust, and no caller could handle it.
    drop(ended);
}

unsafe extern "C" fn build<C: ConfigBuilder>(setup: *const abi::Setup) -> i32 {
    // SAFETY: promemu passes a setup that lives as long as the call.
    let setup = unsafe { &*setup };
    match caught(|| C::build(&Params::new(C::ARGS, setup)).map_err(Refused::into_reason)) {
        Ok(text) => {
            // SAFETY: promemu's table lives as long as the process, and the context as long as the call.
            unsafe { ((*setup.host).write)(setup.context, Text::of(&text)) };
            OK
        }
        Err(failure) => failure.report(setup.host, setup.context),
    }
}

enum Failure {
    Error(String),
    Panic(String),
}

impl Failure {
    fn report(self, host: *const abi::Host, context: *mut c_void) -> i32 {
        let (status, why) = match self {
            Self::Error(why) => (FAILED, why),
            Self::Panic(why) => (PANICKED, why),
        };
        if !why.is_empty() {
            // SAFETY: promemu's table lives as long as the process, and the context as long as the call.
            unsafe { ((*host).fail)(context, Text::of(&why)) };
        }
        status
    }
}

fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(Failure::Error),
        Err(payload) => Err(Failure::Panic(message(payload))),
    }
}

fn message(payload: Box<dyn Any + Send>) -> String {
    let payload = match payload.downcast::<String>() {
        Ok(text) => return *text,
        Err(payload) => payload,
    };
    match payload.downcast::<&str>() {
        Ok(text) => (*text).to_owned(),
        Err(payload) => {
            // Other payloads may panic when they are dropped.
            std::mem::forget(payload);
            "without a message".to_owned()
        }
    }
}
