//! The classes of a config file, by name.

use indexmap::IndexMap;

use super::template::PLAYLIST;
use super::tree::{Node, NodeKind, repeated_keys};
use crate::error::{Problems, SourceSpan, suggestion};

/// The classes of a file. A file with a single config has one with an empty name.
#[derive(Debug)]
pub(super) struct Classes {
    nodes: Vec<Node>,
    /// The first class of each name, as an index into the nodes.
    by_name: IndexMap<String, usize>,
    /// The classes whose name comes before, as they are written.
    repeated: Vec<(SourceSpan, String)>,
    /// The place of a map without any.
    empty_at: Option<SourceSpan>,
    /// The place of a map that has the fields of one config.
    fields_at: Option<SourceSpan>,
}

impl Classes {
    /// The classes of a tree.
    pub(super) fn of(root: Node) -> Self {
        let NodeKind::Map(entries) = root.kind else {
            let by_name = std::iter::once((String::new(), 0)).collect();
            return Self {
                nodes: vec![root],
                by_name,
                repeated: Vec::new(),
                empty_at: None,
                fields_at: None,
            };
        };
        let repeated = repeated_keys(&entries).map(|key| (key.span, key.kind.describe())).collect();
        let empty_at = entries.is_empty().then_some(root.span);
        let is_list = |(key, value): &(Node, Node)| {
            key.kind.name() == "hosts" && matches!(value.kind, NodeKind::List(_))
        };
        let fields_at = entries.iter().any(is_list).then_some(root.span);
        let mut by_name = IndexMap::new();
        for (index, (key, _)) in entries.iter().enumerate() {
            by_name.entry(key.kind.name()).or_insert(index);
        }
        let nodes = entries.into_iter().map(|(_, node)| node).collect();
        Self { nodes, by_name, repeated, empty_at, fields_at }
    }

    /// The playlist of a file that is one.
    pub(super) fn playlist(&self) -> Option<&Node> {
        let only = self.nodes.first().filter(|_| self.by_name.contains_key(""));
        only.filter(|node| node.kind.is_named(PLAYLIST))
    }

    /// The names, each once.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.by_name.keys()
    }

    /// The classes by name; none of a map that is no map of classes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Node)> {
        let are_classes = self.fields_at.is_none();
        self.by_name.iter().filter(move |_| are_classes).map(|(name, index)| (name, &self.nodes[*index]))
    }

    /// Adds the errors about classes as a whole.
    pub(super) fn check(&self, problems: &mut Problems) {
        if let Some(span) = self.empty_at {
            problems.error(span, "the file holds no config; write Config(…)");
        }
        if let Some(span) = self.fields_at {
            let message =
                "the fields of a config stand in Config(…), not in braces; write Config(hosts: [Host(…)])";
            problems.error(span, message);
        }
        for (span, class) in &self.repeated {
            problems.error(*span, format!("the file has the class {class} twice; keep one"));
        }
    }

    /// The class called `class`; without a name the first that ends in `Config`, else the first.
    pub(super) fn choose(&self, class: Option<&str>, problems: &mut Problems) -> Option<&Node> {
        if self.fields_at.is_some() {
            return None;
        }
        let usual = || {
            let named = self.by_name.iter().find(|(name, _)| name.ends_with("Config"));
            named.or_else(|| self.by_name.first())
        };
        let index = class
            .map_or_else(|| usual().map(|(_, index)| *index), |wanted| self.by_name.get(wanted).copied());
        if let (None, Some(wanted)) = (index, class)
            && !self.by_name.is_empty()
        {
            let known: Vec<&String> = self.names().filter(|name| !name.is_empty()).collect();
            let hint = if known.is_empty() {
                ", as it holds one config without a name; leave the class out".to_owned()
            } else {
                suggestion(wanted, &known)
            };
            let message = format!("the file has no class {wanted:?}{hint}");
            problems.error(SourceSpan::default(), message);
        }
        self.nodes.get(index?)
    }
}
