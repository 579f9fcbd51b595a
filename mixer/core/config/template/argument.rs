//! Declared arguments, and files of arguments.

use indexmap::IndexMap;

use crate::config::fields::{Fields, read_map, read_name, read_scalar};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::bool_in_other_letters;
use crate::error::{Problems, SourceSpan};
use crate::expression::{Names, Value};

/// A declared argument.
#[derive(Debug)]
pub(in crate::config) struct ArgTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) default: Value,
    pub(in crate::config) default_span: SourceSpan,
    pub(in crate::config) min: Option<f64>,
    pub(in crate::config) max: Option<f64>,
    pub(in crate::config) choices: Vec<Value>,
    pub(in crate::config) help: String,
}

impl ArgTemplate {
    /// The arguments that a record declares in `args`.
    pub(super) fn read_all(fields: &mut Fields, problems: &mut Problems) -> IndexMap<String, Self> {
        let args = fields.map("args", problems).into_iter().filter_map(|(key, node)| {
            let name = read_name(&key, "an argument's name", problems)?;
            Some((name, Self::read(node, problems)?))
        });
        args.collect()
    }

    /// `Arg(default: …, …)`, or the default alone.
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        refuse_bool_in_other_letters(&node, problems)?;
        if matches!(node.kind, NodeKind::Scalar(_) | NodeKind::List(_)) {
            let default = read_value(&node, "default", problems)?;
            return Some(Self {
                span,
                default,
                default_span: span,
                min: None,
                max: None,
                choices: Vec::new(),
                help: String::new(),
            });
        }
        let mut fields = Fields::of(node, "Arg", problems)?;
        let default = fields.take("default");
        if default.is_none() {
            fields.lacks("default", "Arg needs a field \"default\"".to_owned(), problems);
        }
        let default = default.and_then(|node| {
            refuse_bool_in_other_letters(&node, problems)?;
            Some((read_value(&node, "default", problems)?, node.span))
        });
        let (min, max) = (fields.constant("min", problems), fields.constant("max", problems));
        let choices = fields.list("choices", problems);
        let choices = choices.iter().filter_map(|node| read_value(node, "choices", problems)).collect();
        let help = fields.constant_text("help", problems);
        fields.refuse_unknown(problems);
        let (default, default_span) = default?;
        Some(Self { span, default, default_span, min, max, choices, help })
    }
}

/// Refuses the bare word `True`, which would make the argument one of text.
fn refuse_bool_in_other_letters(node: &Node, problems: &mut Problems) -> Option<()> {
    let NodeKind::Word(word) = &node.kind else { return Some(()) };
    let Some(bool) = bool_in_other_letters(word) else { return Some(()) };
    problems.error(node.span, format!("default: {word} is text; write {bool}"));
    None
}

/// A map of names and plain values.
pub(in crate::config) fn read_arguments(node: Node, problems: &mut Problems) -> IndexMap<String, Value> {
    let entries = read_map(node, "a file of arguments", problems).into_iter();
    let read = |(key, node): (Node, Node)| {
        let name = read_name(&key, "an argument's name", problems)?;
        let value = read_value(&node, &name, problems)?;
        Some((name, value))
    };
    entries.filter_map(read).collect()
}

/// A plain value, or a list of them.
pub(super) fn read_value(node: &Node, what: &str, problems: &mut Problems) -> Option<Value> {
    if let NodeKind::List(items) = &node.kind {
        let items = items.iter().map(|item| read_value(item, what, problems));
        return items.collect::<Option<_>>().map(Value::List);
    }
    let value = read_scalar::<Value>(node, what, problems)?.evaluate(&Names::default());
    value.map_err(|error| problems.error(node.span, format!("{what} must be a plain value: {error}"))).ok()
}
