//! Loads a library and reads its table into a declaration.

use std::mem::{MaybeUninit, offset_of};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};
use promemu_plugin::abi::{self, ABI_MAJOR, ABI_MINOR, SYMBOL, Text, size_of_table};

use crate::plugin::calls::{ConfigCalls, ModelCalls, ScenarioCalls};
use crate::plugin::declaration::{Origin, RawParam, check_distinct, check_name, words};
use crate::plugin::schema::BOUNDS_MAX;
use crate::plugin::{
    ConfigDecl, FamilyDecl, FamilyKind, ModelDecl, ParamDecl, PluginDecl, ScenarioDecl, TableDecl,
};

/// Maximum number of elements in an array of a declaration.
const COUNT_MAX: u32 = 1_000;
/// Maximum length of a text of a declaration.
const TEXT_BYTES_MAX: usize = 10_000;
/// Size of the table of version 2.0.
const PLUGIN_BYTES_MIN: usize = size_of::<abi::Plugin>();
/// Size of a metric of version 2.0.
#[expect(clippy::cast_possible_truncation, reason = "a struct of some fields")]
const FAMILY_BYTES_MIN: u32 = offset_of!(abi::Family, flags) as u32;
/// Maximum depth of nested parameters.
const DEPTH_MAX: u32 = 8;
/// Maximum number of parameters of one scenario, model or config, nested ones counted: the fields of several may be
/// one array, so that a small table declares any number.
const NESTED_MAX: usize = 10_000;

/// Loads a library for good and reads its declaration; the error is the reason to refuse it.
pub(in crate::plugin) fn open(path: &Path) -> Result<PluginDecl, String> {
    // SAFETY: loading runs the library's own constructors, which is what its user asked for.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| format!("loading failed: {}", cause(&error)))?;
    // SAFETY: a function of this name has this type by definition; its result is checked below as far as possible.
    let entry: Result<Symbol<abi::Entry>, _> = unsafe { library.get(SYMBOL) };
    let entry = entry.map(|entry| *entry);
    // Never unloaded: its functions, constants and threads may be in use.
    std::mem::forget(library);
    let entry = entry.map_err(|_| format!("function {SYMBOL} is not exported"))?;
    // SAFETY: by its type, it returns such a table.
    unsafe { read_plugin(entry()) }
}

/// The system's message, without the path of the copy that was loaded.
fn cause(error: &libloading::Error) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    text.split_once(": ").map_or(text.clone(), |(_, cause)| cause.to_owned())
}

/// Reads the table of a plugin that is in this process; the error is the reason to refuse it.
///
/// # Safety
///
/// A table that is neither null nor misaligned must have as many bytes as it says, and so must all texts and arrays in it
/// that are neither, nor longer than allowed.
pub unsafe fn read_plugin(table: *const abi::Plugin) -> Result<PluginDecl, String> {
    if table.is_null() || !table.is_aligned() {
        return Err(format!("{SYMBOL} returned no table"));
    }
    // SAFETY: of a table of any version, the first eight bytes are there.
    let (size, major, minor) = unsafe { ((*table).size, (*table).abi_major, (*table).abi_minor) };
    if major != ABI_MAJOR {
        return Err(format!(
            "built for version {major}.{minor} of the plugin interface, but this promemu has \
             {ABI_MAJOR}.{ABI_MINOR}; rebuild it"
        ));
    }
    let size = size as usize;
    if size < PLUGIN_BYTES_MIN {
        return Err(format!("table has {size} bytes, but needs {PLUGIN_BYTES_MIN}; rebuild it"));
    }
    let mut raw = MaybeUninit::<abi::Plugin>::zeroed();
    // SAFETY: the table has so many bytes, and there is room for as many. Fields that came after its version stay zero,
    // which is valid for all of them.
    let raw = unsafe {
        table
            .cast::<u8>()
            .copy_to_nonoverlapping(raw.as_mut_ptr().cast(), size.min(size_of::<abi::Plugin>()));
        raw.assume_init()
    };
    let name = text("the plugin's name", raw.name)?;
    if name.is_empty() {
        return Err("name is missing".to_owned());
    }
    let origin = Arc::new(Origin { plugin: name.clone(), lines: AtomicU32::new(0) });
    let scenarios = elements("scenarios", raw.scenarios, raw.scenario_count, raw.scenario_size)?;
    let models = elements("models", raw.models, raw.model_count, raw.model_size)?;
    let configs = elements("configs", raw.configs, raw.config_count, raw.config_size)?;
    let declared = PluginDecl {
        name,
        version: text("the plugin's version", raw.version)?,
        summary: text("the plugin's summary", raw.summary)?,
        scenarios: scenarios.iter().map(|raw| read_scenario(raw, &origin)).collect::<Result<_, _>>()?,
        models: models.iter().map(|raw| read_model(raw, &origin)).collect::<Result<_, _>>()?,
        configs: configs.iter().map(|raw| read_config(raw, &origin)).collect::<Result<_, _>>()?,
    };
    check_distinct(&declared.scenarios.iter().map(|scenario| scenario.name.as_str()))?;
    check_distinct(&declared.models.iter().map(|model| model.name.as_str()))?;
    check_distinct(&declared.configs.iter().map(|config| config.name.as_str()))?;
    Ok(declared)
}

fn read_scenario(raw: &abi::Scenario, origin: &Arc<Origin>) -> Result<ScenarioDecl, String> {
    let name = text("a scenario's name", raw.name)?;
    check_name(&name)?;
    let about = |error| format!("scenario {name}: {error}");
    let missing = |function| format!("scenario {name}: function {function} is missing");
    let calls = ScenarioCalls {
        create: raw.create.ok_or_else(|| missing("create"))?,
        update: raw.update.ok_or_else(|| missing("update"))?,
        destroy: raw.destroy.ok_or_else(|| missing("destroy"))?,
    };
    Ok(ScenarioDecl {
        origin: Arc::clone(origin),
        summary: text("summary", raw.summary).map_err(about)?,
        params: params(raw.params, raw.param_count, raw.param_size).map_err(about)?,
        listens: words(&text("listens", raw.listens).map_err(about)?),
        emits: words(&text("emits", raw.emits).map_err(about)?).into_iter().map(Into::into).collect(),
        gives_totals: raw.flags & abi::GIVES_TOTALS != 0,
        uses_dt: raw.flags & abi::USES_DT != 0,
        calls,
        name,
    })
}

fn read_model(raw: &abi::Model, origin: &Arc<Origin>) -> Result<ModelDecl, String> {
    let name = text("a model's name", raw.name)?;
    check_name(&name)?;
    let about = |error| format!("model {name}: {error}");
    let missing = |function| format!("model {name}: function {function} is missing");
    let work = match (raw.start, raw.stop) {
        _ if raw.flags & abi::LIVE_ONLY == 0 => None,
        (Some(start), Some(stop)) => Some((start, stop)),
        (None, _) => return Err(missing("start")),
        (_, None) => return Err(missing("stop")),
    };
    let calls = ModelCalls {
        create: raw.create.ok_or_else(|| missing("create"))?,
        describe: raw.describe.ok_or_else(|| missing("describe"))?,
        advance: raw.advance.ok_or_else(|| missing("advance"))?,
        saving: raw.save.zip(raw.load),
        work,
        destroy: raw.destroy.ok_or_else(|| missing("destroy"))?,
    };
    Ok(ModelDecl {
        origin: Arc::clone(origin),
        summary: text("summary", raw.summary).map_err(about)?,
        params: params(raw.params, raw.param_count, raw.param_size).map_err(about)?,
        listens: words(&text("listens", raw.listens).map_err(about)?),
        emits: words(&text("emits", raw.emits).map_err(about)?).into_iter().map(Into::into).collect(),
        calls,
        name,
    })
}

/// A table that a model describes.
pub(super) fn read_table(raw: &abi::TableSpec) -> Result<TableDecl, String> {
    check_size("a table", raw.size, size_of_table::<abi::TableSpec>())?;
    Ok(TableDecl {
        name: text("a table's name", raw.name)?,
        labels: words(&text("labels", raw.labels)?),
        families: Vec::new(),
        rows_max: raw.rows_max as usize,
    })
}

/// A metric of a table that a model describes.
///
/// # Safety
///
/// It is aligned, has at least the fields of version 2.0, and as many bytes as it says, if those are more.
pub(super) unsafe fn read_family(family: *const abi::Family) -> Result<FamilyDecl, String> {
    // SAFETY: the size is the first field of all versions.
    let size = unsafe { (*family).size };
    check_size("a metric", size, FAMILY_BYTES_MIN)?;
    let mut raw = MaybeUninit::<abi::Family>::zeroed();
    // SAFETY: it has so many bytes, and there is room for as many. Fields that came after its version stay zero.
    let raw = unsafe {
        let bytes = (size as usize).min(size_of::<abi::Family>());
        family.cast::<u8>().copy_to_nonoverlapping(raw.as_mut_ptr().cast(), bytes);
        raw.assume_init()
    };
    let name = text("a metric's name", raw.name)?;
    let about = |error| format!("metric {name}: {error}");
    let kind = match raw.kind {
        abi::GAUGE => FamilyKind::Gauge,
        abi::COUNTER => FamilyKind::Counter,
        abi::HISTOGRAM => {
            if raw.bounds.is_null() || !raw.bounds.is_aligned() || raw.bound_count > BOUNDS_MAX {
                return Err(about(format!("bounds are null, misaligned, or more than {BOUNDS_MAX}")));
            }
            // SAFETY: the plugin has said that there are so many.
            let bounds = unsafe { std::slice::from_raw_parts(raw.bounds, raw.bound_count as usize) };
            FamilyKind::Histogram(bounds.to_vec())
        }
        abi::NATIVE_HISTOGRAM => FamilyKind::NativeHistogram(i8::try_from(raw.schema).unwrap_or(i8::MAX)),
        abi::INFO_FAMILY => FamilyKind::Info,
        abi::STATESET => FamilyKind::StateSet(words(&text("states", raw.states).map_err(about)?)),
        other => return Err(about(format!("unknown kind {other}"))),
    };
    let pair = |word: &String| {
        let pair = word.split_once('=').ok_or_else(|| about(format!("label {word:?} has no =")));
        pair.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
    };
    let labels = words(&text("labels", raw.labels).map_err(about)?);
    let labels = labels.iter().map(pair).collect::<Result<_, _>>()?;
    let help = text("help", raw.help).map_err(about)?;
    let unit = text("unit", raw.unit).map_err(about)?;
    let is_rounded = raw.flags & abi::UNROUNDED == 0;
    Ok(FamilyDecl { name, help, unit, kind, labels, is_rounded })
}

fn check_size(what: &str, size: u32, needed: u32) -> Result<(), String> {
    if size < needed {
        return Err(format!("{what} has {size} bytes, but needs {needed}; rebuild it"));
    }
    Ok(())
}

fn read_config(raw: &abi::Config, origin: &Arc<Origin>) -> Result<ConfigDecl, String> {
    let name = text("a config's name", raw.name)?;
    check_name(&name)?;
    let about = |error| format!("config {name}: {error}");
    Ok(ConfigDecl {
        origin: Arc::clone(origin),
        summary: text("summary", raw.summary).map_err(about)?,
        args: params(raw.params, raw.param_count, raw.param_size).and_then(plain).map_err(about)?,
        calls: ConfigCalls { build: raw.build.ok_or_else(|| about("function build is missing".to_owned()))? },
        name,
    })
}

/// Refuses arguments that `--config-args` cannot give.
fn plain(args: Vec<ParamDecl>) -> Result<Vec<ParamDecl>, String> {
    match args.iter().find(|arg| arg.param_type.is_nested()) {
        Some(arg) => Err(format!("argument {} must not be a list, a map or a record", arg.name)),
        None => Ok(args),
    }
}

fn params(first: *const abi::Param, count: u32, size: u32) -> Result<Vec<ParamDecl>, String> {
    nested_params((first, count, size), 0, &mut 0)
}

fn nested_params(
    (first, count, size): (*const abi::Param, u32, u32),
    depth: u32,
    found: &mut usize,
) -> Result<Vec<ParamDecl>, String> {
    *found = found.saturating_add(count as usize);
    if depth > DEPTH_MAX {
        return Err(format!("parameters are nested more than {DEPTH_MAX} deep"));
    }
    if *found > NESTED_MAX {
        return Err(format!("parameters are more than {NESTED_MAX}, nested ones counted"));
    }
    let raw = elements("parameters", first, count, size)?;
    let mut read = |raw: &abi::Param| {
        let name = text("a parameter's name", raw.name)?;
        let fields = nested_params((raw.fields, raw.field_count, raw.field_size), depth + 1, found)
            .map_err(|error| format!("parameter {name}: {error}"))?;
        ParamDecl::new(RawParam {
            kind: raw.kind,
            flags: raw.flags,
            default: text("default", raw.default)?,
            help: text("help", raw.help)?,
            choices: text("choices", raw.choices)?,
            fields,
            name,
        })
    };
    let params: Vec<ParamDecl> = raw.iter().map(&mut read).collect::<Result<_, _>>()?;
    check_distinct(&params.iter().map(|param| param.name.as_str()))?;
    Ok(params)
}

/// The elements of an array, each `size` bytes after the previous one.
fn elements<T: Copy>(what: &str, first: *const T, count: u32, size: u32) -> Result<Vec<T>, String> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if count > COUNT_MAX {
        return Err(format!("{count} {what} are too many; at most {COUNT_MAX} are allowed"));
    }
    if first.is_null() || !first.is_aligned() {
        return Err(format!("array of {what} is null or misaligned"));
    }
    if size < size_of_table::<T>() || !(size as usize).is_multiple_of(align_of::<T>()) {
        let whole = size_of_table::<T>();
        return Err(format!("{what} have {size} bytes each, but need {whole}; rebuild it"));
    }
    // SAFETY: the plugin has said that there are so many, of this size.
    Ok((0..count as usize).map(|n| unsafe { first.byte_add(n * size as usize).read() }).collect())
}

/// A text of the declaration.
fn text(what: &str, raw: Text) -> Result<String, String> {
    if raw.len > TEXT_BYTES_MAX || (raw.data.is_null() && raw.len > 0) {
        return Err(format!("{what} is null or longer than {TEXT_BYTES_MAX} bytes"));
    }
    // SAFETY: the plugin has said that there are so many bytes, and constants stay as they are.
    let text = str::from_utf8(unsafe { raw.bytes() });
    let text = text.ok().filter(|text| !text.contains(char::is_control));
    text.map(str::to_owned).ok_or_else(|| format!("{what} is not UTF-8, or has control characters"))
}
