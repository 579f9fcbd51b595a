//! Metric sets and levers of other files: `include: ["node_sets"]`.

use std::path::Path;

use super::reading::Reading;
use super::source::{Author, ConfigFile};
use super::template::Included;
use super::tree::{INCLUDE, Node, NodeKind};
use crate::error::{ConfigError, SourceSpan};

/// Maximum number of included files, nested ones counted.
const FILES_MAX: usize = 32;

impl Reading {
    /// The metric sets and levers of all files that a class includes, nested ones first. Of two with the same name the
    /// later one wins; the class's own come after these.
    pub(super) fn included(&mut self, file: &ConfigFile, node: &Node) -> Included {
        let mut included = Included::default();
        let mut names = Vec::new();
        self.include(file, node, &mut names, &mut included);
        included
    }

    fn include(&mut self, file: &ConfigFile, node: &Node, names: &mut Vec<String>, found: &mut Included) {
        let NodeKind::Struct(_, fields) = &node.kind else { return };
        let Some(field) = fields.iter().find(|field| field.name == "include") else { return };
        let NodeKind::List(items) = &field.value.kind else {
            let found = field.value.kind.describe();
            let message = format!("include takes a list of files, as in [\"node_sets\"]; found {found}");
            self.problems.error(field.value.span, message);
            return;
        };
        for item in items {
            let name = item.kind.name();
            let name = name.strip_suffix(".ron").unwrap_or(&name).to_owned();
            if names.contains(&name) {
                continue;
            }
            if names.len() >= FILES_MAX {
                self.problems
                    .error(item.span, format!("more than {FILES_MAX} files are included; leave some out"));
                return;
            }
            names.push(name.clone());
            match self.open_included(file, &name, item.span) {
                Ok((included, root)) => self.include_file(&included, root, names, found),
                Err(error) => {
                    let cause =
                        std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
                    self.problems.error(item.span, format!("{error}{cause}"));
                }
            }
        }
    }

    /// An included file and its tree, each read once; without the tree if it has errors.
    pub(super) fn open_included(
        &mut self,
        file: &ConfigFile,
        name: &str,
        named_at: SourceSpan,
    ) -> Result<(ConfigFile, Option<Node>), ConfigError> {
        let key = (file.path.clone(), name.to_owned());
        if let Some(known) = self.included.get(&key) {
            return Ok(known.clone());
        }
        let included = file.included(name)?;
        let root = self.root(&included, named_at);
        self.included.insert(key, (included.clone(), root.clone()));
        Ok((included, root))
    }

    fn include_file(
        &mut self,
        file: &ConfigFile,
        root: Option<Node>,
        names: &mut Vec<String>,
        found: &mut Included,
    ) {
        let Some(root) = root else { return };
        self.include(file, &root, names, found);
        let (span, description) = (root.span, root.kind.describe());
        let NodeKind::Struct(Some(name), fields) = root.kind else {
            let message = format!("expected Include(metric_sets: …), found {description}");
            self.problems.error(span, message);
            return;
        };
        let is_config = name == "Config";
        if !is_config && name != INCLUDE {
            self.problems.error(span, format!("expected Include(metric_sets: …), found {name}(…)"));
            return;
        }
        for field in fields {
            match (field.name.as_str(), field.value.kind) {
                ("metric_sets", NodeKind::Map(entries)) => found.sets.extend(entries),
                ("levers", NodeKind::Map(entries)) => found.levers.extend(entries),
                (name @ ("metric_sets" | "levers"), other) => {
                    let found = other.describe();
                    self.problems.error(field.value.span, format!("{name} takes a map; found {found}"));
                }
                ("include", _) => {}
                (other, _) if !is_config => {
                    let message = format!(
                        "Include has no field {other:?}; expected one of metric_sets, levers, include"
                    );
                    self.problems.error(field.name_span, message);
                }
                _ => {}
            }
        }
    }
}

impl ConfigFile {
    /// The included or extended file: beside this one, else in the folders of configs. A client's text has no other files than these.
    fn included(&self, name: &str) -> Result<Self, ConfigError> {
        if self.author == Author::Client {
            return self.dirs.open_by_name(name);
        }
        let beside = self.path.as_deref().and_then(Path::parent);
        let beside = beside.map(|dir| dir.join(format!("{name}.ron")));
        // One of the same name as this file is meant to be another one.
        match beside.filter(|path| path.is_file() && self.path.as_ref() != Some(path)) {
            Some(path) => Self::read(&path).map(|file| file.within(&self.dirs)),
            None => self.dirs.open_to_include(name),
        }
    }
}
