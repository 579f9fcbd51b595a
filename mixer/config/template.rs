//! The typed template: what a config file says, with its expressions compiled and its shape checked.
//!
//! Everything that can be known without arguments is an error here: unknown fields, wrong types, unknown
//! scenarios, expressions that do not compile. Values come in [`super::resolve`].

mod scenario;

use indexmap::IndexMap;

pub(super) use scenario::{CaseTemplate, FormulaTemplate, ParamTemplate, ScenarioTemplate};

use super::fields::{Fields, read_name, read_range, read_scalar, read_scalars};
use super::tree::{Node, NodeKind};
use super::value::{Scalar, SpanRange};
use crate::clock::Span;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::{Names, Value};

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
        let default = default?.evaluate(&Names::default());
        let default = default.map_err(|error| problems.error(span, format!("default: {error}"))).ok()?;
        Some(Self { span, default, min, max, help })
    }
}

impl HostTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let mut fields = Fields::of(node, "Host", problems)?;
        let repeat = fields.take("repeat");
        let has_repeat = repeat.is_some();
        let repeat = repeat.and_then(|node| RepeatTemplate::read(node, problems));
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
        if has_repeat && repeat.is_none() {
            // Without its number the host would only bring errors that follow from that.
            return None;
        }
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
        let var = fields.constant::<String>("var", problems);
        if var.is_none() {
            problems.error(fields.span(), "Repeat needs a plain \"var\", as in var: \"i\"");
        }
        let (from, to) = (fields.needed("from", problems), fields.needed("to", problems));
        fields.finish(problems);
        Some(Self { var: var?, from: from?, to: to? })
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
