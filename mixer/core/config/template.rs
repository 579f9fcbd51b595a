//! The typed template: what a config file says, with its expressions compiled and its shape checked.
//!
//! Everything that can be known without arguments is an error here: unknown fields, wrong types, unknown
//! scenarios, expressions that do not compile. Values come in [`super::resolve`].

mod cells;
mod fault;
mod metric;
mod overrides;
mod pool;
mod scenario;
mod workload;

use indexmap::IndexMap;

pub(super) use cells::{CellsTemplate, Listed, ObservationDistributionTemplate};
pub(super) use fault::FaultTemplate;
pub(super) use metric::MetricTemplate;
pub(super) use pool::PoolTemplate;
pub(super) use scenario::{CaseTemplate, FormulaTemplate, ParamTemplate, ScenarioTemplate};
pub(super) use workload::WorkloadTemplate;

use super::fields::{Fields, read_map, read_name, read_scalar, read_scalars};
use super::tree::{Node, NodeKind};
use super::value::{Scalar, SpanRange};
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::{Names, Value};
use crate::time::Span;

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
    pub(super) identity_labels: Option<Scalar<bool>>,
}

/// A declared argument.
#[derive(Debug)]
pub(super) struct ArgTemplate {
    pub(super) span: SourceSpan,
    pub(super) default: Value,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) choices: Vec<Value>,
    pub(super) help: String,
}

#[derive(Debug)]
pub(super) struct HostTemplate {
    pub(super) span: SourceSpan,
    pub(super) repeat: Vec<RepeatTemplate>,
    pub(super) name: Scalar<String>,
    pub(super) host: Option<Scalar<String>>,
    pub(super) ttl: Option<Scalar<Span>>,
    pub(super) interval: Option<Scalar<SpanRange>>,
    pub(super) start_time: Option<Scalar<Span>>,
    pub(super) job_name: Option<Scalar<String>>,
    pub(super) identity_labels: Option<Scalar<bool>>,
    pub(super) labels: Vec<LabelTemplate>,
    pub(super) listen_events: Vec<(Scalar<String>, ActionTemplate)>,
    pub(super) storage: Vec<(String, Scalar<Value>)>,
    pub(super) dirt: Vec<FaultTemplate>,
    pub(super) pools: Vec<PoolTemplate>,
    pub(super) metric_sets: Vec<Scalar<String>>,
    pub(super) metrics: Vec<MetricTemplate>,
    /// The metrics that only this one of several hosts has.
    pub(super) override_metrics: Vec<MetricTemplate>,
    /// Hosts of the same template that differ, by name.
    pub(super) overrides: IndexMap<String, HostTemplate>,
}

#[derive(Debug)]
pub(super) struct RepeatTemplate {
    pub(super) span: SourceSpan,
    pub(super) var: String,
    pub(super) over: Over,
}

/// What a repetition goes through.
#[derive(Debug)]
pub(super) enum Over {
    Range(Scalar<i64>, Scalar<i64>),
    Items(Vec<Scalar<Value>>),
    List(Scalar<Value>),
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
    When(FormulaTemplate, Box<ActionTemplate>),
}

#[derive(Clone, Debug)]
pub(super) struct RangeTemplate {
    pub(super) span: SourceSpan,
    pub(super) low: Scalar<f64>,
    pub(super) high: Scalar<f64>,
}

impl ConfigTemplate {
    /// Reads a class; `included` are the metric sets of other files.
    pub(super) fn read(node: Node, included: Vec<(Node, Node)>, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Config", problems)?;
        // What it includes has been read by who has the files.
        fields.take("include");
        let description = fields.constant("description", problems).unwrap_or_default();
        let args = fields.map("args", problems).into_iter().filter_map(|(key, node)| {
            let name = read_name(&key, "an argument's name", problems)?;
            Some((name, ArgTemplate::read(node, problems)?))
        });
        let args = args.collect();
        let default_job_name = fields.scalar("default_job_name", problems);
        let hosts = fields.list("hosts", problems);
        let hosts = hosts.into_iter().filter_map(|node| HostTemplate::read(node, problems)).collect();
        let own_sets = fields.map("metric_sets", problems);
        let metric_sets = included.into_iter().chain(own_sets).filter_map(|(key, node)| {
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
            identity_labels: fields.scalar("identity_labels", problems),
        };
        fields.finish(problems);
        Some(template)
    }
}

impl ArgTemplate {
    /// `Arg(default: …, …)`, or the default alone.
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        if matches!(node.kind, NodeKind::Scalar(_) | NodeKind::List(_)) {
            let default = read_value(&node, "default", problems)?;
            return Some(Self {
                span,
                default,
                min: None,
                max: None,
                choices: Vec::new(),
                help: String::new(),
            });
        }
        let mut fields = Fields::of(node, "Arg", problems)?;
        let default = fields.take("default");
        if default.is_none() {
            problems.error(span, "Arg needs a field \"default\"");
        }
        let default = default.and_then(|node| read_value(&node, "default", problems));
        let (min, max) = (fields.constant("min", problems), fields.constant("max", problems));
        let choices = fields.list("choices", problems);
        let choices = choices.iter().filter_map(|node| read_value(node, "choices", problems)).collect();
        let help = fields.constant("help", problems).unwrap_or_default();
        fields.finish(problems);
        Some(Self { span, default: default?, min, max, choices, help })
    }
}

/// A map of names and plain values.
pub(super) fn read_arguments(node: Node, problems: &mut Problems) -> IndexMap<String, Value> {
    let entries = read_map(node, "a file of arguments", problems).into_iter();
    let read = |(key, node): (Node, Node)| {
        let name = read_name(&key, "an argument's name", problems)?;
        let value = read_value(&node, &name, problems)?;
        Some((name, value))
    };
    entries.filter_map(read).collect()
}

/// A plain value, or a list of them.
fn read_value(node: &Node, what: &str, problems: &mut Problems) -> Option<Value> {
    if let NodeKind::List(items) = &node.kind {
        let items = items.iter().map(|item| read_value(item, what, problems));
        return items.collect::<Option<_>>().map(Value::List);
    }
    let value = read_scalar::<Value>(node, what, problems)?.evaluate(&Names::default());
    value.map_err(|error| problems.error(node.span, format!("{what} must be a plain value: {error}"))).ok()
}

impl HostTemplate {
    fn read(mut node: Node, problems: &mut Problems) -> Option<Self> {
        let overrides = overrides::take(&mut node, problems);
        let overrides = overrides.into_iter().filter_map(|(name, node, metrics)| {
            let mut host = Self::read_one(node, problems)?;
            host.override_metrics = read_metrics(metrics, problems);
            Some((name, host))
        });
        let overrides = overrides.collect();
        Some(Self { overrides, ..Self::read_one(node, problems)? })
    }

    fn read_one(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let mut fields = Fields::of(node, "Host", problems)?;
        let repeat = RepeatTemplate::read_all(fields.take("repeat"), problems);
        let name = fields.needed("name", problems);
        let host = fields.scalar("host", problems);
        let ttl = fields.scalar("ttl", problems);
        let interval = fields.scalar("interval", problems);
        let start_time = fields.scalar("start_time", problems);
        let job_name = fields.scalar("job_name", problems);
        let identity_labels = fields.scalar("identity_labels", problems);
        let labels = read_labels(fields.map("labels", problems), problems);
        let listen_events = fields.map("listen_events", problems);
        let listen_events = listen_events.into_iter().flat_map(|(event, node)| {
            let actions = if let NodeKind::List(actions) = node.kind { actions } else { vec![node] };
            let read =
                |action| Some((read_scalar(&event, "event", problems)?, read_action(&action, problems)?));
            actions.into_iter().filter_map(read).collect::<Vec<_>>()
        });
        let listen_events = listen_events.collect();
        let storage = fields.map("storage", problems).into_iter().filter_map(|(key, node)| {
            let name = read_name(&key, "a name", problems)?;
            let what = format!("storage {name:?}");
            let value = if matches!(node.kind, NodeKind::List(_)) {
                Scalar::constant(node.span, read_value(&node, &what, problems)?)
            } else {
                read_scalar(&node, &what, problems)?
            };
            Some((name, value))
        });
        let storage = storage.collect();
        let dirt = fields.list("dirt", problems);
        let dirt = dirt.into_iter().filter_map(|node| FaultTemplate::read(node, problems)).collect();
        fields.refuse_old("slots", "slots is called pools now; write pools: [Pool(…)]", problems);
        let pools = fields.list("pools", problems);
        let pools = pools.into_iter().filter_map(|node| PoolTemplate::read(node, problems)).collect();
        let metric_sets = fields.list("metric_sets", problems);
        let metric_sets = read_scalars(&metric_sets, "metric set", problems);
        let metrics = read_metrics(fields.list("metrics", problems), problems);
        fields.finish(problems);
        Some(Self {
            span,
            // Without its number the host would only bring errors that follow from that.
            repeat: repeat?,
            name: name?,
            host,
            ttl,
            interval,
            start_time,
            job_name,
            identity_labels,
            labels,
            listen_events,
            storage,
            dirt,
            pools,
            metric_sets,
            metrics,
            override_metrics: Vec::new(),
            overrides: IndexMap::new(),
        })
    }
}

fn read_metrics(nodes: Vec<Node>, problems: &mut Problems) -> Vec<MetricTemplate> {
    nodes.into_iter().filter_map(|node| MetricTemplate::read(node, problems)).collect()
}

impl RepeatTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Repeat", problems)?;
        let var = fields.constant::<String>("var", problems);
        if var.is_none() {
            problems.error(fields.span(), "Repeat needs a plain \"var\", as in var: \"i\"");
        }
        let span = fields.span();
        let over = match fields.take("in") {
            Some(Node { kind: NodeKind::List(items), .. }) => {
                Some(Over::Items(read_scalars(&items, "in", problems)))
            }
            Some(node) => read_scalar(&node, "in", problems).map(Over::List),
            None => None,
        };
        let (from, to) = if over.is_some() {
            (fields.scalar("from", problems), fields.scalar("to", problems))
        } else {
            (fields.needed("from", problems), fields.needed("to", problems))
        };
        fields.finish(problems);
        let over = match (over, from, to) {
            (Some(over), None, None) => over,
            (None, Some(from), Some(to)) => Over::Range(from, to),
            (Some(_), ..) => {
                problems.error(span, "Repeat takes either from and to, or in");
                return None;
            }
            (None, ..) => return None,
        };
        Some(Self { span, var: var?, over })
    }

    /// One, a list of them, the outermost first, or none; `None` if one is wrong.
    fn read_all(node: Option<Node>, problems: &mut Problems) -> Option<Vec<Self>> {
        match node {
            None => Some(Vec::new()),
            Some(Node { kind: NodeKind::List(nodes), .. }) => {
                let repeats: Vec<_> = nodes.into_iter().map(|node| Self::read(node, problems)).collect();
                repeats.into_iter().collect()
            }
            Some(node) => Some(vec![Self::read(node, problems)?]),
        }
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

const ACTIONS: [&str; 4] = ["emit", "start_metric", "stop_metric", "when"];

fn read_action(node: &Node, problems: &mut Problems) -> Option<ActionTemplate> {
    if let NodeKind::Tuple(Some(name), items) = &node.kind
        && let ("when", [condition, action]) = (name.as_str(), items.as_slice())
    {
        let condition = FormulaTemplate::read(condition, problems);
        let action = read_action(action, problems)?;
        return Some(ActionTemplate::When(condition?, Box::new(action)));
    }
    if let NodeKind::Tuple(Some(name), items) = &node.kind
        && let [item] = items.as_slice()
    {
        let target = read_scalar(item, name, problems);
        match name.as_str() {
            "emit" => return target.map(ActionTemplate::Emit),
            "start_metric" => return target.map(ActionTemplate::StartMetric),
            "stop_metric" => return target.map(ActionTemplate::StopMetric),
            "when" => {}
            other => {
                problems.error(node.span, format!("unknown action {other:?}{}", suggestion(other, &ACTIONS)));
                return None;
            }
        }
    }
    let found = node.kind.describe();
    problems.error(
        node.span,
        format!(
            "expected an action, as in emit(\"event\") or when(\"t > 60\", emit(\"event\")); found {found}"
        ),
    );
    None
}
