//! Configs: RON files to plans.
//!
//! A text becomes a tree with places ([`tree`]), the tree a typed template ([`template`]), and the
//! template, with arguments, a [`Plan`] ([`resolve`]). Only this module knows RON's shape. All problems of
//! a config are reported at once, each with its place.

mod arguments;
mod fields;
mod include;
mod plugin_config;
mod resolve;
mod shipped;
mod template;
mod tree;
mod value;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

pub use arguments::Argument;

use crate::error::{ConfigError, Problem, Problems, Severity, SourceSpan, Sources, suggestion};
use crate::expression::Value;
use crate::plan::Plan;
use crate::plugin::{self, DeclaredConfig};
use crate::time::Time;
use template::ConfigTemplate;
use tree::{Node, NodeKind};

/// More series than this are refused by default: a slip of the keyboard should not fill the memory.
pub const DEFAULT_SERIES_MAX: usize = 5_000_000;

/// What a config is loaded with.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The class; without one the first whose name ends in `Config`, else the first.
    pub class: Option<String>,
    /// The arguments that are given. Text is read as the argument's type.
    pub arguments: IndexMap<String, Value>,
    /// The run's start.
    pub started_at: Time,
    /// More series than this are refused.
    pub series_max: usize,
}

impl LoadOptions {
    /// No class, no arguments, and the usual bound.
    #[must_use]
    pub fn starting_at(started_at: Time) -> Self {
        Self { class: None, arguments: IndexMap::new(), started_at, series_max: DEFAULT_SERIES_MAX }
    }
}

/// Loads a config as `promemu --config` does: from the folder of `PME_CONFIGS_DIR`, `./configs`, `configs`
/// beside the program, or those built in.
pub fn load_config(name: &str, options: &LoadOptions) -> Result<LoadedConfig, ConfigError> {
    ConfigDirs::usual().load(name, options)
}

/// The configs that [`load_config`] finds. A broken file is listed with its error.
#[must_use]
pub fn list_available_configs() -> Vec<ConfigSummary> {
    ConfigDirs::usual().list()
}

/// Arguments from a file that holds a map in RON or JSON: `{ "hosts_count": 5 }`.
pub fn read_arguments(path: &Path) -> Result<IndexMap<String, Value>, ConfigError> {
    let mut reading = Reading::default();
    let file = ConfigFile::read(path)?;
    let root = reading.root(&file);
    let arguments = root.map(|root| template::read_arguments(root, &mut reading.problems));
    reading.finish()?;
    Ok(arguments.unwrap_or_default())
}

/// The names of a config's classes; one that is empty for a file that holds one config.
pub fn config_classes(name: &str) -> Result<Vec<String>, ConfigError> {
    ConfigDirs::usual().open(name)?.class_names()
}

/// A config that can run, and what is odd about it.
#[derive(Debug)]
pub struct LoadedConfig {
    /// What to run.
    pub plan: Plan,
    /// Warnings, each with its place.
    pub warnings: Vec<String>,
    /// The files that it was read from; none for one that is built in.
    pub files: Vec<PathBuf>,
}

/// What a config file holds, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigSummary {
    /// The config's name.
    pub name: String,
    /// Its classes; or why the file cannot be used.
    pub classes: Result<Vec<ClassSummary>, String>,
}

/// One class of a config, for lists.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSummary {
    /// The class's name; empty in a file that holds one config.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}

/// The places in which configs are looked for, in order; the last are the shipped ones, built into the program.
#[derive(Clone, Debug)]
pub struct ConfigDirs(Vec<PathBuf>);

impl ConfigDirs {
    /// The folder given, `./configs`, and the `configs` beside the program.
    #[must_use]
    pub fn new(given: Option<PathBuf>) -> Self {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("configs")));
        Self(given.into_iter().chain([PathBuf::from("configs")]).chain(beside).collect())
    }

    /// The folder of the variable `PME_CONFIGS_DIR`, and the others.
    #[must_use]
    pub fn usual() -> Self {
        Self::new(std::env::var_os("PME_CONFIGS_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from))
    }

    /// The config called `name`, which may also be the path of a `.ron` file.
    pub fn open(&self, name: &str) -> Result<ConfigFile, ConfigError> {
        self.find(name).unwrap_or_else(|| Err(self.not_found(name, self.configs())))
    }

    /// The same, of a file to include. If it is not there, the ones for that alone are told of, too.
    fn open_to_include(&self, name: &str) -> Result<ConfigFile, ConfigError> {
        self.find(name).unwrap_or_else(|| Err(self.not_found(name, self.names())))
    }

    fn find(&self, name: &str) -> Option<Result<ConfigFile, ConfigError>> {
        let path = Path::new(name);
        let is_plain = path.components().count() == 1 && !name.starts_with('.');
        if path.extension().is_some_and(|extension| extension == "ron") && (path.is_file() || !is_plain) {
            return Some(ConfigFile::read(path).map(|file| file.within(self)));
        }
        let mut paths = self.0.iter().map(|dir| dir.join(format!("{name}.ron")));
        if let Some(path) = paths.find(|path| is_plain && path.is_file()) {
            return Some(ConfigFile::read(&path).map(|file| file.within(self)));
        }
        let file = shipped::find(name).map(|text| ConfigFile::from_text(name, text));
        let file = file.or_else(|| plugin::config(name).map(ConfigFile::made_by));
        file.map(|file| Ok(file.within(self)))
    }

    fn not_found(&self, name: &str, known: Vec<String>) -> ConfigError {
        let looked_in: Vec<String> = self.0.iter().map(|dir| dir.display().to_string()).collect();
        let (name, looked_in) = (name.to_owned(), looked_in.join(", "));
        ConfigError::NotFound { name, looked_in, known }
    }

    /// The names of all files, sorted.
    fn names(&self) -> Vec<String> {
        let entries = self.0.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "ron"));
        let files = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
        let shipped = shipped::SHIPPED.iter().map(|(name, _)| (*name).to_owned());
        let made = plugin::configs().into_iter().map(|config| config.name.clone());
        let mut names: Vec<String> =
            files.chain(shipped).chain(made).filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The names of all configs, sorted, without files that are only there to be included.
    #[must_use]
    pub fn configs(&self) -> Vec<String> {
        let is_include = |file: Result<ConfigFile, _>| file.is_ok_and(|file| file.is_to_be_included());
        let is_config = |name: &String| !self.find(name).is_some_and(is_include);
        self.names().into_iter().filter(is_config).collect()
    }

    /// What there is. A broken file is listed with its error; one that is there to be included is not.
    #[must_use]
    pub fn list(&self) -> Vec<ConfigSummary> {
        let summary = |name: String| {
            let classes = self.open(&name).and_then(|file| file.classes());
            ConfigSummary { name, classes: classes.map_err(|error| error.to_string()) }
        };
        self.configs().into_iter().map(summary).collect()
    }

    /// Loads a config.
    pub fn load(&self, name: &str, options: &LoadOptions) -> Result<LoadedConfig, ConfigError> {
        self.open(name)?.plan(options)
    }
}

/// A config file's text.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    name: String,
    shown_path: String,
    text: String,
    path: Option<PathBuf>,
    /// Where the files that it includes are looked for.
    dirs: ConfigDirs,
    /// What makes the text, if there is none.
    maker: Option<&'static DeclaredConfig>,
}

impl ConfigFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let dirs = ConfigDirs(Vec::new());
        let (shown_path, path) = (path.display().to_string(), Some(path.to_owned()));
        Ok(Self { name, shown_path, text, path, dirs, maker: None })
    }

    /// A config that is not in a file.
    #[must_use]
    pub fn from_text(name: &str, text: &str) -> Self {
        let dirs = ConfigDirs(Vec::new());
        Self {
            name: name.to_owned(),
            shown_path: format!("{name}.ron"),
            text: text.to_owned(),
            path: None,
            dirs,
            maker: None,
        }
    }

    /// A config that a plugin makes.
    fn made_by(config: &'static DeclaredConfig) -> Self {
        let shown_path = format!("{} of plugin {}", config.name, config.plugin());
        Self { shown_path, maker: Some(config), ..Self::from_text(&config.name, "") }
    }

    /// The same with the text that its plugin makes.
    fn made(&self, config: &DeclaredConfig, given: &IndexMap<String, Value>) -> Result<Self, ConfigError> {
        let mut reading = Reading::default();
        reading.sources.add(self.shown_path.as_str(), "");
        let text = plugin_config::text(config, given, &mut reading.problems);
        reading.finish()?;
        Ok(Self { text: text.unwrap_or_default(), maker: None, ..self.clone() })
    }

    /// The same file, whose includes are looked for there, too.
    #[must_use]
    pub fn within(self, dirs: &ConfigDirs) -> Self {
        Self { dirs: dirs.clone(), ..self }
    }

    /// Its text; none for a config that a plugin makes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.maker.is_none().then_some(self.text.as_str())
    }

    /// The file that it was read from, and its text; none if it is not in a file.
    #[must_use]
    pub fn source(&self) -> Option<(&Path, &str)> {
        self.path.as_deref().map(|path| (path, self.text.as_str()))
    }

    /// The name of a config that a plugin makes, which has no file.
    #[must_use]
    pub fn name_if_made(&self) -> Option<&str> {
        self.maker.map(|maker| maker.name.as_str())
    }

    /// The names of the file's classes; one that is empty for a file that holds one config.
    pub fn class_names(&self) -> Result<Vec<String>, ConfigError> {
        if self.maker.is_some() {
            return Ok(vec![String::new()]);
        }
        let mut reading = Reading::default();
        let names = reading.class_nodes(self).into_iter().map(|(name, _)| name).collect();
        reading.finish()?;
        Ok(names)
    }

    /// What the file holds, for lists.
    pub fn classes(&self) -> Result<Vec<ClassSummary>, ConfigError> {
        if let Some(maker) = self.maker {
            return Ok(vec![plugin_config::describe(maker)]);
        }
        let mut reading = Reading::default();
        let mut summaries = Vec::new();
        for (name, node) in reading.class_nodes(self) {
            let Some(template) = reading.template(self, node) else { continue };
            let arguments = arguments::describe_all(&template.args);
            summaries.push(ClassSummary { name, description: template.description, arguments });
        }
        reading.problems.forget_plugins();
        reading.finish()?;
        Ok(summaries)
    }

    /// The plan of one class.
    pub fn plan(&self, options: &LoadOptions) -> Result<LoadedConfig, ConfigError> {
        if let Some(maker) = self.maker {
            let made = self.made(maker, &options.arguments)?;
            return made.plan(&LoadOptions { arguments: IndexMap::new(), ..options.clone() });
        }
        let mut reading = Reading::default();
        let classes = reading.class_nodes(self);
        let node = choose(classes, options.class.as_deref(), &mut reading.problems);
        let template = node.and_then(|node| reading.template(self, node));
        let plan = template.map(|t| resolve::resolve(&self.name, &t, options, &mut reading.problems));
        let files = std::mem::take(&mut reading.files);
        let sources = reading.sources.clone();
        let warnings = reading.finish()?.iter().map(|problem| problem.render(&sources)).collect();
        match plan {
            Some(plan) => Ok(LoadedConfig { plan, warnings, files }),
            // A template that is missing has a reason among the problems.
            None => Err(ConfigError::Invalid { sources, problems: Vec::new() }),
        }
    }

    /// The names of the arguments of a class; without one of the one that is taken then.
    pub fn argument_names(&self, class: Option<&str>) -> Result<Vec<String>, ConfigError> {
        if let Some(maker) = self.maker {
            return Ok(maker.args.iter().map(|arg| arg.name.clone()).collect());
        }
        let mut reading = Reading::default();
        let classes = reading.class_nodes(self);
        let node = choose(classes, class, &mut reading.problems);
        let template = node.and_then(|node| reading.template(self, node));
        reading.problems.forget_plugins();
        reading.finish()?;
        Ok(template.map(|template| template.args.into_keys().collect()).unwrap_or_default())
    }

    /// Whether it only has metric sets for others: `Include(…)`.
    fn is_to_be_included(&self) -> bool {
        tree::parse(&self.text).is_ok_and(|root| include::is_include(&root))
    }
}

/// A config being read: its texts, and what is wrong with them.
#[derive(Default)]
struct Reading {
    sources: Sources,
    files: Vec<PathBuf>,
    problems: Problems,
}

impl Reading {
    /// The root of a file that is added to the sources.
    fn root(&mut self, file: &ConfigFile) -> Option<Node> {
        self.files.extend(file.path.clone());
        let first_byte = self.sources.add(file.shown_path.as_str(), file.text.as_str());
        let root = tree::parse_at(&file.text, first_byte);
        root.map_err(|(span, message)| self.problems.error(span, message)).ok()
    }

    /// The classes by name; a file that holds one config has one with an empty name.
    fn class_nodes(&mut self, file: &ConfigFile) -> Vec<(String, Node)> {
        let Some(root) = self.root(file) else { return Vec::new() };
        let NodeKind::Map(entries) = root.kind else { return vec![(String::new(), root)] };
        if entries.is_empty() {
            self.problems.error(root.span, "the file holds no config; write Config(…)");
        }
        for (n, (key, _)) in entries.iter().enumerate() {
            if entries[..n].iter().any(|(earlier, _)| earlier.kind.name() == key.kind.name()) {
                let class = key.kind.describe();
                self.problems.error(key.span, format!("the file has the class {class} twice; keep one"));
            }
        }
        entries.into_iter().map(|(key, node)| (key.kind.name(), node)).collect()
    }

    fn template(&mut self, file: &ConfigFile, node: Node) -> Option<ConfigTemplate> {
        let included = self.included_sets(file, &node);
        ConfigTemplate::read(node, included, &mut self.problems)
    }

    /// The warnings; or all problems, if there are errors.
    fn finish(self) -> Result<Vec<Problem>, ConfigError> {
        let problems = self.problems.into_sorted();
        if problems.iter().any(|problem| problem.severity != Severity::Warning) {
            return Err(ConfigError::Invalid { sources: self.sources, problems });
        }
        Ok(problems)
    }
}

fn choose(classes: Vec<(String, Node)>, class: Option<&str>, problems: &mut Problems) -> Option<Node> {
    let names: Vec<String> = classes.iter().map(|(name, _)| name.clone()).collect();
    let index = match class {
        Some(wanted) => names.iter().position(|name| name == wanted),
        None => names.iter().position(|name| name.ends_with("Config")).or((!names.is_empty()).then_some(0)),
    };
    if let (None, Some(wanted)) = (index, class)
        && !names.is_empty()
    {
        let known: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
        problems.error(
            SourceSpan::default(),
            format!("the file has no class {wanted:?}{}", suggestion(wanted, &known)),
        );
    }
    classes.into_iter().nth(index?).map(|(_, node)| node)
}

#[cfg(test)]
mod tests;
