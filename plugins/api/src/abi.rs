//! The table between promemu and a plugin, as C lays it out; `promemu_plugin.h` says the same.
//!
//! The first eight bytes of [`Plugin`] and [`Host`] stay as they are for good: size, major, minor. Within one major
//! version fields are only ever appended: the reader looks at `size`, or at the size of an array's elements,
//! before it reads a field that came later. Texts and arrays of the table live as long as the library.

#![expect(unsafe_code, reason = "tables of constants are shared, and texts are pointers")]

use std::ffi::c_void;

/// Another major version is refused.
pub const ABI_MAJOR: u16 = 1;
/// Counts what was appended.
pub const ABI_MINOR: u16 = 1;
/// The name of the function that a plugin exports: an [`Entry`].
pub const SYMBOL: &str = "promemu_plugin_v1";
/// How the names of such functions of all major versions begin.
pub const SYMBOL_PREFIX: &str = "promemu_plugin_v";

/// A new value was given.
pub const OK: i32 = 0;
/// The present value is kept.
pub const KEEP: i32 = 1;
/// It failed; [`Host::fail`] was told why.
pub const FAILED: i32 = -1;
/// It panicked; [`Host::fail`] was told how. The instance is not asked again.
pub const PANICKED: i32 = -2;

/// [`Param::kind`]: a finite number.
pub const NUMBER: u32 = 1;
/// [`Param::kind`]: a duration, in seconds; infinite for an endless one.
pub const DURATION: u32 = 2;
/// [`Param::kind`]: two finite numbers, the first not above the second.
pub const RANGE: u32 = 3;
/// [`Param::kind`]: text.
pub const TEXT: u32 = 4;
/// [`Param::kind`]: one of the words in [`Param::choices`].
pub const CHOICE: u32 = 5;
/// [`Param::kind`]: finite numbers.
pub const NUMBERS: u32 = 6;

/// [`Scenario::flags`]: its values are totals, which a counter takes as they are.
pub const GIVES_TOTALS: u32 = 1;
/// [`Scenario::flags`]: it asks for [`Tick::dt_secs`].
pub const USES_DT: u32 = 2;

/// [`Family::kind`]: a number that goes up and down.
pub const GAUGE: u32 = 1;
/// [`Family::kind`]: a total, which only grows while somebody lives.
pub const COUNTER: u32 = 2;

/// [`Host::log`]: a line for debugging.
pub const DEBUG: i32 = 0;
/// [`Host::log`]: something to know.
pub const INFO: i32 = 1;
/// [`Host::log`]: something odd.
pub const WARN: i32 = 2;

/// The function that a plugin exports.
pub type Entry = unsafe extern "C" fn() -> *const Plugin;

/// Text in UTF-8, without a zero at its end; the data of an empty one may be null.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// The first byte.
    pub data: *const u8,
    /// How many bytes.
    pub len: usize,
}

/// What a plugin brings.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// How many bytes this table has.
    pub size: u32,
    /// [`ABI_MAJOR`].
    pub abi_major: u16,
    /// [`ABI_MINOR`].
    pub abi_minor: u16,
    /// The plugin's name.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// What it is, in one line.
    pub summary: Text,
    /// Its scenarios.
    pub scenarios: *const Scenario,
    /// How many.
    pub scenario_count: u32,
    /// How many bytes each has.
    pub scenario_size: u32,
    /// Its configs.
    pub configs: *const Config,
    /// How many.
    pub config_count: u32,
    /// How many bytes each has.
    pub config_size: u32,
    /// Its workloads; since 1.1.
    pub workloads: *const Workload,
    /// How many; since 1.1.
    pub workload_count: u32,
    /// How many bytes each has; since 1.1.
    pub workload_size: u32,
}

/// A kind of scenario.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The name in configs: a letter or `_`, then letters, digits and `_`.
    pub name: Text,
    /// What it does, in one line.
    pub summary: Text,
    /// Its parameters.
    pub params: *const Param,
    /// How many.
    pub param_count: u32,
    /// How many bytes each has.
    pub param_size: u32,
    /// The events that ask it for a value, separated by commas: `event`, `event@own`, `event@HOST`.
    pub listens: Text,
    /// The events that it may emit, separated by commas.
    pub emits: Text,
    /// [`GIVES_TOTALS`], [`USES_DT`].
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Makes the state of one metric; [`OK`] or a failure. It is also called once when a config is loaded, to see
    /// whether the parameters are good.
    pub create: Option<unsafe extern "C" fn(*const Setup, *mut *mut c_void) -> i32>,
    /// Makes a value; [`OK`], [`KEEP`] or a failure.
    pub update: Option<unsafe extern "C" fn(*mut c_void, *const Tick, *mut f64) -> i32>,
    /// Ends a state. Called once for each that was made.
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// A kind of workload: slots on a host, in each of which somebody lives or nobody, with labels and metrics that all
/// have alike. Since 1.1.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The name in configs, as for [`Scenario::name`].
    pub name: Text,
    /// What it does, in one line.
    pub summary: Text,
    /// Its parameters.
    pub params: *const Param,
    /// How many.
    pub param_count: u32,
    /// How many bytes each has.
    pub param_size: u32,
    /// The metrics of who lives in a slot.
    pub families: *const Family,
    /// How many.
    pub family_count: u32,
    /// How many bytes each has.
    pub family_size: u32,
    /// The names of the labels of who lives in a slot, separated by commas; they stand behind the host's.
    pub labels: Text,
    /// As for [`Scenario::listens`].
    pub listens: Text,
    /// As for [`Scenario::emits`].
    pub emits: Text,
    /// Makes the state of one host; [`OK`] or a failure. It is also called once when a config is loaded, to see
    /// whether the parameters are good.
    pub create: Option<unsafe extern "C" fn(*const Setup, *mut *mut c_void) -> i32>,
    /// Number of slots, some of which may be empty. Constant for a state; 0 if the call failed.
    pub pool_size: Option<unsafe extern "C" fn(*mut c_void) -> u32>,
    /// Says who comes and goes, by [`Host::begin`] and [`Host::end`], and writes values: those of the first slot,
    /// one for each family, then those of the second, and so on for as many slots as there are. What is not
    /// written stays as it was. [`OK`], [`KEEP`] if nothing has changed, or a failure.
    pub update: Option<unsafe extern "C" fn(*mut c_void, *const Tick, *mut f64, u32) -> i32>,
    /// Ends a state. Called once for each that was made.
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// A metric of a workload. Since 1.1.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// [`GAUGE`] or [`COUNTER`].
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// The metric's name.
    pub name: Text,
    /// What it says, with its unit.
    pub help: Text,
    /// Labels of its own beside those of the workload, as `name=value`, separated by commas. By them several of one
    /// name differ.
    pub labels: Text,
}

/// A config that is made when it is asked for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The name, as for [`Scenario::name`].
    pub name: Text,
    /// What it is, in one line.
    pub summary: Text,
    /// Its arguments.
    pub params: *const Param,
    /// How many.
    pub param_count: u32,
    /// How many bytes each has.
    pub param_size: u32,
    /// Hands the text of a `.ron` file to [`Host::write`]; [`OK`] or a failure.
    pub build: Option<unsafe extern "C" fn(*const Setup) -> i32>,
}

/// A parameter of a scenario, or an argument of a config.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// [`NUMBER`] to [`NUMBERS`].
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// The name in configs, as for [`Scenario::name`].
    pub name: Text,
    /// The default as it would be written: `2.5`, `90s`, `(0, 100)`, `[1, 2]`; none if it must be given.
    pub default: Text,
    /// What it is, with its unit.
    pub help: Text,
    /// The words of a [`CHOICE`], separated by commas.
    pub choices: Text,
}

/// A parameter's value. Never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The parameter's kind; that of a [`CHOICE`] is [`TEXT`].
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// A number, seconds, or the low end of a range.
    pub number: f64,
    /// The high end of a range.
    pub high: f64,
    /// A text or a choice.
    pub text: Text,
    /// The numbers of a list.
    pub numbers: *const f64,
    /// How many.
    pub numbers_len: usize,
}

/// What a scenario's state or a config is made of.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How many bytes this has.
    pub size: u32,
    /// How many values there are: one for each parameter, in their order.
    pub value_count: u32,
    /// The values.
    pub values: *const Value,
    /// What the metric shows; 0 for a config.
    pub value: f64,
    /// The low end of the metric's range; minus infinite without one.
    pub range_low: f64,
    /// The high end of the metric's range; infinite without one.
    pub range_high: f64,
    /// promemu's functions.
    pub host: *const Host,
    /// What they want to be handed.
    pub context: *mut c_void,
}

/// What a scenario sees when it is asked for a value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// How many bytes this has.
    pub size: u32,
    /// 1 if an event asks for this value, 0 if the metric's interval does.
    pub has_event: u32,
    /// The emulated time, in nanoseconds since the Unix epoch.
    pub now_nanos: u64,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the last update, and 0 at the first; only with [`USES_DT`].
    pub dt_secs: f64,
    /// What the metric shows.
    pub value: f64,
    /// The low end of the metric's range; minus infinite without one.
    pub range_low: f64,
    /// The high end of the metric's range; infinite without one.
    pub range_high: f64,
    /// The name of the metric's host.
    pub host_name: Text,
    /// The event's name.
    pub event_name: Text,
    /// The event's source.
    pub event_source: Text,
    /// What the event carries, in JSON; empty if that is nothing.
    pub event_data: Text,
    /// promemu's functions.
    pub host: *const Host,
    /// What they want to be handed.
    pub context: *mut c_void,
    /// 1 for a workload while time passes as the machine's does, in a live run at normal speed; else 0. Since 1.1.
    pub is_live: u32,
    /// 0.
    pub reserved: u32,
}

/// promemu's functions. They may be called during the call that handed the context over, by the same thread.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// How many bytes this table has.
    pub size: u32,
    /// [`ABI_MAJOR`].
    pub abi_major: u16,
    /// [`ABI_MINOR`].
    pub abi_minor: u16,
    /// 64 bits of the metric's own random stream; 0 where there is no metric.
    pub random_u64: unsafe extern "C" fn(*mut c_void) -> u64,
    /// A number of the standard normal distribution, from the same stream.
    pub random_normal: unsafe extern "C" fn(*mut c_void) -> f64,
    /// Why the call is about to give [`FAILED`] or [`PANICKED`].
    pub fail: unsafe extern "C" fn(*mut c_void, Text),
    /// A line for the log, at the level [`DEBUG`], [`INFO`] or [`WARN`].
    pub log: unsafe extern "C" fn(*mut c_void, i32, Text),
    /// The next part of what a config is: its text in RON.
    pub write: unsafe extern "C" fn(*mut c_void, Text),
    /// Emits one of the scenario's events, with JSON or nothing.
    pub emit: unsafe extern "C" fn(*mut c_void, Text, Text),
    /// Asks for another value at a moment of emulated time, beside the metric's interval.
    pub wake: unsafe extern "C" fn(*mut c_void, u64),
    /// Somebody lives in this slot from now on, after whoever was there: the slot, when that began in nanoseconds
    /// since the Unix epoch, and a text for each label. All values in the slot are to be
    /// written in the same call. Since 1.1.
    pub begin: unsafe extern "C" fn(*mut c_void, u32, u64, *const Text),
    /// Nobody lives in this slot any more. Since 1.1.
    pub end: unsafe extern "C" fn(*mut c_void, u32),
}

/// A size for a table.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "tables are small")]
pub const fn size_of_table<T>() -> u32 {
    size_of::<T>() as u32
}

// SAFETY: these are read only, and what they point to is constant.
unsafe impl Sync for Text {}
// SAFETY: as above.
unsafe impl Sync for Plugin {}
// SAFETY: as above.
unsafe impl Sync for Scenario {}
// SAFETY: as above.
unsafe impl Sync for Workload {}
// SAFETY: as above.
unsafe impl Sync for Family {}
// SAFETY: as above.
unsafe impl Sync for Config {}
// SAFETY: as above.
unsafe impl Sync for Param {}

impl Text {
    /// No text.
    pub const EMPTY: Self = Self::of("");

    /// This text.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        Self { data: text.as_ptr(), len: text.len() }
    }

    /// Its bytes.
    ///
    /// # Safety
    ///
    /// Unless it is empty or its data null, the data must point to `len` bytes that stay as they are for `'a`.
    #[must_use]
    pub const unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.data.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: as the caller has promised.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}
