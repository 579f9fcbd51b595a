//! A config on top of another one: `extends: "incident"`.
//!
//! Trees are merged before they are read, so each node keeps its place in its own file.

use super::classes::Classes;
use super::param_files::Given;
use super::reading::Reading;
use super::source::ConfigFile;
use super::template::Included;
use super::tree::{Field, Node, NodeKind};

/// Maximum number of configs that extend each other.
const CONFIGS_MAX: usize = 32;

impl Reading {
    /// A class on top of the configs that it extends, with the contents of parameters' files; and the metric sets and levers that all of
    /// them include.
    pub(super) fn extended(&mut self, file: &ConfigFile, node: Node, given: Given<'_>) -> (Node, Included) {
        self.on_top_of_others(file, node, given, &mut vec![file.shown_path.clone()])
    }

    fn on_top_of_others(
        &mut self,
        file: &ConfigFile,
        mut node: Node,
        given: Given<'_>,
        paths: &mut Vec<String>,
    ) -> (Node, Included) {
        let own = self.included(file, &node);
        self.read_param_files(file, &mut node, given);
        let Some((base_file, base)) = self.base(file, &node, paths) else { return (node, own) };
        let (base, mut included) = self.on_top_of_others(&base_file, base, given, paths);
        included.sets.extend(own.sets);
        included.levers.extend(own.levers);
        (merged(base, node), included)
    }

    /// The config that a class extends, with its file.
    fn base(
        &mut self,
        file: &ConfigFile,
        node: &Node,
        paths: &mut Vec<String>,
    ) -> Option<(ConfigFile, Node)> {
        let NodeKind::Struct(_, fields) = &node.kind else { return None };
        let named = &fields.iter().find(|field| field.name == "extends")?.value;
        let name = named.kind.name();
        let name = name.strip_suffix(".ron").unwrap_or(&name).to_owned();
        let (base, root) = match self.open_included(file, &name, named.span) {
            Ok(opened) => opened,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                self.problems.error(named.span, format!("{error}{}", cause.unwrap_or_default()));
                return None;
            }
        };
        if paths.contains(&base.shown_path) || paths.len() >= CONFIGS_MAX {
            let message = format!(
                "{name} extends itself, or stands on more than {CONFIGS_MAX} configs; extend another one"
            );
            self.problems.error(named.span, message);
            return None;
        }
        if base.maker.is_some() {
            let message = format!("{name} is made by a plugin and cannot be extended; extend a file");
            self.problems.error(named.span, message);
            return None;
        }
        paths.push(base.shown_path.clone());
        let classes = Classes::of(root?);
        classes.check(&mut self.problems);
        let class = classes.choose(None, &mut self.problems)?.clone();
        if class.kind.is_named("Config") {
            return Some((base, class));
        }
        let found = class.kind.describe();
        self.problems.error(named.span, format!("extends takes the name of a config; {name} is {found}"));
        None
    }
}

/// A config on top of a base: hosts are added to those of the base, arguments, levers, measures and sets replace those of the same name, and
/// other fields those of the base.
fn merged(base: Node, own: Node) -> Node {
    let (NodeKind::Struct(_, base_fields), NodeKind::Struct(name, own_fields)) =
        (base.kind, own.kind.clone())
    else {
        return own;
    };
    // Both are read already.
    let mut fields: Vec<Field> = base_fields.into_iter().filter(|field| field.name != "include").collect();
    for field in own_fields.into_iter().filter(|field| !matches!(field.name.as_str(), "include" | "extends"))
    {
        match fields.iter().position(|known| known.name == field.name) {
            Some(at) => {
                let base = fields.swap_remove(at);
                fields.push(with_parts(base, field));
            }
            None => fields.push(field),
        }
    }
    Node { kind: NodeKind::Struct(name, fields), ..own }
}

/// A field on top of the one of the base.
fn with_parts(base: Field, own: Field) -> Field {
    let kind = match (own.name.as_str(), base.value.kind, own.value.kind) {
        ("hosts", NodeKind::List(mut hosts), NodeKind::List(more)) => {
            hosts.extend(more);
            NodeKind::List(hosts)
        }
        ("args", NodeKind::Map(entries), NodeKind::Map(own)) => {
            NodeKind::Map(replaced(entries, own, argument))
        }
        (
            "levers" | "measures" | "metric_sets" | "verdict_sets",
            NodeKind::Map(entries),
            NodeKind::Map(own),
        ) => NodeKind::Map(replaced(entries, own, |_, own| own)),
        (_, _, kind) => kind,
    };
    Field { value: Node { kind, ..own.value }, ..own }
}

type Entries = Vec<(Node, Node)>;

/// The entries, each replaced by the own one of the same name; new ones come last.
fn replaced(mut entries: Entries, own: Entries, both: fn(Node, Node) -> Node) -> Entries {
    let count = entries.len();
    for (key, value) in own {
        let name = key.kind.name();
        match entries[..count].iter().position(|(known, _)| known.kind.name() == name) {
            Some(at) => {
                let base = std::mem::replace(&mut entries[at].1, Node::nowhere(NodeKind::Nothing));
                entries[at] = (key, both(base, value));
            }
            None => entries.push((key, value)),
        }
    }
    entries
}

/// An argument with the fields of the base that it does not give; a plain value is its default.
fn argument(base: Node, own: Node) -> Node {
    let NodeKind::Struct(name, mut fields) = base.kind else { return own };
    let given = match own.kind {
        NodeKind::Struct(_, given) => given,
        kind => vec![Field { name: "default".to_owned(), name_span: own.span, value: Node { kind, ..own } }],
    };
    fields.retain(|known| given.iter().all(|field| field.name != known.name));
    fields.extend(given);
    Node { kind: NodeKind::Struct(name, fields), span: own.span, text_at: own.text_at }
}
