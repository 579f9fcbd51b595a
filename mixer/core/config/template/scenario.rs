//! Scenarios in a template, read by the table of kinds.

use crate::config::fields::{Fields, read_map, read_range, read_scalar, read_scalars};
use crate::config::template::RangeTemplate;
use crate::config::tree::{Field, Node, NodeKind};
use crate::config::value::{Scalar, compile};
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::{Expression, Value};
use crate::scenario::{self, Param, ParamKind, ScenarioKind};
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct ScenarioTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) kind: &'static ScenarioKind,
    pub(in crate::config) params: Vec<(&'static Param, ParamTemplate)>,
}

#[derive(Debug)]
pub(in crate::config) enum ParamTemplate {
    Number(Scalar<f64>),
    Span(Scalar<Span>),
    Range(RangeTemplate),
    Numbers(Vec<Scalar<f64>>),
    Text(Scalar<String>),
    Formula(FormulaTemplate),
    Script(FormulaTemplate),
    Formulas(Vec<(Scalar<String>, FormulaTemplate)>),
    Cases(Vec<CaseTemplate>),
    Scenario(ScenarioTemplate),
    Scenarios(Vec<ScenarioTemplate>),
}

#[derive(Debug)]
pub(in crate::config) struct FormulaTemplate {
    pub(in crate::config) span: SourceSpan,
    /// Where the expression's text begins, if it stands in the file letter for letter.
    pub(in crate::config) text_at: Option<usize>,
    pub(in crate::config) expression: Expression,
}

#[derive(Debug)]
pub(in crate::config) struct CaseTemplate {
    pub(in crate::config) event: Scalar<String>,
    pub(in crate::config) scenario: Option<ScenarioTemplate>,
    pub(in crate::config) duration: Option<Scalar<Span>>,
    pub(in crate::config) when: Option<FormulaTemplate>,
}

impl ScenarioTemplate {
    pub(in crate::config) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let (name, fields) = named(node, "a scenario, as in sine_wave(period: 60)", problems)?;
        let Some(kind) = scenario::kind(&name) else {
            let names: Vec<&str> = scenario::kinds().iter().map(|kind| kind.name).collect();
            problems.error(span, format!("unknown scenario {name:?}{}", suggestion(&name, &names)));
            return None;
        };
        let params = read_params(kind.name, kind.params, span, fields, problems)?;
        Some(Self { span, kind, params })
    }
}

/// The name of something with parameters, and the fields in which they are; `what` is expected.
pub(super) fn named(node: Node, what: &str, problems: &mut Problems) -> Option<(String, Vec<Field>)> {
    match node.kind {
        NodeKind::Word(name) | NodeKind::Scalar(Value::Text(name)) => Some((name, Vec::new())),
        NodeKind::Struct(Some(name), fields) => Some((name, fields)),
        NodeKind::Tuple(Some(name), items) if items.is_empty() => Some((name, Vec::new())),
        other => {
            problems.error(node.span, format!("expected {what}; found {}", other.describe()));
            None
        }
    }
}

/// The parameters of what is called so; none if one is wrong.
pub(super) fn read_params(
    name: &'static str,
    params: &'static [Param],
    span: SourceSpan,
    fields: Vec<Field>,
    problems: &mut Problems,
) -> Option<Vec<(&'static Param, ParamTemplate)>> {
    let node = Node { span, ..Node::nowhere(NodeKind::Struct(None, fields)) };
    let mut fields = Fields::of(node, name, problems)?;
    let mut values = Vec::new();
    let mut is_complete = true;
    for param in params {
        if let Some(node) = fields.take(param.name) {
            let value = ParamTemplate::read(node, param, problems);
            is_complete &= value.is_some();
            values.extend(value.map(|value| (param, value)));
        } else if param.default.is_empty() {
            problems.error(span, format!("{name} needs {}: {}", param.name, param.help));
            is_complete = false;
        }
    }
    fields.finish(problems);
    is_complete.then_some(values)
}

impl ParamTemplate {
    fn read(node: Node, param: &'static Param, problems: &mut Problems) -> Option<Self> {
        let name = param.name;
        match param.kind {
            ParamKind::Number => read_scalar(&node, name, problems).map(Self::Number),
            ParamKind::Span => read_scalar(&node, name, problems).map(Self::Span),
            ParamKind::Range => read_range(&node, name, problems).map(Self::Range),
            ParamKind::Text | ParamKind::Choice(_) => read_scalar(&node, name, problems).map(Self::Text),
            ParamKind::Numbers => {
                let items = list(node, name, "numbers", problems)?;
                let numbers = read_scalars(&items, name, problems);
                (numbers.len() == items.len()).then_some(Self::Numbers(numbers))
            }
            ParamKind::Formula => FormulaTemplate::read(&node, problems).map(Self::Formula),
            ParamKind::Formulas => {
                let entries = read_map(node, name, problems).into_iter().filter_map(|(event, node)| {
                    Some((read_scalar(&event, "event", problems)?, FormulaTemplate::read(&node, problems)?))
                });
                Some(Self::Formulas(entries.collect()))
            }
            ParamKind::Cases => {
                let entries = read_map(node, name, problems).into_iter();
                Some(Self::Cases(
                    entries.filter_map(|(event, node)| CaseTemplate::read(&event, node, problems)).collect(),
                ))
            }
            ParamKind::Script => FormulaTemplate::read_script(&node, problems).map(Self::Script),
            ParamKind::Scenario => ScenarioTemplate::read(node, problems).map(Self::Scenario),
            ParamKind::Scenarios => {
                let parts = list(node, name, "scenarios", problems)?.into_iter();
                Some(Self::Scenarios(
                    parts.filter_map(|part| ScenarioTemplate::read(part, problems)).collect(),
                ))
            }
        }
    }
}

fn list(node: Node, name: &str, of: &str, problems: &mut Problems) -> Option<Vec<Node>> {
    match node.kind {
        NodeKind::List(items) => Some(items),
        other => {
            problems.error(node.span, format!("{name} takes a list of {of}, found {}", other.describe()));
            None
        }
    }
}

impl FormulaTemplate {
    /// An expression, with or without braces around it, or a number.
    pub(super) fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = match &node.kind {
            NodeKind::Scalar(Value::Text(text)) => text.clone(),
            NodeKind::Scalar(value) => value.to_string(),
            other => {
                problems.error(node.span, format!("expected an expression, found {}", other.describe()));
                return None;
            }
        };
        let trimmed = text.trim();
        let bare = trimmed.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(trimmed);
        if let Some(span) = Span::parse(bare).ok().filter(|_| bare.ends_with(char::is_alphabetic)) {
            let secs = span.as_secs_f64();
            problems.error(node.span, format!("{text:?} is no formula, which has no units; write {secs}"));
            return None;
        }
        let before = text.find(bare).unwrap_or(0);
        let compiled = compile(bare);
        let compiled =
            compiled.map_err(|error| problems.error(node.span_at(before + error.at), error.message));
        let text_at = node.text_at.map(|at| at + before);
        Some(Self { span: node.span, text_at, expression: compiled.ok()? })
    }

    /// The place of a word in the expression, or that of the whole.
    pub(in crate::config) fn span_of(&self, word: &str) -> SourceSpan {
        match (self.text_at, self.expression.place_of(word)) {
            (Some(start), Some(at)) => SourceSpan { start: start + at, end: start + at + word.len() },
            _ => self.span,
        }
    }

    /// The lines of a script.
    fn read_script(node: &Node, problems: &mut Problems) -> Option<Self> {
        let NodeKind::Scalar(Value::Text(text)) = &node.kind else {
            let found = node.kind.describe();
            problems.error(node.span, format!("expected a script in quotes, found {found}"));
            return None;
        };
        let compiled = Expression::compile_script(text).map_err(|error| {
            let message = format!("the script is wrong: {}", error.message);
            problems.error(node.span_at(error.at), message);
        });
        Some(Self { span: node.span, text_at: node.text_at, expression: compiled.ok()? })
    }
}

impl CaseTemplate {
    /// `(scenario: …, duration: …)`, or the scenario alone.
    fn read(event: &Node, node: Node, problems: &mut Problems) -> Option<Self> {
        let event = read_scalar(event, "event", problems)?;
        match node.kind {
            NodeKind::Struct(None, _) | NodeKind::Nothing => {
                let mut fields = Fields::of(node, "(scenario, duration, when)", problems)?;
                let scenario =
                    fields.take("scenario").and_then(|node| ScenarioTemplate::read(node, problems));
                let duration = fields.scalar("duration", problems);
                let when = fields.take("when").and_then(|node| FormulaTemplate::read(&node, problems));
                fields.finish(problems);
                Some(Self { event, scenario, duration, when })
            }
            _ => {
                let scenario = Some(ScenarioTemplate::read(node, problems)?);
                Some(Self { event, scenario, duration: None, when: None })
            }
        }
    }
}
