//! Structured parameters of plugins in a template: lists, maps, records, and all that is in them, each with its place.

use super::range::RangeTemplate;
use crate::config::fields::{Fields, read_map, read_name, read_scalar, read_scalars};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::Value;
use crate::plugin::{ParamDecl, ParamType};
use crate::time::Span;

/// The value of a parameter.
#[derive(Debug)]
pub(in crate::config) struct StructuredTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) declared: &'static ParamDecl,
    pub(in crate::config) value: StructuredValue,
}

#[derive(Debug)]
pub(in crate::config) enum StructuredValue {
    Number(Scalar<f64>),
    Duration(Scalar<Span>),
    Range(RangeTemplate),
    WordRange(String, RangeTemplate),
    Text(Scalar<String>),
    Choice(Scalar<String>, &'static [String]),
    Numbers(Vec<Scalar<f64>>),
    List(Vec<StructuredTemplate>),
    Map(Vec<(String, StructuredTemplate)>),
    /// A field that is not given has its default.
    Record(Vec<Option<StructuredTemplate>>),
}

impl StructuredTemplate {
    pub(super) fn read(node: Node, declared: &'static ParamDecl, problems: &mut Problems) -> Option<Self> {
        let (span, name) = (node.span, declared.name.as_str());
        let is_word = matches!(&node.kind, NodeKind::Scalar(Value::Text(_)) | NodeKind::Word(_));
        let value = match &declared.param_type {
            ParamType::Number => StructuredValue::Number(read_scalar(&node, name, problems)?),
            ParamType::Duration => StructuredValue::Duration(read_scalar(&node, name, problems)?),
            ParamType::Range => StructuredValue::Range(RangeTemplate::read(&node, name, problems)?),
            ParamType::WordRange(words) => read_word_range(node, name, words, problems)?,
            ParamType::Text => StructuredValue::Text(read_scalar(&node, name, problems)?),
            ParamType::Choice(words) => StructuredValue::Choice(read_scalar(&node, name, problems)?, words),
            ParamType::Numbers => {
                let items = read_list(node, name, problems)?;
                let numbers = read_scalars(&items, name, problems);
                (numbers.len() == items.len()).then_some(StructuredValue::Numbers(numbers))?
            }
            nested if is_word && (declared.is_from_file || !declared.words.is_empty()) => {
                debug_assert!(nested.is_nested());
                StructuredValue::Choice(read_scalar(&node, name, problems)?, &declared.words)
            }
            ParamType::List(of) => {
                let items = read_list(node, name, problems)?;
                let count = items.len();
                let items: Vec<Self> =
                    items.into_iter().filter_map(|item| Self::read(item, of, problems)).collect();
                (items.len() == count).then_some(StructuredValue::List(items))?
            }
            ParamType::Map(of) => {
                let errors = problems.error_count();
                let entries = read_map(node, name, problems).into_iter().filter_map(|(key, value)| {
                    let key = read_name(&key, "a text as the key", problems);
                    let value = Self::read(value, of, problems);
                    Some((key?, value?))
                });
                let entries = entries.collect();
                (problems.error_count() == errors).then_some(StructuredValue::Map(entries))?
            }
            ParamType::Record(fields) => read_record(node, declared, fields, problems)?,
        };
        Some(Self { span, declared, value })
    }

    /// The place of the value at a path, as in `.programs[0].threads`, or of the nearest value around it.
    pub(in crate::config) fn place(&self, path: &str) -> SourceSpan {
        self.inner(path).map_or(self.span, |(inner, rest)| inner.place(rest))
    }

    /// The first step of a path: the value that it leads to, and the rest of the path.
    fn inner<'p>(&self, path: &'p str) -> Option<(&Self, &'p str)> {
        match &self.value {
            StructuredValue::Record(values) => {
                let path = path.strip_prefix('.')?;
                let (name, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
                let ParamType::Record(fields) = &self.declared.param_type else { return None };
                let index = fields.iter().position(|field| field.name == name)?;
                Some((values.get(index)?.as_ref()?, rest))
            }
            StructuredValue::List(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((items.get(index.parse::<usize>().ok()?)?, rest))
            }
            StructuredValue::Map(entries) => {
                let step = |(key, value)| Some((value, path.strip_prefix(&format!("[{key:?}]"))?));
                entries.iter().map(|(key, value)| (key, value)).find_map(step)
            }
            _ => None,
        }
    }
}

fn read_word_range(
    node: Node,
    name: &str,
    words: &[String],
    problems: &mut Problems,
) -> Option<StructuredValue> {
    let span = node.span;
    let NodeKind::Tuple(Some(word), items) = node.kind else {
        let found = node.kind.describe();
        problems.error(span, format!("{name} takes {}(low, high); found {found}", words.join("|")));
        return None;
    };
    if !words.contains(&word) {
        problems.error(span, format!("unknown {name} {word:?}{}", suggestion(&word, words)));
        return None;
    }
    let pair = Node { span, ..Node::nowhere(NodeKind::Tuple(None, items)) };
    Some(StructuredValue::WordRange(word, RangeTemplate::read(&pair, name, problems)?))
}

fn read_record(
    node: Node,
    declared: &'static ParamDecl,
    declared_fields: &'static [ParamDecl],
    problems: &mut Problems,
) -> Option<StructuredValue> {
    let node = if matches!(&node.kind, NodeKind::Tuple(None, items) if items.is_empty()) {
        Node { kind: NodeKind::Nothing, ..node }
    } else {
        node
    };
    let mut fields = Fields::of(node, &declared.record_name, problems)?;
    let mut values = Vec::with_capacity(declared_fields.len());
    let mut is_complete = true;
    for field in declared_fields {
        let value = fields.take(&field.name).map(|node| StructuredTemplate::read(node, field, problems));
        if value.is_none() && field.default.is_none() {
            let whole = &declared.record_name;
            fields.lacks(&field.name, format!("{whole} needs {}: {}", field.name, field.help), problems);
            is_complete = false;
        }
        is_complete &= !matches!(value, Some(None));
        values.push(value.flatten());
    }
    fields.refuse_unknown(problems);
    is_complete.then_some(StructuredValue::Record(values))
}

fn read_list(node: Node, name: &str, problems: &mut Problems) -> Option<Vec<Node>> {
    match node.kind {
        NodeKind::List(items) => Some(items),
        other => {
            problems.error(node.span, format!("{name} takes a list, found {}", other.describe()));
            None
        }
    }
}
