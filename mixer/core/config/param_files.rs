//! Files that hold a parameter of a plugin: `profile: "shop.ron"` becomes what is in the file, with its places.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::reading::Reading;
use super::source::ConfigFile;
use super::tree::{Field, Node, NodeKind};
use crate::expression::Value;
use crate::plugin::{self, ParamDecl};

/// The values given for the config's arguments.
type Given = IndexMap<String, Value>;

/// Maximum size of a file.
const FILE_BYTES_MAX: u64 = 4 << 20;

impl Reading {
    /// Puts the contents of parameters' files in the places of their paths.
    /// A path may be the value given for an argument: `"{profile}"`.
    pub(super) fn read_param_files(&mut self, file: &ConfigFile, node: &mut Node, given: &Given) {
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
    fn read_files_of(&mut self, file: &ConfigFile, node: &mut Node, given: &Given) {
        let NodeKind::Struct(Some(name), fields) = &mut node.kind else { return };
        // Looking up a name loads plugins, so it is done for a file only.
        if !fields.iter().any(|field| path_of(&field.value, given).is_some()) {
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
            if let Some(path) = path_of(&field.value, given) {
                let span = field.value.span;
                // One error is enough: what is missing is then taken for not given.
                let nothing = || Node { span, ..Node::nowhere(NodeKind::Nothing) };
                field.value = self.param_file(file, &path, &field.value).unwrap_or_else(nothing);
            }
        }
    }

    /// The contents of a file: beside the config's, else in the working directory.
    fn param_file(&mut self, file: &ConfigFile, path: &Path, at: &Node) -> Option<Node> {
        let beside = file.path.as_deref().and_then(Path::parent).map(|folder| folder.join(path));
        let path = beside.filter(|beside| beside.is_file()).unwrap_or_else(|| path.to_owned());
        let shown = path.display();
        let refusal = match std::fs::metadata(&path) {
            Err(error) => format!("{shown} cannot be read: {error}"),
            // Opening a pipe would block until it has a writer.
            Ok(found) if !found.is_file() => format!("{shown} is not a file"),
            Ok(found) if found.len() > FILE_BYTES_MAX => {
                format!("{shown} is larger than {FILE_BYTES_MAX} bytes")
            }
            Ok(_) => match ConfigFile::read(&path) {
                Ok(read) => return self.root(&read),
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                    format!("{error}{}", cause.unwrap_or_default())
                }
            },
        };
        self.problems.error(at.span, refusal);
        None
    }
}

/// The path that a value may be: a text that ends in `.ron`, or the argument that has one.
fn path_of(node: &Node, given: &Given) -> Option<PathBuf> {
    let NodeKind::Scalar(Value::Text(text)) = &node.kind else { return None };
    let argument = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).map(str::trim);
    let text = match argument {
        Some(name) => given.get(name)?.to_string(),
        None => text.clone(),
    };
    let path = PathBuf::from(&text);
    (path.extension().is_some_and(|extension| extension == "ron") && !text.contains('{')).then_some(path)
}
