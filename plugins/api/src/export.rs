//! Tables of the traits' implementations. Each function in them catches panics.

#![expect(unsafe_code, reason = "the functions of the table get pointers")]

use std::any::Any;
use std::cell::Cell;
use std::ffi::c_void;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use crate::abi::{self, ABI_MAJOR, ABI_MINOR, FAILED, KEEP, OK, PANICKED, Text, size_of_table};
use crate::{ConfigBuilder, Generator, Model, Params, Refused, Scenario, Table, Tables, Tick};

/// Builds the plugin's table and exports it. The plugin's name, version and summary are the package's.
///
/// ```ignore
/// export_plugin!(scenarios: [Climb, Fall], models: [Climbers], generators: [Racers], configs: [Mountains]);
/// ```
#[macro_export]
macro_rules! export_plugin {
    (
        $(scenarios: [$($scenario:ty),* $(,)?] $(,)?)?
        $(models: [$($model:ty),* $(,)?] $(,)?)?
        $(generators: [$($generator:ty),* $(,)?] $(,)?)?
        $(configs: [$($config:ty),* $(,)?] $(,)?)?
    ) => {
        #[allow(unsafe_code, reason = "an exported name may collide with others")]
        const _: () = {
            static SCENARIOS: &[$crate::abi::Scenario] =
                &[$($($crate::for_macros::scenario::<$scenario>()),*)?];
            static MODELS: &[$crate::abi::Model] = &[
                $($($crate::for_macros::model::<$model>(),)*)?
                $($($crate::for_macros::generator::<$generator>(),)*)?
            ];
            static CONFIGS: &[$crate::abi::Config] = &[$($($crate::for_macros::config::<$config>()),*)?];
            static PLUGIN: $crate::abi::Plugin = $crate::for_macros::plugin(
                [env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_DESCRIPTION")],
                SCENARIOS,
                MODELS,
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
    models: &'static [abi::Model],
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
        models: models.as_ptr(),
        model_count: models.len() as u32,
        model_size: size_of_table::<abi::Model>(),
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

/// The table of a model.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a model has few parameters")]
pub const fn model<M: Model>() -> abi::Model {
    abi::Model {
        name: Text::of(M::NAME),
        summary: Text::of(M::SUMMARY),
        params: M::PARAMS.as_ptr(),
        param_count: M::PARAMS.len() as u32,
        param_size: size_of_table::<abi::Param>(),
        listens: Text::of(M::LISTENS),
        emits: Text::of(M::EMITS),
        flags: 0,
        reserved: 0,
        create: Some(create_model::<M>),
        describe: Some(describe_model::<M>),
        advance: Some(advance_model::<M>),
        save: if M::SAVES { Some(save_model::<M>) } else { None },
        load: if M::SAVES { Some(load_model::<M>) } else { None },
        start: None,
        stop: None,
        destroy: Some(destroy_state::<M>),
    }
}

/// The table of a generator.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "a generator has few parameters")]
pub const fn generator<G: Generator>() -> abi::Model {
    abi::Model {
        name: Text::of(G::NAME),
        summary: Text::of(G::SUMMARY),
        params: G::PARAMS.as_ptr(),
        param_count: G::PARAMS.len() as u32,
        param_size: size_of_table::<abi::Param>(),
        listens: Text::of(G::LISTENS),
        emits: Text::of(G::EMITS),
        flags: abi::LIVE_ONLY,
        reserved: 0,
        create: Some(create_generator::<G>),
        describe: Some(describe_generator::<G>),
        advance: Some(collect::<G>),
        save: None,
        load: None,
        start: Some(start::<G>),
        stop: Some(stop::<G>),
        destroy: Some(destroy_state::<G>),
    }
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

unsafe extern "C" fn create_model<M: Model>(setup: *const abi::Setup, instance: *mut *mut c_void) -> i32 {
    // SAFETY: as above.
    unsafe { put(setup, instance, |setup| M::new(&Params::new(M::PARAMS, setup))) }
}

unsafe extern "C" fn create_generator<G: Generator>(
    setup: *const abi::Setup,
    instance: *mut *mut c_void,
) -> i32 {
    // SAFETY: as above.
    unsafe { put(setup, instance, |setup| G::new(&Params::new(G::PARAMS, setup))) }
}

unsafe extern "C" fn load_model<M: Model>(
    setup: *const abi::Setup,
    bytes: *const u8,
    len: usize,
    instance: *mut *mut c_void,
) -> i32 {
    let saved = Text { data: bytes, len };
    // SAFETY: as above; the bytes live as long as the call.
    unsafe { put(setup, instance, |setup| M::load(&Params::new(M::PARAMS, setup), saved.bytes())) }
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

unsafe extern "C" fn describe_model<M: Model>(instance: *mut c_void, setup: *const abi::Setup) -> i32 {
    // SAFETY: the instance is from `create`, and promemu gives it to one thread at a time; the setup lives as long as the
    // call.
    let (instance, setup) = unsafe { (&*instance.cast::<M>(), &*setup) };
    describe(caught(|| instance.describe()), setup)
}

unsafe extern "C" fn describe_generator<G: Generator>(
    instance: *mut c_void,
    setup: *const abi::Setup,
) -> i32 {
    // SAFETY: as above.
    let (instance, setup) = unsafe { (&*instance.cast::<G>(), &*setup) };
    describe(caught(|| instance.describe()), setup)
}

/// Tells promemu of the tables.
fn describe(tables: Result<Vec<Table>, Failure>, setup: &abi::Setup) -> i32 {
    let tables = match tables {
        Ok(tables) => tables,
        Err(failure) => return failure.report(setup.host, setup.context),
    };
    for table in &tables {
        let spec = table.lend();
        // SAFETY: promemu's table lives as long as the process, and the context as long as the call; what is passed is
        // borrowed for the call.
        unsafe { ((*setup.host).table)(setup.context, &raw const spec) };
        for family in table.families.iter().map(crate::Family::lend) {
            // SAFETY: as above.
            unsafe { ((*setup.host).family)(setup.context, &raw const family) };
        }
    }
    OK
}

unsafe extern "C" fn advance_model<M: Model>(
    instance: *mut c_void,
    tick: *const abi::Tick,
    tables: *const abi::Table,
    count: u32,
) -> i32 {
    // SAFETY: as above; promemu passes so many tables, whose values nobody else has during the call.
    let (instance, tick) = unsafe { (&mut *instance.cast::<M>(), &*tick) };
    // SAFETY: as above.
    let tables = unsafe { std::slice::from_raw_parts(tables, count as usize) };
    advance(tick, || instance.advance(&mut Tick::new(tick), &mut Tables::new(tick, tables)))
}

unsafe extern "C" fn collect<G: Generator>(
    instance: *mut c_void,
    tick: *const abi::Tick,
    tables: *const abi::Table,
    count: u32,
) -> i32 {
    // SAFETY: as above.
    let (instance, tick) = unsafe { (&mut *instance.cast::<G>(), &*tick) };
    // SAFETY: as above.
    let tables = unsafe { std::slice::from_raw_parts(tables, count as usize) };
    advance(tick, || instance.collect(&mut Tick::new(tick), &mut Tables::new(tick, tables)))
}

fn advance(tick: &abi::Tick, work: impl FnOnce() -> Result<(), String>) -> i32 {
    match caught(work) {
        Ok(()) => OK,
        Err(failure) => failure.report(tick.host, tick.context),
    }
}

unsafe extern "C" fn save_model<M: Model>(instance: *mut c_void, setup: *const abi::Setup) -> i32 {
    // SAFETY: as above.
    let (instance, setup) = unsafe { (&*instance.cast::<M>(), &*setup) };
    match caught(|| instance.save()) {
        Ok(bytes) => {
            // SAFETY: as above.
            unsafe { ((*setup.host).store)(setup.context, bytes.as_ptr(), bytes.len()) };
            OK
        }
        Err(failure) => failure.report(setup.host, setup.context),
    }
}

unsafe extern "C" fn start<G: Generator>(instance: *mut c_void, setup: *const abi::Setup) -> i32 {
    // SAFETY: as above.
    let (instance, setup) = unsafe { (&mut *instance.cast::<G>(), &*setup) };
    match caught(|| instance.start()) {
        Ok(()) => OK,
        Err(failure) => failure.report(setup.host, setup.context),
    }
}

unsafe extern "C" fn stop<G: Generator>(instance: *mut c_void, deadline_nanos: u64) {
    // SAFETY: as above.
    let instance = unsafe { &mut *instance.cast::<G>() };
    let stopped = caught(|| {
        instance.stop(Duration::from_nanos(deadline_nanos));
        Ok(())
    });
    // A panic has been printed by Rust, and no caller could handle it.
    drop(stopped);
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

thread_local! {
    /// `true` in a call of promemu's.
    static IS_CALLED: Cell<bool> = const { Cell::new(false) };
    /// The place of a panic in such a call.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, Failure> {
    tell_promemu_of_panics();
    // A call may be within another one: promemu calls back.
    let is_within = IS_CALLED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    IS_CALLED.set(is_within);
    match outcome {
        Ok(outcome) => outcome.map_err(Failure::Error),
        Err(payload) => {
            let place = PLACE.take().map(|place| format!(" ({place})")).unwrap_or_default();
            Err(Failure::Panic(message(payload) + &place))
        }
    }
}

/// A panic in a call of promemu's is not printed: it goes into promemu's log, which waits for no reader of standard error as a
/// print does, and takes no backtrace, for which memory may lack. Other threads of the plugin print as ever.
fn tell_promemu_of_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if IS_CALLED.get() {
                PLACE.set(panic.location().map(ToString::to_string));
            } else {
                usual(panic);
            }
        }));
    });
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
