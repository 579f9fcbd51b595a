//! One reading of a config: its texts, their classes, and the problems in them.

use std::path::PathBuf;

use super::source::ConfigFile;
use super::tree::{self, Node, NodeKind};
use crate::error::{ConfigError, Problem, Problems, Severity, SourceSpan, Sources, suggestion};

/// The state of one reading: texts, files and problems so far.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) sources: Sources,
    pub(super) files: Vec<PathBuf>,
    pub(super) problems: Problems,
}

impl Reading {
    /// Adds a file to the sources; returns the root of its tree.
    pub(super) fn root(&mut self, file: &ConfigFile) -> Option<Node> {
        self.files.extend(file.path.clone());
        let first_byte = self.sources.add(file.shown_path.as_str(), file.text.as_str());
        let root = tree::parse_at(&file.text, first_byte);
        root.map_err(|(span, message)| self.problems.error(span, message)).ok()
    }

    /// The classes by name; a file with a single config has one with an empty name.
    pub(super) fn class_nodes(&mut self, file: &ConfigFile) -> Vec<(String, Node)> {
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

    /// The warnings; all problems if one of them is an error.
    pub(super) fn finish(self) -> Result<Vec<Problem>, ConfigError> {
        let problems = self.problems.into_sorted();
        if problems.iter().any(|problem| problem.severity != Severity::Warning) {
            return Err(ConfigError::Invalid { sources: self.sources, problems });
        }
        Ok(problems)
    }
}

/// The class called `class`; without a name the first that ends in `Config`, else the first.
pub(super) fn choose(
    classes: Vec<(String, Node)>,
    class: Option<&str>,
    problems: &mut Problems,
) -> Option<Node> {
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
