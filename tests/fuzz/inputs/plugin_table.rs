//! The table of a plugin as a library would have it, made of lines: counts, sizes, kinds and texts are those of the lines.
//!
//! | line | fields |
//! | --- | --- |
//! | `plugin` | name, version, summary, major version, size |
//! | `scenario`, `model` | name, summary, events it listens to, events it emits, flags, missing functions |
//! | `config` | name, summary, missing functions |
//! | `param` | depth, kind, name, default, help, choices, flags; of what is declared before it |
//! | `array` | `scenarios`, `models`, `configs` or `params`, then a false count, a false size, `null` or `odd` |
//!
//! `%XX` is any byte, a text of the form `~N` has N bytes at no place, and `^N` is longer than any text may be.

use std::ffi::c_void;

use promemu_core::plugin::{ParamDecl, ParamType, PluginDecl, read_plugin};
use promemu_plugin::abi::{self, Text, size_of_table};

/// Maximum depth of a parameter in an input.
const DEPTH_MAX: usize = 12;
/// The largest count that promemu reads an array of.
const COUNT_MAX: u32 = 1_000;
/// The first bytes of a text that is too long.
static LONG: [u8; 1_024] = [0; 1_024];

/// Reads the lines as a table. One that is taken has good names and plain texts.
pub(crate) fn check_table(data: &[u8]) -> Result<(), String> {
    let mut lines = Lines::default();
    data.split(|byte| *byte == b'\n').for_each(|line| lines.take(line));
    let mut params = Vec::new();
    let [scenarios, models, configs] = &lines.items;
    let scenarios: Vec<abi::Scenario> =
        scenarios.iter().map(|item| scenario(item, &lines, &mut params)).collect();
    let models: Vec<abi::Model> = models.iter().map(|item| model(item, &lines, &mut params)).collect();
    let configs: Vec<abi::Config> = configs.iter().map(|item| config(item, &lines, &mut params)).collect();
    let (scenarios, scenario_count, scenario_size) = lines.claims[0].array(&scenarios);
    let (models, model_count, model_size) = lines.claims[1].array(&models);
    let (configs, config_count, config_size) = lines.claims[2].array(&configs);
    let about = &lines.plugin;
    let table = abi::Plugin {
        size: number(about, 4).unwrap_or(size_of_table::<abi::Plugin>()),
        abi_major: number(about, 3).unwrap_or(abi::ABI_MAJOR.into()).try_into().unwrap_or(u16::MAX),
        abi_minor: abi::ABI_MINOR,
        name: text(about, 0),
        version: text(about, 1),
        summary: text(about, 2),
        scenarios,
        scenario_count,
        scenario_size,
        configs,
        config_count,
        config_size,
        models,
        model_count,
        model_size,
    };
    #[expect(unsafe_code, reason = "tables are pointers")]
    // SAFETY: the pointers are null, misaligned, or those of the vectors above, which have as many elements and bytes as the
    // table says, unless it says more than anybody reads.
    let declared = unsafe { read_plugin(&raw const table) }?;
    check_declared(&declared);
    Ok(())
}

/// The lines of an input, taken apart.
#[derive(Default)]
struct Lines {
    plugin: Vec<Field>,
    /// Scenarios, models and configs.
    items: [Vec<Item>; 3],
    /// The kind of the last one.
    last: usize,
    /// Of scenarios, models, configs and parameters.
    claims: [Claim; 4],
}

/// A scenario, a model or a config.
struct Item {
    fields: Vec<Field>,
    params: Vec<Param>,
}

/// A parameter, and those under it.
struct Param {
    fields: Vec<Field>,
    below: Vec<Self>,
}

/// A text: its bytes, or a place that has none.
enum Field {
    Bytes(Vec<u8>),
    Null(usize),
    Long(usize),
}

/// A falsehood about an array.
#[derive(Default)]
struct Claim {
    count: Option<u32>,
    size: Option<u32>,
    place: Option<Place>,
}

/// The place of an array that is not there.
enum Place {
    Null,
    Odd,
}

impl Lines {
    fn take(&mut self, line: &[u8]) {
        let mut fields: Vec<Field> = line.split(|byte| *byte == b'|').take(16).map(Field::of).collect();
        let Field::Bytes(name) = fields.remove(0) else { return };
        match name.as_slice() {
            b"plugin" => self.plugin = fields,
            b"scenario" => self.add(0, fields),
            b"model" => self.add(1, fields),
            b"config" => self.add(2, fields),
            b"param" => {
                let depth = number(&fields, 0).unwrap_or(0) as usize;
                if let Some(item) = self.items[self.last].last_mut() {
                    place(&mut item.params, depth.min(DEPTH_MAX), Param { fields, below: Vec::new() });
                }
            }
            b"array" => self.claim(&fields),
            _ => {}
        }
    }

    fn add(&mut self, kind: usize, fields: Vec<Field>) {
        self.last = kind;
        self.items[kind].push(Item { fields, params: Vec::new() });
    }

    fn claim(&mut self, fields: &[Field]) {
        let names: [&[u8]; 4] = [b"scenarios", b"models", b"configs", b"params"];
        let Some(of) = names.iter().position(|name| word(fields, 0) == *name) else { return };
        let place = match word(fields, 3) {
            b"null" => Some(Place::Null),
            b"odd" => Some(Place::Odd),
            _ => None,
        };
        self.claims[of] = Claim { count: number(fields, 1), size: number(fields, 2), place };
    }
}

impl Field {
    fn of(raw: &[u8]) -> Self {
        let number = || std::str::from_utf8(&raw[1..]).ok()?.parse().ok();
        match raw.first() {
            Some(b'~') if let Some(len) = number() => Self::Null(len),
            Some(b'^') if let Some(more) = number() => Self::Long((usize::MAX / 2).saturating_add(more)),
            _ => Self::Bytes(unescaped(raw)),
        }
    }
}

impl Claim {
    /// An array as the plugin describes it. What nobody could check is true: an array has the elements that it has.
    fn array<T>(&self, items: &[T]) -> (*const T, u32, u32) {
        let place = match self.place {
            Some(Place::Null) => std::ptr::null(),
            Some(Place::Odd) => items.as_ptr().wrapping_byte_add(1),
            None => items.as_ptr(),
        };
        let count = self.count.filter(|count| *count > COUNT_MAX);
        let whole = size_of_table::<T>();
        let size =
            self.size.filter(|size| *size < whole || !(*size as usize).is_multiple_of(align_of::<T>()));
        (place, count.unwrap_or(u32::try_from(items.len()).unwrap_or(u32::MAX)), size.unwrap_or(whole))
    }
}

/// Puts a parameter under the last one of each level, as deep as there are any.
fn place(params: &mut Vec<Param>, depth: usize, param: Param) {
    match params.last_mut() {
        Some(last) if depth > 0 => place(&mut last.below, depth - 1, param),
        _ => params.push(param),
    }
}

/// Any byte for `%XX`.
fn unescaped(raw: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        let escaped = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    bytes
}

fn word(fields: &[Field], index: usize) -> &[u8] {
    match fields.get(index) {
        Some(Field::Bytes(bytes)) => bytes,
        _ => &[],
    }
}

fn number(fields: &[Field], index: usize) -> Option<u32> {
    std::str::from_utf8(word(fields, index)).ok()?.parse().ok()
}

fn text(fields: &[Field], index: usize) -> Text {
    match fields.get(index) {
        Some(Field::Bytes(bytes)) => Text { data: bytes.as_ptr(), len: bytes.len() },
        Some(Field::Null(len)) => Text { data: std::ptr::null(), len: *len },
        Some(Field::Long(len)) => Text { data: LONG.as_ptr(), len: *len },
        None => Text::EMPTY,
    }
}

/// Parameters with all that are under them; their arrays stay where they are when others come.
fn params(
    declared: &[Param],
    lines: &Lines,
    arrays: &mut Vec<Box<[abi::Param]>>,
) -> (*const abi::Param, u32, u32) {
    let raw: Box<[abi::Param]> = declared
        .iter()
        .map(|Param { fields, below }| {
            let (first, field_count, field_size) = params(below, lines, arrays);
            abi::Param {
                kind: number(fields, 1).unwrap_or(0),
                flags: number(fields, 6).unwrap_or(0),
                name: text(fields, 2),
                default: text(fields, 3),
                help: text(fields, 4),
                choices: text(fields, 5),
                fields: first,
                field_count,
                field_size,
            }
        })
        .collect();
    let array = lines.claims[3].array(&raw);
    arrays.push(raw);
    array
}

fn scenario(item: &Item, lines: &Lines, arrays: &mut Vec<Box<[abi::Param]>>) -> abi::Scenario {
    let (params, param_count, param_size) = params(&item.params, lines, arrays);
    let fields = &item.fields;
    let has = |function: &[u8]| word(fields, 5) != function;
    abi::Scenario {
        name: text(fields, 0),
        summary: text(fields, 1),
        params,
        param_count,
        param_size,
        listens: text(fields, 2),
        emits: text(fields, 3),
        flags: number(fields, 4).unwrap_or(0),
        reserved: 0,
        create: has(b"create").then_some(create),
        update: has(b"update").then_some(update),
        destroy: has(b"destroy").then_some(destroy),
    }
}

fn model(item: &Item, lines: &Lines, arrays: &mut Vec<Box<[abi::Param]>>) -> abi::Model {
    let (params, param_count, param_size) = params(&item.params, lines, arrays);
    let fields = &item.fields;
    let has = |function: &[u8]| word(fields, 5) != function;
    abi::Model {
        name: text(fields, 0),
        summary: text(fields, 1),
        params,
        param_count,
        param_size,
        listens: text(fields, 2),
        emits: text(fields, 3),
        flags: number(fields, 4).unwrap_or(0),
        reserved: 0,
        create: has(b"create").then_some(create),
        describe: has(b"describe").then_some(of_state),
        advance: has(b"advance").then_some(advance),
        save: has(b"save").then_some(of_state),
        load: has(b"load").then_some(load),
        start: has(b"start").then_some(of_state),
        stop: has(b"stop").then_some(stop),
        destroy: has(b"destroy").then_some(destroy),
    }
}

fn config(item: &Item, lines: &Lines, arrays: &mut Vec<Box<[abi::Param]>>) -> abi::Config {
    let (params, param_count, param_size) = params(&item.params, lines, arrays);
    let fields = &item.fields;
    abi::Config {
        name: text(fields, 0),
        summary: text(fields, 1),
        params,
        param_count,
        param_size,
        build: (word(fields, 2) != b"build").then_some(build),
    }
}

// Reading a table calls none of its functions.

extern "C" fn create(_: *const abi::Setup, _: *mut *mut c_void) -> i32 {
    unreachable!("a table is only read")
}

extern "C" fn update(_: *mut c_void, _: *const abi::Tick, _: *mut f64) -> i32 {
    unreachable!("a table is only read")
}

extern "C" fn advance(_: *mut c_void, _: *const abi::Tick, _: *const abi::Table, _: u32) -> i32 {
    unreachable!("a table is only read")
}

extern "C" fn of_state(_: *mut c_void, _: *const abi::Setup) -> i32 {
    unreachable!("a table is only read")
}

extern "C" fn load(_: *const abi::Setup, _: *const u8, _: usize, _: *mut *mut c_void) -> i32 {
    unreachable!("a table is only read")
}

extern "C" fn stop(_: *mut c_void, _: u64) {
    unreachable!("a table is only read")
}

extern "C" fn destroy(_: *mut c_void) {
    unreachable!("a table is only read")
}

extern "C" fn build(_: *const abi::Setup) -> i32 {
    unreachable!("a table is only read")
}

fn check_declared(declared: &PluginDecl) {
    let PluginDecl { name, version, summary, scenarios, models, configs } = declared;
    assert!(!name.is_empty());
    for text in [name, version, summary] {
        check_text(text);
    }
    check_names(scenarios.iter().map(|scenario| scenario.name.as_str()));
    check_names(models.iter().map(|model| model.name.as_str()));
    check_names(configs.iter().map(|config| config.name.as_str()));
    let params = scenarios.iter().map(|scenario| &scenario.params);
    let params = params.chain(models.iter().map(|model| &model.params));
    for params in params.chain(configs.iter().map(|config| &config.args)) {
        check_params(params);
    }
}

fn check_params(params: &[ParamDecl]) {
    check_names(params.iter().map(|param| param.name.as_str()));
    for param in params {
        check_text(&param.default_text);
        check_text(&param.help);
        match &param.param_type {
            ParamType::List(of) | ParamType::Map(of) => check_params(std::slice::from_ref(of)),
            ParamType::Record(fields) => check_params(fields),
            ParamType::Choice(words) => assert!(!words.is_empty(), "{param:?}"),
            _ => {}
        }
    }
}

/// Names are words, each used once.
fn check_names<'a>(names: impl Iterator<Item = &'a str>) {
    let mut known = Vec::new();
    for name in names {
        assert!(!name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'), "{name:?}");
        assert!(!known.contains(&name), "{name} is there twice");
        known.push(name);
    }
}

fn check_text(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}
