//! Configs: RON files to plans.
//!
//! A text becomes a tree with places ([`tree`]), the tree a typed template ([`template`]), and the
//! template, with arguments, a [`Plan`] ([`resolve`]). Only this module knows RON's shape. All problems of
//! a config are reported at once, each with its place.

mod arguments;
mod fields;
mod resolve;
mod shipped;
mod template;
mod tree;
mod value;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

pub use arguments::Argument;

use crate::clock::Time;
use crate::error::{ConfigError, Problem, Problems, Severity, SourceSpan, suggestion};
use crate::plan::Plan;
use template::ConfigTemplate;
use tree::{Node, NodeKind};

/// A config that can run, and what is odd about it.
#[derive(Debug)]
pub struct LoadedConfig {
    /// What to run.
    pub plan: Plan,
    /// Warnings, each with its place.
    pub warnings: Vec<String>,
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

    /// The config called `name`, which may also be the path of a `.ron` file.
    pub fn open(&self, name: &str) -> Result<ConfigFile, ConfigError> {
        let path = Path::new(name);
        let is_plain = path.components().count() == 1 && !name.starts_with('.');
        if path.extension().is_some_and(|extension| extension == "ron") && (path.is_file() || !is_plain) {
            return ConfigFile::read(path);
        }
        let mut paths = self.0.iter().map(|dir| dir.join(format!("{name}.ron")));
        if let Some(path) = paths.find(|path| is_plain && path.is_file()) {
            return ConfigFile::read(&path);
        }
        if let Some(text) = shipped::find(name) {
            return Ok(ConfigFile::from_text(name, text));
        }
        let looked_in: Vec<String> = self.0.iter().map(|dir| dir.display().to_string()).collect();
        let (name, looked_in) = (name.to_owned(), looked_in.join(", "));
        Err(ConfigError::NotFound { name, looked_in, known: self.names() })
    }

    /// The names of all configs, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let entries = self.0.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "ron"));
        let files = files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
        let shipped = shipped::SHIPPED.iter().map(|(name, _)| (*name).to_owned());
        let mut names: Vec<String> = files.chain(shipped).filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What there is. A broken file is listed with its error.
    #[must_use]
    pub fn list(&self) -> Vec<ConfigSummary> {
        let summary = |name: String| {
            let classes = self.open(&name).and_then(|file| file.classes());
            ConfigSummary { name, classes: classes.map_err(|error| error.to_string()) }
        };
        self.names().into_iter().map(summary).collect()
    }

    /// Loads a config: the class given or the first one whose name ends in `Config`, else the first.
    pub fn load(
        &self,
        name: &str,
        class: Option<&str>,
        arguments: &IndexMap<String, String>,
        started_at: Time,
    ) -> Result<LoadedConfig, ConfigError> {
        self.open(name)?.plan(class, arguments, started_at)
    }
}

/// A config file's text.
#[derive(Debug)]
pub struct ConfigFile {
    name: String,
    path: Option<PathBuf>,
    shown_path: String,
    text: String,
}

impl ConfigFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let shown_path = path.display().to_string();
        Ok(Self { name, path: Some(path.to_owned()), shown_path, text })
    }

    /// A config that is not in a file.
    #[must_use]
    pub fn from_text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), path: None, shown_path: format!("{name}.ron"), text: text.to_owned() }
    }

    /// The files that the config was read from, and their texts; none if it is not in a file.
    #[must_use]
    pub fn files(&self) -> Vec<(&Path, &str)> {
        self.path.iter().map(|path| (path.as_path(), self.text.as_str())).collect()
    }

    /// The names of the file's classes; one that is empty for a file that holds one config.
    pub fn class_names(&self) -> Result<Vec<String>, ConfigError> {
        let mut problems = Problems::default();
        let names = self.class_nodes(&mut problems).into_iter().map(|(name, _)| name).collect();
        self.refuse_errors(problems)?;
        Ok(names)
    }

    fn classes(&self) -> Result<Vec<ClassSummary>, ConfigError> {
        let mut problems = Problems::default();
        let summaries = self.class_nodes(&mut problems).into_iter().filter_map(|(name, node)| {
            let template = ConfigTemplate::read(node, &mut problems)?;
            let arguments = arguments::describe_all(&template.args);
            Some(ClassSummary { name, description: template.description, arguments })
        });
        let summaries = summaries.collect();
        self.refuse_errors(problems)?;
        Ok(summaries)
    }

    /// The plan of one class with these arguments, for a run that starts at `started_at`.
    pub fn plan(
        &self,
        class: Option<&str>,
        arguments: &IndexMap<String, String>,
        started_at: Time,
    ) -> Result<LoadedConfig, ConfigError> {
        let mut problems = Problems::default();
        let classes = self.class_nodes(&mut problems);
        let template =
            choose(classes, class, &mut problems).and_then(|node| ConfigTemplate::read(node, &mut problems));
        let errors = problems.error_count();
        let plan = template.map(|t| resolve::resolve(&self.name, &t, arguments, started_at, &mut problems));
        debug_assert!(plan.is_some() || errors > 0, "a template that is missing has a reason");
        let problems = self.refuse_errors(problems)?;
        let Some(plan) = plan else { return Err(self.invalid(problems)) };
        let warnings = problems.iter().map(|problem| problem.render(&self.shown_path, &self.text)).collect();
        Ok(LoadedConfig { plan, warnings })
    }

    /// The classes by name; a file that holds one config has one with an empty name.
    fn class_nodes(&self, problems: &mut Problems) -> Vec<(String, Node)> {
        let root = match tree::parse(&self.text) {
            Ok(root) => root,
            Err((span, message)) => {
                problems.error(span, message);
                return Vec::new();
            }
        };
        let NodeKind::Map(entries) = root.kind else { return vec![(String::new(), root)] };
        if entries.is_empty() {
            problems.error(root.span, "the file holds no config; write Config(…)");
        }
        let name_of = |key: &Node| match &key.kind {
            NodeKind::Scalar(value) => value.to_string(),
            other => other.describe(),
        };
        entries.into_iter().map(|(key, node)| (name_of(&key), node)).collect()
    }

    fn refuse_errors(&self, problems: Problems) -> Result<Vec<Problem>, ConfigError> {
        let problems = problems.into_sorted();
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(self.invalid(problems));
        }
        Ok(problems)
    }

    fn invalid(&self, problems: Vec<Problem>) -> ConfigError {
        ConfigError::Invalid { file: self.shown_path.clone(), text: self.text.clone(), problems }
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
