//! The table between promemu and a plugin, in C layout; `promemu_plugin.h` is the same in C.
//!
//! The first eight bytes of [`Plugin`] and [`Host`] never change: size, major, minor. Within a major version fields are
//! only appended: a reader checks `size`, or the size of an array's elements, before it reads a field that came later.
//! Texts and arrays of the table live as long as the library.

#![expect(unsafe_code, reason = "tables of constants are shared, and texts are pointers")]

use std::ffi::c_void;

/// Plugins of another major version are refused.
pub const ABI_MAJOR: u16 = 2;
/// Raised with each appended field.
pub const ABI_MINOR: u16 = 1;
/// Name of the function that a plugin exports: an [`Entry`].
pub const SYMBOL: &str = "promemu_plugin_v2";
/// Prefix of the names of these functions of all major versions.
pub const SYMBOL_PREFIX: &str = "promemu_plugin_v";

/// The call succeeded: there is a new value, or the state was created.
pub const OK: i32 = 0;
/// The current value is kept.
pub const KEEP: i32 = 1;
/// The call failed; [`Host::fail`] has the reason.
pub const FAILED: i32 = -1;
/// The call panicked; [`Host::fail`] has the message. The state is only destroyed after that.
pub const PANICKED: i32 = -2;

/// [`Param::kind`]: a finite number.
pub const NUMBER: u32 = 1;
/// [`Param::kind`]: a duration in seconds; infinite if endless.
pub const DURATION: u32 = 2;
/// [`Param::kind`]: two finite numbers, the first not above the second.
pub const RANGE: u32 = 3;
/// [`Param::kind`]: text.
pub const TEXT: u32 = 4;
/// [`Param::kind`]: one of the words in [`Param::choices`].
pub const CHOICE: u32 = 5;
/// [`Param::kind`]: finite numbers.
pub const NUMBERS: u32 = 6;
/// [`Param::kind`]: values that all have the declaration of the only one of [`Param::fields`].
pub const LIST: u32 = 7;
/// [`Param::kind`]: the same, each under a text of its own.
pub const MAP: u32 = 8;
/// [`Param::kind`]: a value for each of [`Param::fields`].
pub const RECORD: u32 = 9;

/// [`Param::flags`]: the value may be in a file of its own, whose path, ending in `.ron`, stands in its place; for a
/// [`LIST`], a [`MAP`] or a [`RECORD`].
pub const FROM_FILE: u32 = 1;

/// [`Scenario::flags`]: its values are totals, which a counter shows as they are.
pub const GIVES_TOTALS: u32 = 1;
/// [`Scenario::flags`]: it reads [`Tick::dt_secs`].
pub const USES_DT: u32 = 2;

/// [`Family::kind`]: a number that goes up and down.
pub const GAUGE: u32 = 1;
/// [`Family::kind`]: a total, which only grows during the life of a row.
pub const COUNTER: u32 = 2;
/// [`Family::kind`]: observations in buckets with [`Family::bounds`].
pub const HISTOGRAM: u32 = 3;
/// [`Family::kind`]: observations in buckets of exponential width.
pub const NATIVE_HISTOGRAM: u32 = 4;
/// [`Family::kind`]: always 1; the row's labels are the information.
pub const INFO_FAMILY: u32 = 5;
/// [`Family::kind`]: the value is the number of one of [`Family::states`], from 0 on.
pub const STATESET: u32 = 6;

/// [`Family::flags`]: the values are shown as they are; those of others are rounded to two decimals.
pub const UNROUNDED: u32 = 1;

/// [`Model::flags`]: a generator: it does real work, has `start` and `stop`, and no virtual time.
pub const LIVE_ONLY: u32 = 1;

/// [`Host::log`]: a debug line.
pub const DEBUG: i32 = 0;
/// [`Host::log`]: an informational line.
pub const INFO: i32 = 1;
/// [`Host::log`]: a warning.
pub const WARN: i32 = 2;

/// The function that a plugin exports.
pub type Entry = unsafe extern "C" fn() -> *const Plugin;

/// Text in UTF-8 without a terminating zero; the data of an empty text may be null.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// First byte.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
}

/// A plugin.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Plugin {
    /// Size of this table in bytes.
    pub size: u32,
    /// [`ABI_MAJOR`].
    pub abi_major: u16,
    /// [`ABI_MINOR`].
    pub abi_minor: u16,
    /// Name of the plugin.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// One line on its purpose.
    pub summary: Text,
    /// Its scenarios.
    pub scenarios: *const Scenario,
    /// Number of scenarios.
    pub scenario_count: u32,
    /// Size of each in bytes.
    pub scenario_size: u32,
    /// Its configs.
    pub configs: *const Config,
    /// Number of configs.
    pub config_count: u32,
    /// Size of each in bytes.
    pub config_size: u32,
    /// Its models and generators.
    pub models: *const Model,
    /// Number of models.
    pub model_count: u32,
    /// Size of each in bytes.
    pub model_size: u32,
}

/// A scenario.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Name in configs: a letter or `_`, then letters, digits and `_`.
    pub name: Text,
    /// One line on its purpose.
    pub summary: Text,
    /// Its parameters.
    pub params: *const Param,
    /// Number of parameters.
    pub param_count: u32,
    /// Size of each in bytes.
    pub param_size: u32,
    /// Events that cause an update, separated by commas: `event`, `event@own`, `event@HOST`.
    pub listens: Text,
    /// Events that it may emit, separated by commas.
    pub emits: Text,
    /// [`GIVES_TOTALS`] and [`USES_DT`], or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Creates the state of one metric; [`OK`] or a failure. Also called when a config is loaded, to check the
    /// parameters.
    pub create: Option<unsafe extern "C" fn(*const Setup, *mut *mut c_void) -> i32>,
    /// Computes a value; [`OK`], [`KEEP`] or a failure.
    pub update: Option<unsafe extern "C" fn(*mut c_void, *const Tick, *mut f64) -> i32>,
    /// Destroys a state. Called once for each state.
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// A model: tables of rows that begin and end on a host, each with labels and values. With [`LIVE_ONLY`] it is a
/// generator, which measures real work of its own.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Name in configs, as for [`Scenario::name`].
    pub name: Text,
    /// One line on its purpose.
    pub summary: Text,
    /// Its parameters.
    pub params: *const Param,
    /// Number of parameters.
    pub param_count: u32,
    /// Size of each in bytes.
    pub param_size: u32,
    /// As for [`Scenario::listens`].
    pub listens: Text,
    /// As for [`Scenario::emits`].
    pub emits: Text,
    /// [`LIVE_ONLY`], or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// Creates the state of one host; [`OK`] or a failure. Also called when a config is loaded, to check the
    /// parameters: a generator starts nothing here.
    pub create: Option<unsafe extern "C" fn(*const Setup, *mut *mut c_void) -> i32>,
    /// Describes the tables by [`Host::table`] and [`Host::family`]; [`OK`] or a failure. The same parameters must give
    /// the same tables.
    pub describe: Option<unsafe extern "C" fn(*mut c_void, *const Setup) -> i32>,
    /// Begins and ends rows, writes values and observes, for one tick; the last argument is the number of tables. Values
    /// that are not written stay. [`OK`], [`KEEP`] if nothing has changed, or a failure. A generator returns at once.
    pub advance: Option<unsafe extern "C" fn(*mut c_void, *const Tick, *const Table, u32) -> i32>,
    /// Writes the state by [`Host::store`]; [`OK`] or a failure. May be null: then there are no snapshots.
    pub save: Option<unsafe extern "C" fn(*mut c_void, *const Setup) -> i32>,
    /// Creates a state from what `save` has written; its bytes and their number. Null if `save` is.
    pub load: Option<unsafe extern "C" fn(*const Setup, *const u8, usize, *mut *mut c_void) -> i32>,
    /// Of a generator: starts its threads; called once, before the first tick.
    pub start: Option<unsafe extern "C" fn(*mut c_void, *const Setup) -> i32>,
    /// Of a generator: ends its threads within so many nanoseconds. Called once, after the last tick, by a thread of its
    /// own. A generator that takes longer is left behind.
    pub stop: Option<unsafe extern "C" fn(*mut c_void, u64)>,
    /// Destroys a state. Called once for each state.
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// A table that a model describes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TableSpec {
    /// Size of this struct in bytes.
    pub size: u32,
    /// The most rows at a time.
    pub rows_max: u32,
    /// Name of the table: letters, digits and `_`. Different for each table of a model.
    pub name: Text,
    /// Names of a row's labels, separated by commas; they follow the host's labels. A table without labels has one row.
    pub labels: Text,
}

/// A metric of a table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Size of this struct in bytes.
    pub size: u32,
    /// [`GAUGE`] to [`STATESET`].
    pub kind: u32,
    /// Name of the metric.
    pub name: Text,
    /// Its meaning: the HELP text.
    pub help: Text,
    /// Its unit, as in `seconds`; empty without one.
    pub unit: Text,
    /// Its own labels beside those of the row, as `name=value`, separated by commas. Families of one name must differ in
    /// them.
    pub labels: Text,
    /// Bounds of a [`HISTOGRAM`], each above the one before.
    pub bounds: *const f64,
    /// Number of bounds.
    pub bound_count: u32,
    /// Schema of a [`NATIVE_HISTOGRAM`]: a bucket is 2 to the power of 2 to the power of minus this wide, as in Prometheus.
    pub schema: i32,
    /// States of a [`STATESET`], separated by commas.
    pub states: Text,
    /// [`UNROUNDED`], or 0. Since version 2.1.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// The values of a table during a tick. This struct never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Those of the first row, one for each family, then those of the second, and so on for all rows, present or not. A
    /// histogram has a place, which is not used.
    pub values: *mut f64,
    /// Number of rows.
    pub rows: u32,
    /// Number of families.
    pub families: u32,
}

/// A config that is built on demand.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Name, as for [`Scenario::name`].
    pub name: Text,
    /// One line on its purpose.
    pub summary: Text,
    /// Its arguments.
    pub params: *const Param,
    /// Number of parameters.
    pub param_count: u32,
    /// Size of each in bytes.
    pub param_size: u32,
    /// Passes the text of a `.ron` file to [`Host::write`]; [`OK`] or a failure.
    pub build: Option<unsafe extern "C" fn(*const Setup) -> i32>,
}

/// A parameter of a scenario, or an argument of a config.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// [`NUMBER`] to [`RECORD`].
    pub kind: u32,
    /// [`FROM_FILE`], or 0.
    pub flags: u32,
    /// Name in configs, as for [`Scenario::name`].
    pub name: Text,
    /// Default, as in a config: `2.5`, `90s`, `(0, 100)`, `[1, 2]`; for a list, a map or a record `[]`, `{}` or `()`, in
    /// which all has its default, or one of its choices. Empty if the parameter is required.
    pub default: Text,
    /// Its meaning, with its unit.
    pub help: Text,
    /// Words of a [`CHOICE`], separated by commas. With a [`RANGE`] one of them stands before it, as in `steady(0, 1)`; with
    /// a [`LIST`], a [`MAP`] or a [`RECORD`] one of them may stand in its place.
    pub choices: Text,
    /// Declaration of the values in a [`LIST`] or a [`MAP`], or the fields of a [`RECORD`].
    pub fields: *const Self,
    /// Number of fields.
    pub field_count: u32,
    /// Size of each in bytes.
    pub field_size: u32,
}

/// A parameter's value. This table never grows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// Kind of the parameter; [`TEXT`] for a [`CHOICE`], and for a word in place of a list, a map or a record.
    pub kind: u32,
    /// 0.
    pub reserved: u32,
    /// Number, seconds, or low end of a range.
    pub number: f64,
    /// High end of a range.
    pub high: f64,
    /// Text or choice, or the word before a range.
    pub text: Text,
    /// Numbers of [`NUMBERS`].
    pub numbers: *const f64,
    /// Their number.
    pub numbers_len: usize,
    /// Values of a [`LIST`] or a [`MAP`], or one for each field of a [`RECORD`].
    pub items: *const Self,
    /// The text of each value of a [`MAP`].
    pub keys: *const Text,
    /// Number of values.
    pub item_count: usize,
}

/// Input to create a state or to build a config.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Size of this table in bytes.
    pub size: u32,
    /// Number of values: one for each parameter, in their order.
    pub value_count: u32,
    /// Values; a parameter that was not set has its default.
    pub values: *const Value,
    /// Current value of the metric; 0 for a config or a model.
    pub value: f64,
    /// Low end of the metric's range; minus infinity without a range.
    pub range_low: f64,
    /// High end of the metric's range; infinity without a range.
    pub range_high: f64,
    /// promemu's functions.
    pub host: *const Host,
    /// First argument of these functions.
    pub context: *mut c_void,
}

/// Input of an update.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// Size of this table in bytes.
    pub size: u32,
    /// 1 if an event caused the update, 0 if the interval did.
    pub has_event: u32,
    /// Emulated time, in nanoseconds since the Unix epoch.
    pub now_nanos: u64,
    /// Seconds since the metric's start.
    pub t_secs: f64,
    /// Seconds since the last update, and 0 at the first; only with [`USES_DT`].
    pub dt_secs: f64,
    /// Current value of the metric.
    pub value: f64,
    /// Low end of the metric's range; minus infinity without a range.
    pub range_low: f64,
    /// High end of the metric's range; infinity without a range.
    pub range_high: f64,
    /// Name of the host.
    pub host_name: Text,
    /// Name of the event.
    pub event_name: Text,
    /// Host that emitted the event.
    pub event_source: Text,
    /// Data of the event in JSON; empty without data.
    pub event_data: Text,
    /// promemu's functions.
    pub host: *const Host,
    /// First argument of these functions.
    pub context: *mut c_void,
    /// 1 for a model in a live run at normal speed, else 0.
    pub is_live: u32,
    /// 0.
    pub reserved: u32,
}

/// promemu's functions. They may be called during the call that passed the context, by its thread.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Size of this table in bytes.
    pub size: u32,
    /// [`ABI_MAJOR`].
    pub abi_major: u16,
    /// [`ABI_MINOR`].
    pub abi_minor: u16,
    /// 64 bits of the metric's own random stream; 0 while a state is created or a config is built.
    pub random_u64: unsafe extern "C" fn(*mut c_void) -> u64,
    /// A number of the standard normal distribution, from the same stream.
    pub random_normal: unsafe extern "C" fn(*mut c_void) -> f64,
    /// Sets the reason before the call returns [`FAILED`] or [`PANICKED`].
    pub fail: unsafe extern "C" fn(*mut c_void, Text),
    /// Refuses a parameter while a state is created: its path, as in `profile.programs[0].threads` or `prices["a"]`, and
    /// the reason, as in `must be above 0, but is -1`. May be called for several parameters before the call returns
    /// [`FAILED`]; each error stands at its parameter's place in the config.
    pub refuse: unsafe extern "C" fn(*mut c_void, Text, Text),
    /// Logs a line at the level [`DEBUG`], [`INFO`] or [`WARN`].
    pub log: unsafe extern "C" fn(*mut c_void, i32, Text),
    /// Appends to the text of a config.
    pub write: unsafe extern "C" fn(*mut c_void, Text),
    /// Emits one of the declared events, with data in JSON or an empty text.
    pub emit: unsafe extern "C" fn(*mut c_void, Text, Text),
    /// Requests another update at an emulated time, in addition to the interval.
    pub wake: unsafe extern "C" fn(*mut c_void, u64),
    /// Begins a row, and ends the previous one in its place: the table, the row, the row's start in nanoseconds since the
    /// Unix epoch, and a text for each label. The same call must write all values of the row.
    pub begin: unsafe extern "C" fn(*mut c_void, u32, u32, u64, *const Text),
    /// Ends a row of a table.
    pub end: unsafe extern "C" fn(*mut c_void, u32, u32),
    /// Observes a value so many times: the table, the row, the family, the value, the count.
    pub observe: unsafe extern "C" fn(*mut c_void, u32, u32, u32, f64, u64),
    /// Adds a table to a model's description. The families that follow are of this table.
    pub table: unsafe extern "C" fn(*mut c_void, *const TableSpec),
    /// Adds a family to the last table.
    pub family: unsafe extern "C" fn(*mut c_void, *const Family),
    /// Appends bytes to a saved state.
    pub store: unsafe extern "C" fn(*mut c_void, *const u8, usize),
    /// The value of the run's lever of this name at a time, in nanoseconds since the Unix epoch; [`KEEP`] if there is no
    /// such lever. Of a time after the tick's it is what the run's timeline says so far.
    pub lever_at: unsafe extern "C" fn(*mut c_void, Text, u64, *mut f64) -> i32,
    /// The first time after another at which the run's lever of this name jumps, or begins or ends to move, as far as the
    /// run's timeline says; [`KEEP`] if there is no such time or lever.
    pub lever_edge: unsafe extern "C" fn(*mut c_void, Text, u64, *mut u64) -> i32,
}

/// Size of a table in bytes.
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
unsafe impl Sync for Model {}
// SAFETY: as above.
unsafe impl Sync for Family {}
// SAFETY: as above.
unsafe impl Sync for Config {}
// SAFETY: as above.
unsafe impl Sync for Param {}

impl Text {
    /// The empty text.
    pub const EMPTY: Self = Self::of("");

    /// A text that borrows from `text`.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        Self { data: text.as_ptr(), len: text.len() }
    }

    /// The bytes of the text.
    ///
    /// # Safety
    ///
    /// Unless it is empty or its data null, the data must point to `len` bytes that stay unchanged for `'a`.
    #[must_use]
    pub const unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.data.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: as the caller has promised.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}
