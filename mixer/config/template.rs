//! The typed template: what a config file says, with its expressions compiled and its shape checked.
//!
//! Everything that can be known without arguments is an error here: unknown fields, wrong types, unknown
//! scenarios, expressions that do not compile. Values come in [`super::resolve`].

use indexmap::IndexMap;

use super::tree::{Field, Node, NodeKind};
use super::value::{FromValue, Scalar, SpanRange};
use crate::clock::Span;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::{Expression, Value};
use crate::scenario::{KINDS, Kind, Param, ParamKind};

/// One class of a config file.
#[derive(Debug)]
pub(super) struct ConfigTemplate {
    pub(super) description: String,
    pub(super) args: IndexMap<String, ArgTemplate>,
    pub(super) default_job_name: Option<Scalar<String>>,
    pub(super) hosts: Vec<HostTemplate>,
    pub(super) metric_sets: IndexMap<String, Vec<MetricTemplate>>,
    pub(super) pushgateway_url: Option<Scalar<String>>,
    pub(super) push_interval: Option<Scalar<Span>>,
    pub(super) cleanup_on_start: Option<Scalar<bool>>,
    pub(super) cleanup_on_finish: Option<Scalar<bool>>,
}

/// A declared argument.
#[derive(Debug)]
pub(super) struct ArgTemplate {
    pub(super) span: SourceSpan,
    pub(super) default: Value,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) help: String,
}

#[derive(Debug)]
pub(super) struct HostTemplate {
    pub(super) span: SourceSpan,
    pub(super) repeat: Option<RepeatTemplate>,
    pub(super) name: Scalar<String>,
    pub(super) host: Option<Scalar<String>>,
    pub(super) ttl: Option<Scalar<Span>>,
    pub(super) interval: Option<Scalar<SpanRange>>,
    pub(super) start_time: Option<Scalar<Span>>,
    pub(super) job_name: Option<Scalar<String>>,
    pub(super) labels: Vec<LabelTemplate>,
    pub(super) listen_events: Vec<(Scalar<String>, ActionTemplate)>,
    pub(super) metric_sets: Vec<Scalar<String>>,
    pub(super) metrics: Vec<MetricTemplate>,
}

#[derive(Debug)]
pub(super) struct RepeatTemplate {
    pub(super) var: String,
    pub(super) from: Scalar<i64>,
    pub(super) to: Scalar<i64>,
}

#[derive(Debug)]
pub(super) struct LabelTemplate {
    pub(super) name: String,
    pub(super) name_span: SourceSpan,
    pub(super) value: Scalar<String>,
}

#[derive(Debug)]
pub(super) enum ActionTemplate {
    Emit(Scalar<String>),
    StartMetric(Scalar<String>),
    StopMetric(Scalar<String>),
}

#[derive(Debug)]
pub(super) struct MetricTemplate {
    pub(super) name: Scalar<String>,
    pub(super) metric_type: Option<Scalar<String>>,
    pub(super) description: Option<Scalar<String>>,
    pub(super) value_range: Option<RangeTemplate>,
    pub(super) default_value: Option<Scalar<f64>>,
    pub(super) start_time: Option<Scalar<Span>>,
    pub(super) duration: Option<Scalar<Span>>,
    pub(super) update_interval: Option<Scalar<Span>>,
    pub(super) listen_events: Vec<Scalar<String>>,
    pub(super) linked_metrics: Vec<Scalar<String>>,
    pub(super) labels: Vec<LabelTemplate>,
    pub(super) decimals: Option<Scalar<i64>>,
    pub(super) buckets: Option<(SourceSpan, Vec<Scalar<f64>>)>,
    pub(super) observations: Option<Scalar<i64>>,
    pub(super) accumulate: Option<Scalar<String>>,
    pub(super) scenario: Option<ScenarioTemplate>,
}

#[derive(Clone, Debug)]
pub(super) struct RangeTemplate {
    pub(super) span: SourceSpan,
    pub(super) low: Scalar<f64>,
    pub(super) high: Scalar<f64>,
}

#[derive(Debug)]
pub(super) struct ScenarioTemplate {
    pub(super) span: SourceSpan,
    pub(super) kind: &'static Kind,
    pub(super) params: Vec<(&'static Param, ParamTemplate)>,
}

#[derive(Debug)]
pub(super) enum ParamTemplate {
    Number(Scalar<f64>),
    Span(Scalar<Span>),
    Range(RangeTemplate),
    Numbers(Vec<Scalar<f64>>),
    Text(Scalar<String>),
    Formula(FormulaTemplate),
    Formulas(Vec<(Scalar<String>, FormulaTemplate)>),
    Cases(Vec<CaseTemplate>),
    Scenario(ScenarioTemplate),
}

#[derive(Debug)]
pub(super) struct FormulaTemplate {
    pub(super) span: SourceSpan,
    pub(super) expression: Expression,
}

#[derive(Debug)]
pub(super) struct CaseTemplate {
    pub(super) event: Scalar<String>,
    pub(super) scenario: Option<ScenarioTemplate>,
    pub(super) duration: Option<Scalar<Span>>,
}

/// The fields of one struct. Each is taken by its name; [`Fields::finish`] complains of the rest.
struct Fields {
    what: &'static str,
    span: SourceSpan,
    left: Vec<Field>,
    known: Vec<&'static str>,
}

impl Fields {
    fn of(node: Node, what: &'static str, problems: &mut Problems) -> Option<Self> {
        let fields = match node.kind {
            NodeKind::Struct(name, fields) => match name {
                Some(name) if name != what => {
                    problems.error(node.span, format!("expected {what}(…), found {name}(…)"));
                    return None;
                }
                _ => fields,
            },
            NodeKind::Tuple(Some(name), items) if name == what && items.is_empty() => Vec::new(),
            NodeKind::Nothing => Vec::new(),
            other => {
                problems.error(node.span, format!("expected {what}(field: …), found {}", other.describe()));
                return None;
            }
        };
        for (n, field) in fields.iter().enumerate() {
            if fields[..n].iter().any(|earlier| earlier.name == field.name) {
                problems.error(field.name_span, format!("{what} has {:?} twice; keep one", field.name));
            }
        }
        Some(Self { what, span: node.span, left: fields, known: Vec::new() })
    }

    fn take(&mut self, name: &'static str) -> Option<Node> {
        self.known.push(name);
        let at = self.left.iter().position(|field| field.name == name)?;
        let node = self.left.remove(at).value;
        (!matches!(node.kind, NodeKind::Nothing)).then_some(node)
    }

    fn scalar<T: FromValue>(&mut self, name: &'static str, problems: &mut Problems) -> Option<Scalar<T>> {
        let node = self.take(name)?;
        read_scalar(&node, name, problems)
    }

    fn needed<T: FromValue>(&mut self, name: &'static str, problems: &mut Problems) -> Option<Scalar<T>> {
        if let Some(node) = self.take(name) {
            return read_scalar(&node, name, problems);
        }
        problems.error(self.span, format!("{} needs a field {name:?}", self.what));
        None
    }

    fn constant<T: FromValue>(&mut self, name: &'static str, problems: &mut Problems) -> Option<T> {
        let scalar = self.scalar::<T>(name, problems)?;
        let value = scalar.evaluate(&crate::expression::Names::default());
        value
            .map_err(|error| problems.error(scalar.span, format!("{name} must be a plain value: {error}")))
            .ok()
    }

    fn list(&mut self, name: &'static str, problems: &mut Problems) -> Vec<Node> {
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

    fn map(&mut self, name: &'static str, problems: &mut Problems) -> Vec<(Node, Node)> {
        self.take(name).map(|node| read_map(node, name, problems)).unwrap_or_default()
    }

    fn finish(self, problems: &mut Problems) {
        for field in self.left.iter().filter(|field| !self.known.contains(&field.name.as_str())) {
            let hint = suggestion(&field.name, &self.known);
            problems.error(field.name_span, format!("{} has no field {:?}{hint}", self.what, field.name));
        }
    }
}

fn read_scalar<T: FromValue>(node: &Node, what: &str, problems: &mut Problems) -> Option<Scalar<T>> {
    Scalar::read(node).map_err(|error| problems.error(node.span, format!("{what}: {error}"))).ok()
}

fn read_scalars<T: FromValue>(nodes: &[Node], what: &str, problems: &mut Problems) -> Vec<Scalar<T>> {
    nodes.iter().filter_map(|node| read_scalar(node, what, problems)).collect()
}

/// The entries of a map; a key that comes twice is an error.
fn read_map(node: Node, what: &str, problems: &mut Problems) -> Vec<(Node, Node)> {
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
    for (n, (key, _)) in entries.iter().enumerate() {
        if entries[..n].iter().any(|(earlier, _)| earlier.kind.describe() == key.kind.describe()) {
            problems.error(key.span, format!("{what} has {} twice; keep one", key.kind.describe()));
        }
    }
    entries
}

fn read_name(node: &Node, what: &str, problems: &mut Problems) -> Option<String> {
    match &node.kind {
        NodeKind::Scalar(Value::Text(text)) | NodeKind::Word(text) => Some(text.clone()),
        other => {
            problems.error(node.span, format!("expected {what}, found {}", other.describe()));
            None
        }
    }
}

impl ConfigTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Config", problems)?;
        let description = fields.constant("description", problems).unwrap_or_default();
        let args = fields.map("args", problems).into_iter().filter_map(|(key, node)| {
            let name = read_name(&key, "an argument's name", problems)?;
            Some((name, ArgTemplate::read(node, problems)?))
        });
        let args = args.collect();
        let default_job_name = fields.scalar("default_job_name", problems);
        let hosts = fields.list("hosts", problems);
        let hosts = hosts.into_iter().filter_map(|node| HostTemplate::read(node, problems)).collect();
        let metric_sets = fields.map("metric_sets", problems).into_iter().filter_map(|(key, node)| {
            let name = read_name(&key, "a metric set's name", problems)?;
            let NodeKind::List(metrics) = node.kind else {
                problems.error(node.span, format!("metric set {name:?} takes a list of Metric(…)"));
                return None;
            };
            Some((name, metrics.into_iter().filter_map(|m| MetricTemplate::read(m, problems)).collect()))
        });
        let metric_sets = metric_sets.collect();
        let template = Self {
            description,
            args,
            default_job_name,
            hosts,
            metric_sets,
            pushgateway_url: fields.scalar("pushgateway_url", problems),
            push_interval: fields.scalar("push_interval", problems),
            cleanup_on_start: fields.scalar("cleanup_on_start", problems),
            cleanup_on_finish: fields.scalar("cleanup_on_finish", problems),
        };
        fields.finish(problems);
        Some(template)
    }
}

impl ArgTemplate {
    /// `Arg(default: …, …)`, or the default alone.
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        if let NodeKind::Scalar(default) = node.kind {
            return Some(Self { span, default, min: None, max: None, help: String::new() });
        }
        let mut fields = Fields::of(node, "Arg", problems)?;
        let default = fields.needed::<Value>("default", problems);
        let (min, max) = (fields.constant("min", problems), fields.constant("max", problems));
        let help = fields.constant("help", problems).unwrap_or_default();
        fields.finish(problems);
        let default = default?.evaluate(&crate::expression::Names::default());
        let default = default.map_err(|error| problems.error(span, format!("default: {error}"))).ok()?;
        Some(Self { span, default, min, max, help })
    }
}

impl HostTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let mut fields = Fields::of(node, "Host", problems)?;
        let repeat = fields.take("repeat").and_then(|node| RepeatTemplate::read(node, problems));
        let name = fields.needed("name", problems);
        let host = fields.scalar("host", problems);
        let ttl = fields.scalar("ttl", problems);
        let interval = fields.scalar("interval", problems);
        let start_time = fields.scalar("start_time", problems);
        let job_name = fields.scalar("job_name", problems);
        let labels = read_labels(fields.map("labels", problems), problems);
        let listen_events = fields.map("listen_events", problems);
        let listen_events = listen_events.into_iter().flat_map(|(event, node)| {
            let actions = if let NodeKind::List(actions) = node.kind { actions } else { vec![node] };
            let read =
                |action| Some((read_scalar(&event, "event", problems)?, read_action(&action, problems)?));
            actions.into_iter().filter_map(read).collect::<Vec<_>>()
        });
        let listen_events = listen_events.collect();
        let metric_sets = fields.list("metric_sets", problems);
        let metric_sets = read_scalars(&metric_sets, "metric set", problems);
        let metrics = fields.list("metrics", problems);
        let metrics = metrics.into_iter().filter_map(|node| MetricTemplate::read(node, problems)).collect();
        fields.finish(problems);
        Some(Self {
            span,
            repeat,
            name: name?,
            host,
            ttl,
            interval,
            start_time,
            job_name,
            labels,
            listen_events,
            metric_sets,
            metrics,
        })
    }
}

impl RepeatTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Repeat", problems)?;
        let var = fields.needed::<String>("var", problems);
        let (from, to) = (fields.needed("from", problems), fields.needed("to", problems));
        fields.finish(problems);
        let var = var?.evaluate(&crate::expression::Names::default()).ok()?;
        Some(Self { var, from: from?, to: to? })
    }
}

fn read_labels(entries: Vec<(Node, Node)>, problems: &mut Problems) -> Vec<LabelTemplate> {
    let labels = entries.into_iter().filter_map(|(key, node)| {
        let name = read_name(&key, "a label's name", problems)?;
        let value = read_scalar(&node, &format!("label {name:?}"), problems)?;
        Some(LabelTemplate { name, name_span: key.span, value })
    });
    labels.collect()
}

const ACTIONS: [&str; 3] = ["emit", "start_metric", "stop_metric"];

fn read_action(node: &Node, problems: &mut Problems) -> Option<ActionTemplate> {
    if let NodeKind::Tuple(Some(name), items) = &node.kind
        && let [item] = items.as_slice()
    {
        let target = read_scalar(item, name, problems);
        match name.as_str() {
            "emit" => return target.map(ActionTemplate::Emit),
            "start_metric" => return target.map(ActionTemplate::StartMetric),
            "stop_metric" => return target.map(ActionTemplate::StopMetric),
            other => {
                problems.error(node.span, format!("unknown action {other:?}{}", suggestion(other, &ACTIONS)));
                return None;
            }
        }
    }
    let found = node.kind.describe();
    problems.error(node.span, format!("expected an action, as in emit(\"event\"); found {found}"));
    None
}

impl MetricTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Metric", problems)?;
        let name = fields.needed("name", problems);
        let metric_type = fields.scalar("metric_type", problems);
        let description = fields.scalar("description", problems);
        let value_range =
            fields.take("value_range").and_then(|node| read_range(&node, "value_range", problems));
        let default_value = fields.scalar("default_value", problems);
        // For people: it is read, so that a wrong one is found, and never sent.
        let _units: Option<Scalar<String>> = fields.scalar("units", problems);
        let start_time = fields.scalar("start_time", problems);
        let duration = fields.scalar("duration", problems);
        let update_interval = fields.scalar("update_interval", problems);
        let listen_events = fields.list("listen_events", problems);
        let linked_metrics = fields.list("linked_metrics", problems);
        let labels = read_labels(fields.map("labels", problems), problems);
        let decimals = fields.scalar("decimals", problems);
        let buckets = fields.take("buckets").and_then(|node| match &node.kind {
            NodeKind::List(items) => Some((node.span, read_scalars(items, "buckets", problems))),
            other => {
                problems
                    .error(node.span, format!("buckets takes a list of bounds, found {}", other.describe()));
                None
            }
        });
        let observations = fields.scalar("observations", problems);
        let accumulate = fields.scalar("accumulate", problems);
        let scenario = fields.take("scenario").and_then(|node| ScenarioTemplate::read(node, problems));
        fields.finish(problems);
        Some(Self {
            name: name?,
            metric_type,
            description,
            value_range,
            default_value,
            start_time,
            duration,
            update_interval,
            listen_events: read_scalars(&listen_events, "event", problems),
            linked_metrics: read_scalars(&linked_metrics, "metric", problems),
            labels,
            decimals,
            buckets,
            observations,
            accumulate,
            scenario,
        })
    }
}

fn read_range(node: &Node, what: &str, problems: &mut Problems) -> Option<RangeTemplate> {
    if let NodeKind::Tuple(None, items) = &node.kind
        && let [low, high] = items.as_slice()
    {
        let (low, high) = (read_scalar(low, what, problems), read_scalar(high, what, problems));
        return Some(RangeTemplate { span: node.span, low: low?, high: high? });
    }
    problems.error(node.span, format!("{what} takes a pair, as in (0, 100); found {}", node.kind.describe()));
    None
}

impl ScenarioTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let (name, fields) = match node.kind {
            NodeKind::Word(name) | NodeKind::Scalar(Value::Text(name)) => (name, Vec::new()),
            NodeKind::Struct(Some(name), fields) => (name, fields),
            NodeKind::Tuple(Some(name), items) if items.is_empty() => (name, Vec::new()),
            other => {
                let found = other.describe();
                problems
                    .error(span, format!("expected a scenario, as in sine_wave(period: 60); found {found}"));
                return None;
            }
        };
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            let names = KINDS.map(|kind| kind.name);
            problems.error(span, format!("unknown scenario {name:?}{}", suggestion(&name, &names)));
            return None;
        };
        let node = Node { span, kind: NodeKind::Struct(None, fields) };
        let mut fields = Fields::of(node, kind.name, problems)?;
        let mut params = Vec::new();
        let mut is_complete = true;
        for param in kind.params {
            if let Some(node) = fields.take(param.name) {
                params.extend(ParamTemplate::read(node, param, problems).map(|value| (param, value)));
            } else if param.default.is_empty() {
                problems.error(span, format!("{} needs {}: {}", kind.name, param.name, param.help));
                is_complete = false;
            }
        }
        fields.finish(problems);
        is_complete.then_some(Self { span, kind, params })
    }
}

impl ParamTemplate {
    fn read(node: Node, param: &'static Param, problems: &mut Problems) -> Option<Self> {
        let name = param.name;
        match param.kind {
            ParamKind::Number => read_scalar(&node, name, problems).map(Self::Number),
            ParamKind::Span => read_scalar(&node, name, problems).map(Self::Span),
            ParamKind::Range => read_range(&node, name, problems).map(Self::Range),
            ParamKind::Text | ParamKind::Choice(_) => read_scalar(&node, name, problems).map(Self::Text),
            ParamKind::Numbers => match &node.kind {
                NodeKind::List(items) => Some(Self::Numbers(read_scalars(items, name, problems))),
                other => {
                    problems.error(
                        node.span,
                        format!("{name} takes a list of numbers, found {}", other.describe()),
                    );
                    None
                }
            },
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
            ParamKind::Scenario => ScenarioTemplate::read(node, problems).map(Self::Scenario),
        }
    }
}

impl FormulaTemplate {
    /// An expression, with or without braces around it, or a number.
    fn read(node: &Node, problems: &mut Problems) -> Option<Self> {
        let text = match &node.kind {
            NodeKind::Scalar(Value::Text(text)) => {
                let text = text.trim();
                text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text).to_owned()
            }
            NodeKind::Scalar(value) => value.to_string(),
            other => {
                problems.error(node.span, format!("expected an expression, found {}", other.describe()));
                return None;
            }
        };
        let compiled = super::value::compile(&text).map_err(|error| problems.error(node.span, error));
        Some(Self { span: node.span, expression: compiled.ok()? })
    }
}

impl CaseTemplate {
    /// `(scenario: …, duration: …)`, or the scenario alone.
    fn read(event: &Node, node: Node, problems: &mut Problems) -> Option<Self> {
        let event = read_scalar(event, "event", problems)?;
        match node.kind {
            NodeKind::Struct(None, _) | NodeKind::Nothing => {
                let mut fields = Fields::of(node, "(scenario, duration)", problems)?;
                let scenario =
                    fields.take("scenario").and_then(|node| ScenarioTemplate::read(node, problems));
                let duration = fields.scalar("duration", problems);
                fields.finish(problems);
                Some(Self { event, scenario, duration })
            }
            _ => {
                Some(Self { event, scenario: Some(ScenarioTemplate::read(node, problems)?), duration: None })
            }
        }
    }
}
