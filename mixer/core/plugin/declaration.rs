//! Declarations of plugins: scenarios, models, configs and their parameters, with all checks that need no call.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use promemu_plugin::abi;

use super::calls::{ConfigCalls, ModelCalls, ScenarioCalls};
use super::param::{ParamType, ParamValue};

/// Maximum length of a name.
const NAME_BYTES_MAX: usize = 64;

/// A plugin.
#[derive(Debug)]
pub struct PluginDecl {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line on its purpose.
    pub summary: String,
    /// Its scenarios.
    pub scenarios: Vec<ScenarioDecl>,
    /// Its models and generators.
    pub models: Vec<ModelDecl>,
    /// Its configs.
    pub configs: Vec<ConfigDecl>,
}

/// The plugin that a scenario, model or config comes from.
#[derive(Debug)]
pub(super) struct Origin {
    /// Its name.
    pub(super) plugin: String,
    /// Number of lines that it has logged.
    pub(super) lines: AtomicU32,
}

/// A scenario of a plugin.
#[derive(Debug)]
pub struct ScenarioDecl {
    pub(super) origin: Arc<Origin>,
    /// Its name in configs.
    pub name: String,
    /// One line on its purpose.
    pub summary: String,
    /// Its parameters.
    pub params: Vec<ParamDecl>,
    /// Events that cause an update.
    pub listens: Vec<String>,
    /// Events that it may emit.
    pub emits: Vec<Arc<str>>,
    /// `true` if its values are totals.
    pub gives_totals: bool,
    /// `true` if it reads the time since the last update.
    pub uses_dt: bool,
    pub(super) calls: ScenarioCalls,
}

/// A model or a generator of a plugin.
#[derive(Debug)]
pub struct ModelDecl {
    pub(super) origin: Arc<Origin>,
    /// Its name in configs.
    pub name: String,
    /// One line on its purpose.
    pub summary: String,
    /// Its parameters.
    pub params: Vec<ParamDecl>,
    /// Events that it handles.
    pub listens: Vec<String>,
    /// Events that it may emit.
    pub emits: Vec<Arc<str>>,
    pub(super) calls: ModelCalls,
}

/// A config of a plugin.
#[derive(Debug)]
pub struct ConfigDecl {
    pub(super) origin: Arc<Origin>,
    /// Its name.
    pub name: String,
    /// One line on its purpose.
    pub summary: String,
    /// Its arguments.
    pub args: Vec<ParamDecl>,
    pub(super) calls: ConfigCalls,
}

/// A parameter of a scenario, or an argument of a config.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamDecl {
    /// Its name in configs.
    pub name: String,
    /// Type of its values.
    pub param_type: ParamType,
    /// Default; `None` if the parameter is required.
    pub default: Option<ParamValue>,
    /// Default as text; empty if the parameter is required.
    pub default_text: String,
    /// Its meaning, with its unit.
    pub help: String,
    /// Words that may stand in place of a list, a map or a record.
    pub words: Vec<String>,
    /// `true` if a file may hold a list, a map or a record.
    pub is_from_file: bool,
    /// Name that may stand before a record, as `Program` for `program`.
    pub record_name: String,
}

/// A parameter as it is declared, before any check.
#[derive(Debug)]
pub(super) struct RawParam {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) name: String,
    pub(super) default: String,
    pub(super) help: String,
    /// Separated by commas.
    pub(super) choices: String,
    pub(super) fields: Vec<ParamDecl>,
}

impl ScenarioDecl {
    /// Name of its plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.origin.plugin
    }
}

impl ModelDecl {
    /// Name of its plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.origin.plugin
    }

    /// `true` for a generator, which does real work and has no virtual time.
    #[must_use]
    pub const fn is_generator(&self) -> bool {
        self.calls.work.is_some()
    }
}

impl ConfigDecl {
    /// Name of its plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.origin.plugin
    }
}

impl ParamDecl {
    /// Checks a parameter.
    pub(super) fn new(raw: RawParam) -> Result<Self, String> {
        let RawParam { kind, flags, name, default: default_text, help, choices, mut fields } = raw;
        check_name(&name)?;
        let about = |error: &str| format!("parameter {name}: {error}");
        let mut words = words(&choices);
        let param_type = match kind {
            abi::NUMBER => ParamType::Number,
            abi::DURATION => ParamType::Duration,
            abi::RANGE if words.is_empty() => ParamType::Range,
            abi::RANGE => ParamType::WordRange(std::mem::take(&mut words)),
            abi::TEXT => ParamType::Text,
            abi::CHOICE => ParamType::Choice(std::mem::take(&mut words)),
            abi::NUMBERS => ParamType::Numbers,
            abi::LIST | abi::MAP if fields.len() != 1 => {
                return Err(about("a list or a map needs one field: the declaration of its values"));
            }
            abi::LIST => ParamType::List(Box::new(fields.remove(0))),
            abi::MAP => ParamType::Map(Box::new(fields.remove(0))),
            abi::RECORD if fields.is_empty() => return Err(about("fields are missing")),
            abi::RECORD => ParamType::Record(fields),
            other => return Err(format!("parameter {name}: unknown kind {other}")),
        };
        if matches!(&param_type, ParamType::Choice(words) if words.is_empty()) {
            return Err(about("choices are missing"));
        }
        let default = if words.contains(&default_text) {
            Some(ParamValue::Text(default_text.clone()))
        } else {
            (!default_text.is_empty())
                .then(|| param_type.parse(&default_text))
                .transpose()
                .map_err(|error| about(&format!("default is invalid: {error}")))?
        };
        let is_from_file = flags & abi::FROM_FILE != 0 && param_type.is_nested();
        let record_name = record_name(&name);
        Ok(Self { name, param_type, default, default_text, help, words, is_from_file, record_name })
    }
}

/// The name of a parameter as that of a record: `memory_mib` is `MemoryMib`.
fn record_name(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// Checks that a config can use a name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_good = name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_good && !name.is_empty() && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(format!("name {name:?} is invalid; use up to {NAME_BYTES_MAX} letters, digits and _"))
}

/// Refuses duplicate names.
pub(super) fn check_distinct<'a>(names: &(impl Iterator<Item = &'a str> + Clone)) -> Result<(), String> {
    for (n, name) in names.clone().enumerate() {
        if names.clone().take(n).any(|earlier| earlier == name) {
            return Err(format!("name {name:?} is used twice"));
        }
    }
    Ok(())
}

/// The words between commas.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
