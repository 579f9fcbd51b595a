//! Structs, maps, lists and scalars of a tree, with an error for each that does not fit.

use indexmap::IndexSet;

use super::tree::{Field, Node, NodeKind, repeated_keys};
use super::value::{FromValue, Scalar};
use crate::error::{Problems, SourceSpan, nearest, suggestion};
use crate::expression::{Names, Value};
use crate::naming::TEXT_BYTES_MAX;

/// The fields of one struct. Each is taken by its name; [`Fields::finish`] refuses the rest.
pub(super) struct Fields {
    what: &'static str,
    span: SourceSpan,
    left: Vec<Field>,
    known: Vec<&'static str>,
    /// Fields that are needed and not there, with their errors.
    missing: Vec<(&'static str, String)>,
}

impl Fields {
    pub(super) fn of(node: Node, what: &'static str, problems: &mut Problems) -> Option<Self> {
        let fields = match node.kind {
            NodeKind::Struct(name, fields) => match name {
                Some(name) if name != what => {
                    let hint = match (what, name.as_str()) {
                        ("Config", "Include") => "; a library is for include: [\"NAME\"] of a config",
                        ("Config", "Playlist") => {
                            "; a playlist is for promemu run, test, check, truth and describe"
                        }
                        _ => "",
                    };
                    problems.error(node.span, format!("expected {what}(…), found {name}(…){hint}"));
                    return None;
                }
                _ => fields,
            },
            NodeKind::Tuple(Some(name), items) if name == what && items.is_empty() => Vec::new(),
            NodeKind::Nothing => Vec::new(),
            other => {
                let nameless = if matches!(other, NodeKind::Tuple(..)) {
                    " without the names of its fields"
                } else {
                    ""
                };
                let message = format!("expected {what}(field: …), found {}{nameless}", other.describe());
                problems.error(node.span, message);
                return None;
            }
        };
        let mut seen = IndexSet::new();
        for field in fields.iter().filter(|field| !seen.insert(field.name.as_str())) {
            problems.error(field.name_span, format!("{what} has {:?} twice; keep one", field.name));
        }
        Some(Self { what, span: node.span, left: fields, known: Vec::new(), missing: Vec::new() })
    }

    pub(super) const fn span(&self) -> SourceSpan {
        self.span
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.left.iter().any(|field| field.name == name)
    }

    pub(super) fn take(&mut self, name: &'static str) -> Option<Node> {
        self.known.push(name);
        let at = self.left.iter().position(|field| field.name == name)?;
        let node = self.left.remove(at).value;
        (!matches!(node.kind, NodeKind::Nothing)).then_some(node)
    }

    pub(super) fn scalar<T: FromValue>(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<Scalar<T>> {
        let node = self.take(name)?;
        read_scalar(&node, name, problems)
    }

    pub(super) fn needed<T: FromValue>(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<Scalar<T>> {
        if let Some(node) = self.take(name) {
            return read_scalar(&node, name, problems);
        }
        self.lacks(name, format!("{} needs a field {name:?}", self.what), problems);
        None
    }

    /// Reports a field that is needed and not there. The error is taken back where an unknown field means it.
    pub(super) fn lacks(&mut self, name: &'static str, message: String, problems: &mut Problems) {
        problems.error(self.span, message.clone());
        self.missing.push((name, message));
    }

    /// The field that means this one, under a name that the record does not have; it is reported as unknown.
    pub(super) fn misnamed(&self, name: &'static str) -> Option<&Node> {
        let meant = |field: &&Field| meant_field(&field.name, &[name]).is_some();
        self.left.iter().find(meant).map(|field| &field.value)
    }

    pub(super) fn constant<T: FromValue>(
        &mut self,
        name: &'static str,
        problems: &mut Problems,
    ) -> Option<T> {
        let scalar = self.scalar::<T>(name, problems)?;
        let value = scalar.evaluate(&Names::default());
        value
            .map_err(|error| problems.error(scalar.span, format!("{name} must be a plain value: {error}")))
            .ok()
    }

    /// As [`Self::constant`], of a text that others are shown; empty without one.
    pub(super) fn constant_text(&mut self, name: &'static str, problems: &mut Problems) -> String {
        let span = self.left.iter().find(|field| field.name == name).map(|field| field.value.span);
        let text: String = self.constant(name, problems).unwrap_or_default();
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("{name} has {TEXT_BYTES_MAX} bytes at most");
            problems.error(span.unwrap_or(self.span), message);
        }
        text
    }

    pub(super) fn list(&mut self, name: &'static str, problems: &mut Problems) -> Vec<Node> {
        match self.take(name) {
            Some(Node { kind: NodeKind::List(items), .. }) => items,
            Some(node) => {
                problems.error(
                    node.span,
                    format!("{name} takes a list, as in [a, b]; found {}", node.kind.describe()),
                );
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    pub(super) fn map(&mut self, name: &'static str, problems: &mut Problems) -> Vec<(Node, Node)> {
        self.take(name).map(|node| read_map(node, name, problems)).unwrap_or_default()
    }

    /// Refuses a field under its old name, whose contents are not read.
    pub(super) fn refuse_old(&mut self, name: &str, message: &str, problems: &mut Problems) {
        if let Some(at) = self.left.iter().position(|field| field.name == name) {
            problems.error(self.left.remove(at).name_span, message);
        }
    }

    /// Reports every field that nothing has read and that the record does not have. Gives `true` if there is none.
    pub(super) fn refuse_unknown(self, problems: &mut Problems) -> bool {
        #[cfg(test)]
        KNOWN.with_borrow_mut(|known| known.entry(self.what).or_default().extend(&self.known));
        let is_unknown = |field: &&Field| !self.known.contains(&field.name.as_str());
        let unknown: Vec<&Field> = self.left.iter().filter(is_unknown).collect();
        let mut missing = self.missing;
        for field in &unknown {
            if problems.is_over() {
                break;
            }
            let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
            let only = names.first().filter(|_| names.len() == 1 && unknown.len() == 1);
            let meant = meant_field(&field.name, &names).or_else(|| meant_field(&field.name, &self.known));
            let meant = meant.or_else(|| only.copied());
            let hint = meant.map_or_else(
                || suggestion(&field.name, &self.known),
                |meant| format!("; did you mean {meant:?}?"),
            );
            problems.error(field.name_span, format!("{} has no field {:?}{hint}", self.what, field.name));
            if let Some(at) = missing.iter().position(|(name, _)| meant == Some(name)) {
                problems.take_back(self.span, missing.remove(at).1);
            }
        }
        unknown.is_empty()
    }
}

/// Fields that mean the same in different records.
const SAME_MEANING: [&[&str]; 14] = [
    &["description", "help", "doc", "comment"],
    &["at", "start_time", "start", "begin", "from", "after", "delay"],
    &["lasts", "duration", "for", "length", "ttl", "until"],
    &["name", "id", "title", "hostname"],
    &["default_value", "default", "value", "initial"],
    &["update_interval", "interval", "every", "period", "step"],
    &["value_range", "range", "min", "max", "bounds"],
    &["labels", "tags"],
    &["metric_type", "type", "kind"],
    &["hosts", "nodes", "servers", "machines", "instances"],
    &["count", "size", "number", "replicas"],
    &["to", "count", "times", "until"],
    &["source", "script", "code", "expression", "formula"],
    &["var", "variable", "name"],
];

/// The field that an unknown one means: one with nearly its letters, or one that says the same.
fn meant_field<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = nearest(unknown, known).and_then(|near| known.iter().find(|name| **name == near));
    let groups = SAME_MEANING.iter().filter(|group| group.contains(&unknown));
    let mut same = groups.flat_map(|group| group.iter()).filter_map(|name| known.iter().find(|k| *k == name));
    near.or_else(|| same.next()).copied()
}

pub(super) fn read_scalar<T: FromValue>(
    node: &Node,
    what: &str,
    problems: &mut Problems,
) -> Option<Scalar<T>> {
    if let NodeKind::Scalar(Value::Text(text)) | NodeKind::Word(text) = &node.kind
        && let Some(doubt) = T::doubt(text)
    {
        problems.warning(node.span, format!("{what}: {doubt}"));
    }
    let scalar =
        Scalar::read(node).map_err(|(span, error)| problems.error(span, format!("{what}: {error}"))).ok()?;
    warn_of_dollar(node, &scalar, what, problems);
    Some(scalar)
}

/// Warns of `${i}`, whose `$` stays in the text.
fn warn_of_dollar<T: FromValue>(node: &Node, scalar: &Scalar<T>, what: &str, problems: &mut Problems) {
    let NodeKind::Scalar(Value::Text(text)) = &node.kind else { return };
    let Some(at) = text.find("${").filter(|_| !scalar.is_constant()) else { return };
    let name: String = text[at + 1..].chars().take_while(|c| *c != '}').collect();
    let message = format!("{what}: the $ of \"${name}}}\" stays in the text; write \"{name}}}\"");
    problems.warning(node.span_at(at), message);
}

pub(super) fn read_scalars<T: FromValue>(
    nodes: &[Node],
    what: &str,
    problems: &mut Problems,
) -> Vec<Scalar<T>> {
    nodes.iter().filter_map(|node| read_scalar(node, what, problems)).collect()
}

/// The readable items of a list, as long as the reading goes on.
pub(super) fn read_all<T>(
    nodes: Vec<Node>,
    problems: &mut Problems,
    read: impl Fn(Node, &mut Problems) -> Option<T>,
) -> Vec<T> {
    let mut items = Vec::with_capacity(nodes.len());
    for node in nodes {
        if problems.is_over() {
            break;
        }
        items.extend(read(node, problems));
    }
    items
}

/// One text, or a list of them, which is not empty: it would look like none, and mean all.
pub(super) fn read_texts(node: &Node, what: &str, problems: &mut Problems) -> Vec<Scalar<String>> {
    match &node.kind {
        NodeKind::List(items) => {
            if items.is_empty() {
                problems.error(node.span, format!("{what} is empty; name one, or leave the field out"));
            }
            read_scalars(items, what, problems)
        }
        _ => read_scalar(node, what, problems).into_iter().collect(),
    }
}

/// The entries of a map; a repeated key is an error.
pub(super) fn read_map(node: Node, what: &str, problems: &mut Problems) -> Vec<(Node, Node)> {
    let entries = match node.kind {
        NodeKind::Map(entries) => entries,
        other => {
            problems.error(
                node.span,
                format!("{what} takes a map, as in {{ \"a\": b }}; found {}", other.describe()),
            );
            return Vec::new();
        }
    };
    for key in repeated_keys(&entries) {
        problems.error(key.span, format!("{what} has {} twice; keep one", key.kind.describe()));
    }
    entries
}

pub(super) fn read_name(node: &Node, what: &str, problems: &mut Problems) -> Option<String> {
    match &node.kind {
        NodeKind::Scalar(Value::Text(text)) | NodeKind::Word(text) => Some(text.clone()),
        other => {
            problems.error(node.span, format!("expected {what}, found {}", other.describe()));
            None
        }
    }
}

/// As [`read_name`], of a text that others are sent or shown.
pub(super) fn read_text(node: &Node, (field, what): (&str, &str), problems: &mut Problems) -> Option<String> {
    let text = read_name(node, what, problems)?;
    if text.len() <= TEXT_BYTES_MAX {
        return Some(text);
    }
    problems.error(node.span, format!("{field} has {TEXT_BYTES_MAX} bytes at most"));
    None
}

#[cfg(test)]
thread_local! {
    /// The fields of the records that were read, by record.
    static KNOWN: std::cell::RefCell<std::collections::BTreeMap<&'static str, std::collections::BTreeSet<&'static str>>> =
        std::cell::RefCell::default();
}

/// The outcome of a reading, and the fields that it knew, by record.
#[cfg(test)]
pub(super) fn known_fields<T>(
    read: impl FnOnce() -> T,
) -> (T, std::collections::BTreeMap<&'static str, std::collections::BTreeSet<&'static str>>) {
    KNOWN.take();
    let outcome = read();
    (outcome, KNOWN.take())
}
