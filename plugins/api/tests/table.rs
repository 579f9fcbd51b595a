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
use promemu_plugin::for_macros::{config, plugin, scenario, workload};
use promemu_plugin::{ConfigBuilder, Family, Level, Param, Params, Pool, Refused, Scenario, Tick, Workload};

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

/// A workload with one row that begins and one that ends.
struct Crowd {
    slots: f64,
}

impl Workload for Crowd {
    const NAME: &'static str = "crowd";
    const SUMMARY: &'static str = "comes and goes";
    const PARAMS: &'static [Param] = &[Param::number("slots", "3", "how many")];
    const LABELS: &'static str = "who, where";
    const FAMILIES: &'static [Family] = &[
        Family::gauge("height", "how tall"),
        Family::counter("steps_total", "how far").labelled("foot=left"),
    ];
    const LISTENS: &'static str = "alarm";
    const EMITS: &'static str = "empty";

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let slots = params.number("slots");
        if slots < 1.0 { Err("slots must be 1 or more".into()) } else { Ok(Self { slots }) }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
    fn pool_size(&self) -> u32 {
        assert!(self.slots < 100.0, "too many");
        self.slots as u32
    }

    fn update(&mut self, tick: &mut Tick<'_>, pool: &mut Pool<'_>) -> Result<(), String> {
        pool.begin(1, tick.now_nanos(), &["ann", "hall"]);
        pool.values(1)[1] = 12.0;
        pool.values(2).copy_from_slice(&[1.5, 2.0]);
        pool.end(0);
        assert!(pool.values(3).is_empty() && pool.values(u32::MAX).is_empty());
        assert!(tick.is_live());
        tick.emit("empty", "");
        if tick.host_name().is_empty() { Err("there is no host".to_owned()) } else { Ok(()) }
    }
}

static WORKLOADS: &[abi::Workload] = &[workload::<Crowd>()];
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

unsafe extern "C" fn begin(context: *mut c_void, slot: u32, began: u64, labels: *const Text) {
    // SAFETY: the workload of these tests has two labels.
    let [who, place] = unsafe { labels.cast::<[Text; 2]>().read() };
    said(context).push(format!("begin {slot} {began} {} {}", text(who), text(place)));
}

unsafe extern "C" fn end(context: *mut c_void, slot: u32) {
    said(context).push(format!("end {slot}"));
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

#[test]
fn panics_do_not_leave_the_plugin() {
    let (_, status, value, said) = act("panic");
    assert!(status == Some(PANICKED) && value.is_nan());
    assert_eq!(said, ["fail at 1.5"]);
    assert_eq!((act("spite").1, act("spite").3), (Some(PANICKED), vec!["fail without a message".to_owned()]));
    let (status, _, _, said) = act("misname");
    assert_eq!(status, PANICKED);
    assert_eq!(said, ["fail parameter \"mode\" is not declared with this type"]);
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

/// Creates a crowd, updates it once on this host and destroys it. Returns the status, the pool size, the status of the
/// update, the values and the host's calls.
fn gather(slots: f64, host_name: &'static str) -> (i32, u32, Option<i32>, Vec<f64>, Vec<String>) {
    let mut said = Vec::new();
    let values = [value(slots, 0.0, "")];
    let setup = setup(&values, &mut said);
    let (table, mut state) = (&WORKLOADS[0], null_mut());
    // SAFETY: the setup lives longer than the call.
    let created = unsafe { table.create.unwrap()(&raw const setup, &raw mut state) };
    if created != OK {
        return (created, 0, None, Vec::new(), said);
    }
    // SAFETY: the state is of `create`.
    let slots = unsafe { table.pool_size.unwrap()(state) };
    let tick = tick(host_name, &mut said);
    let mut values = vec![9.0; slots as usize * 2];
    // SAFETY: as above, and there is a value for each metric in each slot.
    let updated = unsafe { table.update.unwrap()(state, &raw const tick, values.as_mut_ptr(), slots) };
    // SAFETY: this is its last use.
    unsafe { table.destroy.unwrap()(state) };
    (created, slots, Some(updated), values, said)
}

#[test]
fn a_workload_begins_and_ends_rows_and_writes_values() {
    let (_, slots, status, values, said) = gather(3.0, "web-1");
    assert_eq!((slots, status), (3, Some(OK)));
    assert_eq!(values, [9.0, 9.0, 0.0, 12.0, 1.5, 2.0]);
    assert_eq!(said, ["begin 1 7 ann hall", "end 0", "emit empty "]);
}

#[test]
fn errors_and_panics_of_workloads_reach_the_host() {
    let (created, _, _, _, said) = gather(0.0, "web-1");
    assert_eq!((created, said), (FAILED, vec!["fail slots must be 1 or more".to_owned()]));
    let (_, _, status, _, said) = gather(3.0, "");
    assert_eq!((status, said.last().unwrap().as_str()), (Some(FAILED), "fail there is no host"));
    // A panic in pool_size gives a pool of 0, in which no row can begin.
    let (_, slots, status, values, said) = gather(100.0, "web-1");
    assert_eq!((slots, status, values.len()), (0, Some(PANICKED), 0));
    assert!(said.last().unwrap().starts_with("fail index out of bounds"), "{said:?}");
}

#[test]
fn the_table_matches_the_traits() {
    let table = plugin(["me", "1.2.3", "a test"], SCENARIOS, WORKLOADS, CONFIGS);
    assert_eq!([table.name, table.version, table.summary].map(text), ["me", "1.2.3", "a test"]);
    assert_eq!((table.scenario_count, table.workload_count, table.config_count), (1, 1, 1));
    let table = &SCENARIOS[0];
    assert_eq!([table.name, table.listens, table.emits].map(text), ["actor", "boost", "done"]);
    assert_eq!((table.flags, table.param_count), (abi::USES_DT, 6));
    assert_eq!(text(Actor::PARAMS[0].choices), "good,bad");
    let table = &WORKLOADS[0];
    let texts = [table.name, table.summary, table.labels, table.listens, table.emits];
    assert_eq!(texts.map(text), ["crowd", "comes and goes", "who, where", "alarm", "empty"]);
    assert_eq!((table.family_count, table.param_count), (2, 1));
    assert_eq!(
        Crowd::FAMILIES.iter().map(|family| family.kind).collect::<Vec<_>>(),
        [abi::GAUGE, abi::COUNTER]
    );
}
