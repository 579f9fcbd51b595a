//! Scenarios in a template, read by the table of kinds.

use super::formula::FormulaTemplate;
use super::range::RangeTemplate;
use super::structured::StructuredTemplate;
use crate::config::fields::{Fields, read_map, read_scalar, read_scalars, read_texts};
use crate::config::tree::{Field, Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::Value;
use crate::scenario::{self, AnyKind, Param, ParamKind};
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct ScenarioTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) kind: &'static AnyKind,
    pub(in crate::config) params: Vec<(&'static Param, ParamTemplate)>,
}

#[derive(Debug)]
pub(in crate::config) enum ParamTemplate {
    Number(Scalar<f64>),
    Span(Scalar<Span>),
    Range(RangeTemplate),
    Numbers(Vec<Scalar<f64>>),
    Text(Scalar<String>),
    Texts(Vec<Scalar<String>>),
    Formula(FormulaTemplate),
    Script(FormulaTemplate),
    Formulas(Vec<(Scalar<String>, FormulaTemplate)>),
    Cases(Vec<CaseTemplate>),
    Scenario(ScenarioTemplate),
    Scenarios(Vec<ScenarioTemplate>),
    Structured(StructuredTemplate),
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
        if let NodeKind::Tuple(Some(name), items) = &node.kind
            && let Some(kind) = scenario::kind(name)
            && !items.is_empty()
        {
            problems.error(span, nameless(kind.name, kind.params, items));
            return None;
        }
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

impl ScenarioTemplate {
    /// A text parameter that is given.
    pub(in crate::config) fn text(&self, name: &str) -> Option<&Scalar<String>> {
        self.params.iter().find_map(|(param, value)| match value {
            ParamTemplate::Text(text) if param.name == name => Some(text),
            _ => None,
        })
    }

    /// The formulas among its parameters.
    pub(in crate::config) fn formulas(&self) -> impl Iterator<Item = &FormulaTemplate> {
        self.params.iter().filter_map(|(_, value)| match value {
            ParamTemplate::Formula(formula) => Some(formula),
            _ => None,
        })
    }
}

/// The sentence for values without the names of their parameters.
fn nameless(name: &str, params: &[Param], values: &[Node]) -> String {
    if params.is_empty() {
        return format!("{name} takes no parameters; write {name} alone");
    }
    let written = params.iter().zip(values).map(|(param, value)| match &value.kind {
        NodeKind::Scalar(Value::Text(text)) if text.len() < 60 => format!("{}: {text:?}", param.name),
        NodeKind::Scalar(Value::Text(_)) => format!("{}: …", param.name),
        NodeKind::Scalar(number) => format!("{}: {number}", param.name),
        _ => format!("{}: …", param.name),
    });
    format!("{name} takes its parameters by name; write {name}({})", written.collect::<Vec<_>>().join(", "))
}

/// The name and the fields of something with parameters; `what` is for the error.
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

/// The parameters of the scenario or workload called `name`; `None` if one is wrong.
pub(super) fn read_params(
    name: &'static str,
    params: &'static [Param],
    span: SourceSpan,
    fields: Vec<Field>,
    problems: &mut Problems,
) -> Option<Vec<(&'static Param, ParamTemplate)>> {
    let node = Node { span, ..Node::nowhere(NodeKind::Struct(None, fields)) };
    let mut fields = Fields::of(node, name, problems)?;
    let values = take_params(&mut fields, name, params, problems);
    fields.refuse_unknown(problems);
    values
}

/// Takes the parameters out of the fields; `None` if one is wrong.
pub(super) fn take_params(
    fields: &mut Fields,
    name: &'static str,
    params: &'static [Param],
    problems: &mut Problems,
) -> Option<Vec<(&'static Param, ParamTemplate)>> {
    let mut values = Vec::new();
    let mut is_complete = true;
    for param in params {
        if let Some(node) = fields.take(param.name) {
            let value = ParamTemplate::read(node, param, problems);
            is_complete &= value.is_some();
            values.extend(value.map(|value| (param, value)));
        } else if param.default.is_empty() {
            fields.lacks(param.name, format!("{name} needs {}: {}", param.name, param.help), problems);
            is_complete = false;
        }
    }
    is_complete.then_some(values)
}

impl ParamTemplate {
    /// The place of the value at a path inside of a plugin's parameter, or of the nearest value around it; `None` for a
    /// parameter that no plugin has.
    pub(in crate::config) fn place(&self, path: &str) -> Option<SourceSpan> {
        Some(match self {
            Self::Number(scalar) => scalar.span,
            Self::Span(scalar) => scalar.span,
            Self::Text(scalar) => scalar.span,
            Self::Range(range) => range.span,
            Self::Numbers(scalars) => scalars.first()?.span,
            Self::Texts(scalars) => scalars.first()?.span,
            Self::Structured(structured) => structured.place(path),
            _ => return None,
        })
    }

    fn read(node: Node, param: &'static Param, problems: &mut Problems) -> Option<Self> {
        let name = param.name;
        match param.kind {
            ParamKind::Number => read_scalar(&node, name, problems).map(Self::Number),
            ParamKind::Span => read_scalar(&node, name, problems).map(Self::Span),
            ParamKind::Range => RangeTemplate::read(&node, name, problems).map(Self::Range),
            ParamKind::Text | ParamKind::Choice(_) => read_scalar(&node, name, problems).map(Self::Text),
            ParamKind::Numbers => {
                let items = list(node, name, "numbers", problems)?;
                let numbers = read_scalars(&items, name, problems);
                (numbers.len() == items.len()).then_some(Self::Numbers(numbers))
            }
            ParamKind::Texts => {
                let errors = problems.error_count();
                let texts = read_texts(&node, name, problems);
                (problems.error_count() == errors).then_some(Self::Texts(texts))
            }
            ParamKind::Formula => FormulaTemplate::read(&node, problems).map(Self::Formula),
            ParamKind::Formulas => {
                let entries = read_map(node, name, problems);
                good(entries, |(event, node)| {
                    let event = read_scalar(&event, "event", problems);
                    let formula = FormulaTemplate::read(&node, problems);
                    event.zip(formula)
                })
                .map(Self::Formulas)
            }
            ParamKind::Cases => {
                let entries = read_map(node, name, problems);
                good(entries, |(event, node)| CaseTemplate::read(&event, node, problems)).map(Self::Cases)
            }
            ParamKind::Script => FormulaTemplate::read_script(&node, problems).map(Self::Script),
            ParamKind::Structured(declared) => {
                StructuredTemplate::read(node, declared.0, problems).map(Self::Structured)
            }
            ParamKind::Scenario => ScenarioTemplate::read(node, problems).map(Self::Scenario),
            ParamKind::Scenarios => {
                let parts = list(node, name, "scenarios", problems)?;
                good(parts, |part| ScenarioTemplate::read(part, problems)).map(Self::Scenarios)
            }
        }
    }
}

/// The items that can be read, so that the errors of their values are reported, too; `None` if there is none of
/// several, since a list that is empty for this reason is no further error.
fn good<I, T>(items: Vec<I>, read: impl FnMut(I) -> Option<T>) -> Option<Vec<T>> {
    let is_given = !items.is_empty();
    let good: Vec<T> = items.into_iter().filter_map(read).collect();
    (!is_given || !good.is_empty()).then_some(good)
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
                fields.refuse_unknown(problems);
                Some(Self { event, scenario, duration, when })
            }
            _ => {
                let scenario = Some(ScenarioTemplate::read(node, problems)?);
                Some(Self { event, scenario, duration: None, when: None })
            }
        }
    }
}
