//! The functions in the table of a Rust plugin, called as promemu calls them.

#![expect(
    unsafe_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "they are called through pointers, and helpers of tests fail as tests do"
)]

use std::ffi::c_void;
use std::ptr::null_mut;

use promemu_plugin::abi::{self, FAILED, KEEP, OK, PANICKED, Text, size_of_table};
use promemu_plugin::for_macros::{config, model, plugin, scenario};
use promemu_plugin::{
    ConfigBuilder, Family, Level, Model, Param, Params, Refused, Scenario, Table, Tables, Tick,
};

/// Acts by its parameter.
struct Actor {
    mode: String,
}

/// A panic's payload that panics again when it is dropped.
struct Spiteful;

impl Drop for Spiteful {
    fn drop(&mut self) {
        panic!("and again");
    }
}

impl Scenario for Actor {
    const NAME: &'static str = "actor";
    const SUMMARY: &'static str = "acts";
    const PARAMS: &'static [Param] = &[
        Param::choice("mode", "good,bad", "good", "what it does"),
        Param::number("number", "2.5", ""),
        Param::duration("wait", "90s", ""),
        Param::range("range", "(0, 1)", ""),
        Param::text("text", "", ""),
        Param::numbers("numbers", "[1, 2]", ""),
    ];
    const LISTENS: &'static str = "boost";
    const EMITS: &'static str = "done";
    const USES_DT: bool = true;

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        match params.choice("mode") {
            "refuse" => Err(params.refuse("mode", "is wrong")),
            "misname" => Err(params.text("mode").into()),
            mode => {
                assert_eq!((params.number("number"), params.seconds("wait")), (2.5, 90.0));
                assert_eq!((params.range("range"), params.text("text")), ((0.0, 1.0), "täxt"));
                assert_eq!(params.numbers("numbers"), [1.0, 2.0]);
                assert_eq!((params.metric_range(), params.metric_value()), (Some((0.0, 100.0)), 3.0));
                Ok(Self { mode: mode.to_owned() })
            }
        }
    }

    fn update(&mut self, tick: &mut Tick<'_>) -> Result<Option<f64>, String> {
        match self.mode.as_str() {
            "keep" => Ok(None),
            "fail" => Err("no value today".to_owned()),
            "panic" => panic!("at {}", tick.t_secs()),
            "spite" => std::panic::panic_any(Spiteful),
            _ => {
                let event = tick.event().unwrap();
                assert_eq!((event.name, event.source, event.data), ("boost", "other", "1"));
                assert_eq!((tick.now_nanos(), tick.dt_secs(), tick.host_name()), (7, 0.5, "web-1"));
                tick.emit("done", "{}");
                tick.wake_at(9);
                tick.log(Level::Warn, "careful");
                Ok(Some(tick.uniform(10.0, 20.0) + tick.normal() + tick.value() + tick.range().1))
            }
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        assert_ne!(self.mode, "panic", "it has a bad end, too");
    }
}

struct Maker;

impl ConfigBuilder for Maker {
    const NAME: &'static str = "maker";
    const SUMMARY: &'static str = "makes";
    const ARGS: &'static [Param] = &[Param::number("hosts", "3", "how many")];

    fn build(args: &Params<'_>) -> Result<String, Refused> {
        if args.number("hosts") < 1.0 {
            return Err("hosts must be 1 or more".into());
        }
        Ok(format!("hosts: {}", args.number("hosts")))
    }
}

/// A model with one row that begins and one that ends.
struct Crowd {
    rows: f64,
}

impl Model for Crowd {
    const NAME: &'static str = "crowd";
    const SUMMARY: &'static str = "comes and goes";
    const PARAMS: &'static [Param] = &[Param::number("rows", "3", "how many")];
    const LISTENS: &'static str = "alarm";
    const EMITS: &'static str = "empty";
    const SAVES: bool = true;

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let rows = params.number("rows");
        if rows < 1.0 { Err(params.refuse("rows", "must be 1 or more")) } else { Ok(Self { rows }) }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
    fn describe(&self) -> Result<Vec<Table>, String> {
        assert!(self.rows < 100.0, "too many");
        Ok(vec![Table {
            name: "crowd".to_owned(),
            labels: "who, where".to_owned(),
            rows_max: self.rows as u32,
            families: vec![
                Family::gauge("height", "how tall"),
                Family::histogram("steps", "how far", &[1.0, 2.0]).labelled("foot=left"),
            ],
        }])
    }

    fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        tables.begin(0, 1, tick.now_nanos(), &["ann", "hall"]);
        tables.row(0, 1)[1] = 12.0;
        tables.set(0, 2, 0, 1.5);
        tables.add(0, 2, 1, -7.0);
        tables.set(0, 2, 9, 1.0);
        tables.end(0, 0);
        tables.observe(0, 1, 1, 0.5, 3);
        assert!(tables.row(0, 3).is_empty() && tables.row(1, 0).is_empty());
        assert!(tick.is_live());
        assert_eq!(tick.lever_at("load", 7), Some(2.0));
        assert_eq!(tick.lever_at("other", 7), None);
        assert_eq!((tick.lever_edge("load", 7), tick.lever_edge("load", 9)), (Some(9), None));
        tick.emit("empty", "");
        if tick.host_name().is_empty() { Err("there is no host".to_owned()) } else { Ok(()) }
    }

    fn save(&self) -> Result<Vec<u8>, String> {
        Ok(self.rows.to_le_bytes().to_vec())
    }

    fn load(_params: &Params<'_>, saved: &[u8]) -> Result<Self, Refused> {
        let bytes = saved.try_into().map_err(|_| "it is no number")?;
        Ok(Self { rows: f64::from_le_bytes(bytes) })
    }
}

static MODELS: &[abi::Model] = &[model::<Crowd>()];
static SCENARIOS: &[abi::Scenario] = &[scenario::<Actor>()];
static CONFIGS: &[abi::Config] = &[config::<Maker>()];

/// Calls of the host's functions.
fn said<'a>(context: *mut c_void) -> &'a mut Vec<String> {
    // SAFETY: all contexts of these tests are that.
    unsafe { &mut *context.cast() }
}

fn text(text: Text) -> String {
    // SAFETY: all texts of these tests live long enough.
    String::from_utf8(unsafe { text.bytes() }.to_vec()).unwrap()
}

unsafe extern "C" fn random_u64(_context: *mut c_void) -> u64 {
    1 << 63
}

unsafe extern "C" fn random_normal(_context: *mut c_void) -> f64 {
    0.25
}

unsafe extern "C" fn fail(context: *mut c_void, why: Text) {
    said(context).push(format!("fail {}", text(why)));
}

unsafe extern "C" fn refuse(context: *mut c_void, path: Text, why: Text) {
    said(context).push(format!("refuse {} {}", text(path), text(why)));
}

unsafe extern "C" fn log(context: *mut c_void, level: i32, line: Text) {
    said(context).push(format!("log {level} {}", text(line)));
}

unsafe extern "C" fn write(context: *mut c_void, part: Text) {
    said(context).push(format!("write {}", text(part)));
}

unsafe extern "C" fn emit(context: *mut c_void, event: Text, json: Text) {
    said(context).push(format!("emit {} {}", text(event), text(json)));
}

unsafe extern "C" fn wake(context: *mut c_void, at: u64) {
    said(context).push(format!("wake {at}"));
}

unsafe extern "C" fn begin(context: *mut c_void, table: u32, row: u32, began: u64, labels: *const Text) {
    // SAFETY: the model of these tests has two labels.
    let [who, place] = unsafe { labels.cast::<[Text; 2]>().read() };
    said(context).push(format!("begin {table} {row} {began} {} {}", text(who), text(place)));
}

unsafe extern "C" fn end(context: *mut c_void, table: u32, row: u32) {
    said(context).push(format!("end {table} {row}"));
}

unsafe extern "C" fn observe(
    context: *mut c_void,
    table: u32,
    row: u32,
    family: u32,
    value: f64,
    count: u64,
) {
    said(context).push(format!("observe {table} {row} {family} {value} {count}"));
}

unsafe extern "C" fn table(context: *mut c_void, spec: *const abi::TableSpec) {
    // SAFETY: the model lends it for the call.
    let spec = unsafe { &*spec };
    said(context).push(format!("table {} {} {}", text(spec.name), spec.rows_max, text(spec.labels)));
}

unsafe extern "C" fn family(context: *mut c_void, family: *const abi::Family) {
    // SAFETY: the model lends it for the call.
    let family = unsafe { &*family };
    let name = text(family.name);
    said(context).push(format!(
        "family {name} {} {} {}",
        family.kind,
        family.bound_count,
        text(family.labels)
    ));
}

unsafe extern "C" fn store(context: *mut c_void, bytes: *const u8, len: usize) {
    // SAFETY: the model lends them for the call.
    let bytes = unsafe { Text { data: bytes, len }.bytes() };
    said(context).push(format!("store {bytes:?}"));
}

unsafe extern "C" fn lever_at(_context: *mut c_void, name: Text, at: u64, value: *mut f64) -> i32 {
    if text(name) != "load" || at != 7 {
        return KEEP;
    }
    // SAFETY: the plugin passes room for one number.
    unsafe { value.write(2.0) };
    OK
}

unsafe extern "C" fn lever_edge(_context: *mut c_void, name: Text, after: u64, at: *mut u64) -> i32 {
    if text(name) != "load" || after >= 9 {
        return KEEP;
    }
    // SAFETY: the plugin passes room for one number.
    unsafe { at.write(9) };
    OK
}

static HOST: abi::Host = abi::Host {
    size: size_of_table::<abi::Host>(),
    abi_major: abi::ABI_MAJOR,
    abi_minor: abi::ABI_MINOR,
    random_u64,
    random_normal,
    fail,
    refuse,
    log,
    write,
    emit,
    wake,
    begin,
    end,
    observe,
    table,
    family,
    store,
    lever_at,
    lever_edge,
};

const NUMBERS: [f64; 2] = [1.0, 2.0];

fn value(number: f64, high: f64, text: &'static str) -> abi::Value {
    let (numbers, numbers_len) = (NUMBERS.as_ptr(), NUMBERS.len());
    abi::Value {
        kind: 0,
        reserved: 0,
        number,
        high,
        text: Text::of(text),
        numbers,
        numbers_len,
        items: std::ptr::null(),
        keys: std::ptr::null(),
        item_count: 0,
    }
}

fn setup(values: &[abi::Value], said: &mut Vec<String>) -> abi::Setup {
    abi::Setup {
        size: size_of_table::<abi::Setup>(),
        value_count: u32::try_from(values.len()).unwrap(),
        values: values.as_ptr(),
        value: 3.0,
        range_low: 0.0,
        range_high: 100.0,
        host: &raw const HOST,
        context: std::ptr::from_mut(said).cast(),
    }
}

fn tick(host_name: &'static str, said: &mut Vec<String>) -> abi::Tick {
    abi::Tick {
        size: size_of_table::<abi::Tick>(),
        has_event: 1,
        now_nanos: 7,
        t_secs: 1.5,
        dt_secs: 0.5,
        value: 1.0,
        range_low: 0.0,
        range_high: 100.0,
        host_name: Text::of(host_name),
        event_name: Text::of("boost"),
        event_source: Text::of("other"),
        event_data: Text::of("1"),
        host: &raw const HOST,
        context: std::ptr::from_mut(said).cast(),
        is_live: 1,
        reserved: 0,
    }
}

/// Creates an actor, updates it once and destroys it. Returns the statuses, the value and the host's calls.
fn act(mode: &'static str) -> (i32, Option<i32>, f64, Vec<String>) {
    let mut said = Vec::new();
    let none = value(0.0, 0.0, "");
    let values = [value(0.0, 0.0, mode), value(2.5, 0.0, ""), value(90.0, 0.0, ""), value(0.0, 1.0, "")];
    let values = [&values[..], &[value(0.0, 0.0, "täxt"), none]].concat();
    let table = &SCENARIOS[0];
    let (mut state, mut given) = (null_mut(), f64::NAN);
    let setup = setup(&values, &mut said);
    // SAFETY: the setup lives longer than the call.
    let created = unsafe { table.create.unwrap()(&raw const setup, &raw mut state) };
    if created != OK {
        return (created, None, given, said);
    }
    let tick = tick("web-1", &mut said);
    // SAFETY: the state is of `create`.
    let updated = unsafe { table.update.unwrap()(state, &raw const tick, &raw mut given) };
    // SAFETY: this is its last use.
    unsafe { table.destroy.unwrap()(state) };
    (created, Some(updated), given, said)
}

#[test]
fn an_update_gives_a_value_and_reaches_the_host() {
    let (_, status, value, said) = act("good");
    assert_eq!((status, value), (Some(OK), 15.0 + 0.25 + 1.0 + 100.0));
    assert_eq!(said, ["emit done {}", "wake 9", "log 2 careful"]);
    let (_, status, value, said) = act("keep");
    assert!(status == Some(KEEP) && value.is_nan() && said.is_empty());
}

#[test]
fn errors_reach_the_host() {
    assert_eq!(act("fail").1, Some(FAILED));
    assert_eq!(act("fail").3, ["fail no value today"]);
    assert_eq!((act("refuse").0, act("refuse").3), (FAILED, vec!["refuse mode is wrong".to_owned()]));
}

/// Errors without the places of their panics, which each must have.
fn without_place(said: &[String]) -> Vec<&str> {
    said.iter().map(|error| error.split_once(" (plugins/api/").unwrap().0).collect()
}

#[test]
fn panics_do_not_leave_the_plugin() {
    let (_, status, value, said) = act("panic");
    assert!(status == Some(PANICKED) && value.is_nan());
    assert_eq!(without_place(&said), ["fail at 1.5"]);
    assert_eq!(act("spite").1, Some(PANICKED));
    assert_eq!(without_place(&act("spite").3), ["fail without a message"]);
    let (status, _, _, said) = act("misname");
    assert_eq!(status, PANICKED);
    assert_eq!(without_place(&said), ["fail parameter \"mode\" is not declared with this type"]);
}

#[test]
fn a_config_is_written_to_the_host() {
    let build = |hosts| {
        let mut said = Vec::new();
        let values = [value(hosts, 0.0, "")];
        let setup = setup(&values, &mut said);
        // SAFETY: the setup lives longer than the call.
        let status = unsafe { CONFIGS[0].build.unwrap()(&raw const setup) };
        (status, said)
    };
    assert_eq!(build(3.0), (OK, vec!["write hosts: 3".to_owned()]));
    assert_eq!(build(0.0), (FAILED, vec!["fail hosts must be 1 or more".to_owned()]));
}

/// Creates a crowd, describes it, advances it once on this host, saves and destroys it. Returns the status of the last
/// call, the values and the host's calls.
fn gather(rows: f64, host_name: &'static str) -> (i32, Vec<f64>, Vec<String>) {
    let mut said = Vec::new();
    let given = [value(rows, 0.0, "")];
    let setup = setup(&given, &mut said);
    let (model, mut state) = (&MODELS[0], null_mut());
    // SAFETY: the setup lives longer than the call.
    let created = unsafe { model.create.unwrap()(&raw const setup, &raw mut state) };
    if created != OK {
        return (created, Vec::new(), said);
    }
    // SAFETY: the state is of `create`.
    let mut status = unsafe { model.describe.unwrap()(state, &raw const setup) };
    let mut values = vec![9.0; 6];
    if status == OK {
        let tick = tick(host_name, &mut said);
        let table = abi::Table { values: values.as_mut_ptr(), rows: 3, families: 2 };
        // SAFETY: as above, and there is a value for each metric in each row.
        status = unsafe { model.advance.unwrap()(state, &raw const tick, &raw const table, 1) };
    }
    if status == OK {
        // SAFETY: as above.
        status = unsafe { model.save.unwrap()(state, &raw const setup) };
    }
    // SAFETY: this is its last use.
    unsafe { model.destroy.unwrap()(state) };
    (status, values, said)
}

#[test]
fn a_model_describes_its_tables_begins_rows_writes_values_and_is_saved() {
    let (status, values, said) = gather(3.0, "web-1");
    assert_eq!(status, OK);
    assert_eq!(values, [9.0, 9.0, 0.0, 12.0, 1.5, 2.0]);
    let described = ["table crowd 3 who, where", "family height 1 2 ", "family steps 3 2 foot=left"];
    assert_eq!(said[..3], described.map(|line| line.replace("1 2 ", "1 0 ")));
    let told = ["begin 0 1 7 ann hall", "end 0 0", "observe 0 1 1 0.5 3", "emit empty "];
    assert_eq!(said[3..7], told);
    assert_eq!(said[7], format!("store {:?}", 3.0f64.to_le_bytes()));
}

#[test]
fn a_saved_model_is_loaded() {
    let (mut said, mut state) = (Vec::new(), null_mut());
    let setup = setup(&[], &mut said);
    let (model, bytes) = (&MODELS[0], 3.0f64.to_le_bytes());
    let mut load = |bytes: &[u8]| {
        // SAFETY: the setup and the bytes live longer than the call.
        unsafe { model.load.unwrap()(&raw const setup, bytes.as_ptr(), bytes.len(), &raw mut state) }
    };
    assert_eq!((load(&bytes[1..]), load(&bytes)), (FAILED, OK));
    // SAFETY: the state is of `load`, and this is its last use.
    unsafe { model.destroy.unwrap()(state) };
    assert_eq!(said, ["fail it is no number"]);
}

#[test]
fn errors_and_panics_of_models_reach_the_host() {
    let (created, _, said) = gather(0.0, "web-1");
    assert_eq!((created, said), (FAILED, vec!["refuse rows must be 1 or more".to_owned()]));
    let (status, _, said) = gather(3.0, "");
    assert_eq!((status, said.last().unwrap().as_str()), (FAILED, "fail there is no host"));
    let (status, _, said) = gather(100.0, "web-1");
    assert_eq!((status, &*without_place(&said)), (PANICKED, &["fail too many"][..]));
}

#[test]
fn the_table_matches_the_traits() {
    let table = plugin(["me", "1.2.3", "a test"], SCENARIOS, MODELS, CONFIGS);
    assert_eq!([table.name, table.version, table.summary].map(text), ["me", "1.2.3", "a test"]);
    assert_eq!((table.scenario_count, table.model_count, table.config_count), (1, 1, 1));
    let table = &SCENARIOS[0];
    assert_eq!([table.name, table.listens, table.emits].map(text), ["actor", "boost", "done"]);
    assert_eq!((table.flags, table.param_count), (abi::USES_DT, 6));
    assert_eq!(text(Actor::PARAMS[0].choices), "good,bad");
    let table = &MODELS[0];
    let texts = [table.name, table.summary, table.listens, table.emits];
    assert_eq!(texts.map(text), ["crowd", "comes and goes", "alarm", "empty"]);
    assert_eq!((table.flags, table.param_count), (0, 1));
    assert!(table.start.is_none() && table.stop.is_none());
}
