//! The nodes of a config's tree, each with its place in the text.

use indexmap::IndexSet;

use crate::error::SourceSpan;
use crate::excerpt::beginning;
use crate::expression::Value;

/// A node of the tree.
#[derive(Clone, Debug)]
pub(in crate::config) struct Node {
    pub(in crate::config) span: SourceSpan,
    /// First byte of a quoted text; `None` if the file has it in escaped form.
    pub(in crate::config) text_at: Option<usize>,
    pub(in crate::config) kind: NodeKind,
}

impl Node {
    /// A node without a place in a file.
    pub(in crate::config) const fn nowhere(kind: NodeKind) -> Self {
        Self { span: SourceSpan { start: 0, end: 0 }, text_at: None, kind }
    }

    /// The place of a byte of this node's text, else of the whole node.
    pub(in crate::config) fn span_at(&self, byte: usize) -> SourceSpan {
        self.text_at.map_or(self.span, |start| SourceSpan { start: start + byte, end: start + byte + 1 })
    }

    /// Number of nodes in it, itself included.
    pub(in crate::config) fn size(&self) -> usize {
        1 + match &self.kind {
            NodeKind::List(items) | NodeKind::Tuple(_, items) => items.iter().map(Self::size).sum(),
            NodeKind::Struct(_, fields) => fields.iter().map(|field| field.value.size()).sum(),
            NodeKind::Map(entries) => entries.iter().map(|(key, value)| key.size() + value.size()).sum(),
            NodeKind::Scalar(_) | NodeKind::Word(_) | NodeKind::Nothing => 0,
        }
    }

    /// Moves all places by a number of bytes.
    pub(super) fn shift(&mut self, by: usize) {
        let shift_span = |span: &mut SourceSpan| (span.start, span.end) = (span.start + by, span.end + by);
        self.change_places(&shift_span, &|text_at| *text_at = text_at.map(|at| at + by));
    }

    /// Gives all nodes one place: that of what they are made for.
    pub(in crate::config) fn place_at(&mut self, place: SourceSpan) {
        self.change_places(&|span| *span = place, &|text_at| *text_at = None);
    }

    fn change_places(&mut self, span: &impl Fn(&mut SourceSpan), text_at: &impl Fn(&mut Option<usize>)) {
        span(&mut self.span);
        text_at(&mut self.text_at);
        match &mut self.kind {
            NodeKind::List(items) | NodeKind::Tuple(_, items) => {
                for node in items {
                    node.change_places(span, text_at);
                }
            }
            NodeKind::Struct(_, fields) => {
                for field in fields {
                    span(&mut field.name_span);
                    field.value.change_places(span, text_at);
                }
            }
            NodeKind::Map(entries) => {
                for (key, value) in entries {
                    key.change_places(span, text_at);
                    value.change_places(span, text_at);
                }
            }
            NodeKind::Scalar(_) | NodeKind::Word(_) | NodeKind::Nothing => {}
        }
    }
}

#[derive(Clone, Debug)]
pub(in crate::config) enum NodeKind {
    /// A number, text, `true` or `false`.
    Scalar(Value),
    /// A bare word, as in `metric_type: gauge`.
    Word(String),
    /// `None` or `()`.
    Nothing,
    /// `[a, b]`.
    List(Vec<Node>),
    /// `Name(a, b)` or `(a, b)`.
    Tuple(Option<String>, Vec<Node>),
    /// `Name(field: a)` or `(field: a)`; a `Name()` or `()` without any is [`NodeKind::Tuple`].
    Struct(Option<String>, Vec<Field>),
    /// `{ key: a }`.
    Map(Vec<(Node, Node)>),
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub(in crate::config) struct Field {
    pub(in crate::config) name: String,
    pub(in crate::config) name_span: SourceSpan,
    pub(in crate::config) value: Node,
}

/// The keys of a map that have come before.
pub(in crate::config) fn repeated_keys(entries: &[(Node, Node)]) -> impl Iterator<Item = &Node> {
    let mut seen = IndexSet::new();
    entries.iter().map(|(key, _)| key).filter(move |key| !seen.insert(key.kind.name()))
}

/// The root of a file that has metric sets for other files and is no config.
pub(in crate::config) const INCLUDE: &str = "Include";

impl NodeKind {
    /// `true` for `Include(…)` with fields.
    pub(in crate::config) fn is_include(&self) -> bool {
        matches!(self, Self::Struct(Some(name), _) if name == INCLUDE)
    }

    /// The name that a word or a quoted text stands for.
    pub(in crate::config) fn name(&self) -> String {
        match self {
            Self::Scalar(value) => value.to_string(),
            other => other.describe(),
        }
    }

    /// `true` for `Name(…)` with this name.
    pub(in crate::config) fn is_named(&self, wanted: &str) -> bool {
        matches!(self, Self::Tuple(Some(name), _) | Self::Struct(Some(name), _) if name == wanted)
    }

    /// Its description for messages.
    pub(in crate::config) fn describe(&self) -> String {
        match self {
            Self::Scalar(Value::Text(text)) => format!("text {:?}", beginning(text)),
            Self::Scalar(value) => value.to_string(),
            Self::Word(word) => beginning(word).into_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Tuple(Some(name), _) | Self::Struct(Some(name), _) => format!("{name}(…)"),
            Self::Tuple(None, items) => format!("a tuple of {}", items.len()),
            Self::Struct(None, _) => "a group of fields".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}
