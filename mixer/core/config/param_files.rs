//! Files that hold a parameter of a plugin: `profile: "shop.ron"` becomes what is in the file, with its places.

use std::path::Path;

use indexmap::IndexMap;

use super::options::LoadOptions;
use super::reading::Reading;
use super::source::{Author, ConfigFile, is_plain_name};
use super::tree::{Field, Node, NodeKind};
use crate::error::ConfigError;
use crate::expression::Value;
use crate::plugin::{self, ParamDecl};
use crate::user_file;

/// The values given for the config's arguments, and who gave them.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    arguments: &'a IndexMap<String, Value>,
    author: Author,
}

impl<'a> Given<'a> {
    /// The values of these options.
    pub(super) const fn by(options: &'a LoadOptions) -> Self {
        Self { arguments: &options.arguments, author: options.author }
    }

    /// Values that name no file.
    pub(super) const fn nothing(arguments: &'a IndexMap<String, Value>) -> Self {
        Self { arguments, author: Author::Operator }
    }
}

impl Reading {
    /// Puts the contents of parameters' files in the places of their paths.
    /// A path may be the value given for an argument: `"{profile}"`.
    pub(super) fn read_param_files(&mut self, file: &ConfigFile, node: &mut Node, given: Given<'_>) {
        match &mut node.kind {
            NodeKind::Struct(_, fields) => {
                for field in fields {
                    if matches!(field.name.as_str(), "workload" | "scenario") {
                        self.read_files_of(file, &mut field.value, given);
                    }
                    self.read_param_files(file, &mut field.value, given);
                }
            }
            NodeKind::List(items) | NodeKind::Tuple(_, items) => {
                for item in items {
                    self.read_param_files(file, item, given);
                }
            }
            NodeKind::Map(entries) => {
                for (_, value) in entries {
                    self.read_param_files(file, value, given);
                }
            }
            NodeKind::Scalar(_) | NodeKind::Word(_) | NodeKind::Nothing => {}
        }
    }

    /// The same for the parameters of one workload or scenario.
    fn read_files_of(&mut self, file: &ConfigFile, node: &mut Node, given: Given<'_>) {
        let NodeKind::Struct(Some(name), fields) = &mut node.kind else { return };
        // Looking up a name loads plugins, so it is done for a file only.
        if !fields.iter().any(|field| ParamPath::of(file, &field.value, given).is_some()) {
            return;
        }
        let params: &[ParamDecl] = match (plugin::model(name), plugin::scenario(name)) {
            (Some(workload), _) => &workload.params,
            (None, Some(scenario)) => &scenario.params,
            (None, None) => return,
        };
        let is_from_file =
            |field: &Field| params.iter().any(|param| param.is_from_file && param.name == field.name);
        for field in fields.iter_mut().filter(|field| is_from_file(field)) {
            if let Some(path) = ParamPath::of(file, &field.value, given) {
                let span = field.value.span;
                // One error is enough: what is missing is then taken for not given.
                let nothing = || Node { span, ..Node::nowhere(NodeKind::Nothing) };
                field.value = self.param_file(file, &path, &field.value).unwrap_or_else(nothing);
            }
        }
    }

    /// The contents of a file: beside the config's, else in the working directory; if a client names it, else in the
    /// folders of configs.
    fn param_file(&mut self, file: &ConfigFile, named: &ParamPath, at: &Node) -> Option<Node> {
        let ParamPath { path, author } = named;
        let beside = file.path.as_deref().and_then(Path::parent).map(|folder| folder.join(path));
        let beside = beside.filter(|beside| beside.is_file());
        let found = match author {
            Author::Operator => Ok(beside.unwrap_or_else(|| path.into())),
            Author::Client if !is_plain_name(path) => {
                Err(ConfigError::PathOfClient { path: path.clone() }.to_string())
            }
            Author::Client => beside
                .or_else(|| file.dirs.file(path))
                .ok_or_else(|| format!("{path:?} is in none of the configs folders")),
        };
        let read = found.and_then(|path| {
            ConfigFile::read_within(&path, user_file::SMALL_BYTES_MAX).map_err(|error| {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                format!("{error}{}", cause.unwrap_or_default())
            })
        });
        match read {
            Ok(read) => self.root(&read, at.span),
            Err(refusal) => {
                self.problems.error(at.span, refusal);
                None
            }
        }
    }
}

/// The path that a parameter has, and who wrote it.
struct ParamPath {
    path: String,
    author: Author,
}

impl ParamPath {
    /// The path that a value may be: a text that ends in `.ron`, or the argument that has one.
    fn of(file: &ConfigFile, node: &Node, given: Given<'_>) -> Option<Self> {
        let NodeKind::Scalar(Value::Text(text)) = &node.kind else { return None };
        let argument = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).map(str::trim);
        let (path, author) = match argument {
            Some(name) => (given.arguments.get(name)?.to_string(), given.author),
            None => (text.clone(), file.author),
        };
        let is_path = Path::new(&path).extension().is_some_and(|extension| extension == "ron");
        (is_path && !path.contains('{')).then_some(Self { path, author })
    }
}
