//! What a plugin says of itself, and what is wrong with that.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use promemu_plugin::{LABELS_MAX, abi};

use super::boundary::{BuildCall, ScenarioCalls, WorkloadCalls};
use super::{ParamType, ParamValue};

/// No name is longer.
const NAME_BYTES_MAX: usize = 64;

/// A plugin.
#[derive(Debug)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is, in one line.
    pub summary: String,
    /// Its scenarios.
    pub scenarios: Vec<DeclaredScenario>,
    /// Its workloads.
    pub workloads: Vec<DeclaredWorkload>,
    /// Its configs.
    pub configs: Vec<DeclaredConfig>,
}

/// What a scenario or a config shares with the others of its plugin.
#[derive(Debug)]
pub(super) struct Origin {
    /// The plugin's name.
    pub(super) plugin: String,
    /// How many lines it has logged.
    pub(super) lines: AtomicU32,
}

/// A scenario that a plugin brings.
#[derive(Debug)]
pub struct DeclaredScenario {
    pub(super) origin: Arc<Origin>,
    /// The name in configs.
    pub name: String,
    /// What it does, in one line.
    pub summary: String,
    /// Its parameters.
    pub params: Vec<DeclaredParam>,
    /// The events that ask it for a value.
    pub listens: Vec<String>,
    /// The events that it may emit.
    pub emits: Vec<Arc<str>>,
    /// Whether its values are totals.
    pub gives_totals: bool,
    /// Whether it asks for the time since the last update.
    pub uses_dt: bool,
    pub(super) calls: ScenarioCalls,
}

/// A workload that a plugin brings.
#[derive(Debug)]
pub struct DeclaredWorkload {
    pub(super) origin: Arc<Origin>,
    /// The name in configs.
    pub name: String,
    /// What it does, in one line.
    pub summary: String,
    /// Its parameters.
    pub params: Vec<DeclaredParam>,
    /// The names of the labels of who lives in a slot.
    pub labels: Vec<String>,
    /// The metrics of who lives in a slot.
    pub families: Vec<DeclaredFamily>,
    /// The events that it hears.
    pub listens: Vec<String>,
    /// The events that it may emit.
    pub emits: Vec<Arc<str>>,
    pub(super) calls: WorkloadCalls,
}

/// A metric of a workload.
#[derive(Debug)]
pub struct DeclaredFamily {
    /// Its name.
    pub name: String,
    /// What it says, with its unit.
    pub help: String,
    /// Whether it is a counter, and not a gauge.
    pub is_counter: bool,
    /// Its own labels, by which it differs from others of its name.
    pub labels: Vec<(String, String)>,
}

/// A config that a plugin brings.
#[derive(Debug)]
pub struct DeclaredConfig {
    pub(super) origin: Arc<Origin>,
    /// The name.
    pub name: String,
    /// What it is, in one line.
    pub summary: String,
    /// Its arguments.
    pub args: Vec<DeclaredParam>,
    pub(super) call: BuildCall,
}

/// A parameter of a scenario, or an argument of a config.
#[derive(Debug)]
pub struct DeclaredParam {
    /// The name in configs.
    pub name: String,
    /// What it takes.
    pub takes: ParamType,
    /// The default; none if it must be given.
    pub default: Option<ParamValue>,
    /// The default as it is written; empty if it must be given.
    pub default_text: String,
    /// What it is, with its unit.
    pub help: String,
}

impl DeclaredScenario {
    /// The name of its plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.origin.plugin
    }
}

impl DeclaredWorkload {
    /// The name of its plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.origin.plugin
    }

    /// The same, if its labels and metrics can be.
    pub(super) fn checked(self) -> Result<Self, String> {
        let labels = self.labels.iter().map(String::as_str);
        let families = self.families.iter().map(|family| family.name.as_str());
        labels.clone().chain(families).try_for_each(check_name)?;
        check_distinct(&labels)?;
        for (n, family) in self.families.iter().enumerate() {
            family.check(&self.labels, &self.families[..n])?;
        }
        if self.families.is_empty() {
            return Err("it has no metrics".to_owned());
        }
        if self.labels.is_empty() || self.labels.len() > LABELS_MAX {
            return Err(format!("it has {} labels, and 1 to {LABELS_MAX} are needed", self.labels.len()));
        }
        Ok(self)
    }
}

impl DeclaredFamily {
    /// Refuses labels that cannot be beside those of the workload, and what does not fit a metric before it.
    fn check(&self, taken: &[String], earlier: &[Self]) -> Result<(), String> {
        let name = &self.name;
        let about = |error| format!("metric {name}: {error}");
        let labels = self.labels.iter().map(|(label, _)| label.as_str());
        labels.clone().try_for_each(check_name).map_err(about)?;
        check_distinct(&taken.iter().map(String::as_str).chain(labels)).map_err(about)?;
        let is_plain = |value: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
        if let Some((_, value)) = self.labels.iter().find(|(_, value)| value.is_empty() || !is_plain(value)) {
            return Err(format!(
                "metric {name}: label value {value:?} is not allowed; it has letters, digits, _, -, . and /"
            ));
        }
        for other in earlier.iter().filter(|other| other.name == *name) {
            if other.labels == self.labels {
                return Err(format!("metric {name} is there twice with the same labels"));
            }
            if other.is_counter != self.is_counter || other.help != self.help {
                return Err(format!("metric {name} is there twice with another kind or help"));
            }
        }
        Ok(())
    }
}

impl DeclaredConfig {
    /// The name of its plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.origin.plugin
    }
}

impl DeclaredParam {
    /// Checks a parameter; `choices` are separated by commas.
    pub(super) fn new(
        kind: u32,
        name: String,
        default_text: String,
        help: String,
        choices: &str,
    ) -> Result<Self, String> {
        check_name(&name)?;
        let takes = match kind {
            abi::NUMBER => ParamType::Number,
            abi::DURATION => ParamType::Duration,
            abi::RANGE => ParamType::Range,
            abi::TEXT => ParamType::Text,
            abi::CHOICE => ParamType::Choice(words(choices)),
            abi::NUMBERS => ParamType::Numbers,
            other => return Err(format!("parameter {name} is of the kind {other}, which there is not")),
        };
        if matches!(&takes, ParamType::Choice(words) if words.is_empty()) {
            return Err(format!("parameter {name} has no words to choose from"));
        }
        let default = (!default_text.is_empty()).then(|| takes.parse(&default_text)).transpose();
        let default = default.map_err(|error| format!("parameter {name} has a wrong default: {error}"))?;
        Ok(Self { name, takes, default, default_text, help })
    }
}

/// A name that can stand in a config.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_good = name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_good && !name.is_empty() && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    Err(format!("name {name:?} is not allowed; it has up to {NAME_BYTES_MAX} letters, digits and _"))
}

/// Refuses a name that comes twice.
pub(super) fn check_distinct<'a>(names: &(impl Iterator<Item = &'a str> + Clone)) -> Result<(), String> {
    for (n, name) in names.clone().enumerate() {
        if names.clone().take(n).any(|earlier| earlier == name) {
            return Err(format!("name {name:?} is there twice"));
        }
    }
    Ok(())
}

/// What stands between commas.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
