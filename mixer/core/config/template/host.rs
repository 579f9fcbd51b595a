//! A host in a template.

use indexmap::IndexMap;

use super::action::{ActionTemplate, read_action};
use super::argument::read_value;
use super::fault::FaultTemplate;
use super::label::{LabelTemplate, read_labels};
use super::metric::{MetricTemplate, read_metrics};
use super::overrides;
use super::pool::PoolTemplate;
use super::repeat::RepeatTemplate;
use crate::config::fields::{Fields, read_all, read_name, read_scalar, read_scalars};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::{Scalar, SpanRange};
use crate::error::{Problems, SourceSpan};
use crate::expression::Value;
use crate::naming::NAME_BYTES_MAX;
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct HostTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) repeat: Vec<RepeatTemplate>,
    pub(in crate::config) name: Scalar<String>,
    pub(in crate::config) host: Option<Scalar<String>>,
    pub(in crate::config) ttl: Option<Scalar<Span>>,
    pub(in crate::config) interval: Option<Scalar<SpanRange>>,
    pub(in crate::config) start_time: Option<Scalar<Span>>,
    pub(in crate::config) job_name: Option<Scalar<String>>,
    pub(in crate::config) identity_labels: Option<Scalar<bool>>,
    pub(in crate::config) labels: Vec<LabelTemplate>,
    pub(in crate::config) listen_events: Vec<(Scalar<String>, ActionTemplate)>,
    pub(in crate::config) storage: Vec<(String, Scalar<Value>)>,
    pub(in crate::config) faults: Vec<FaultTemplate>,
    pub(in crate::config) pools: Vec<PoolTemplate>,
    pub(in crate::config) metric_sets: Vec<Scalar<String>>,
    pub(in crate::config) metrics: Vec<MetricTemplate>,
    /// Metrics of an override.
    pub(in crate::config) override_metrics: Vec<MetricTemplate>,
    /// Overrides by host name: the whole template of that host.
    pub(in crate::config) overrides: IndexMap<String, HostTemplate>,
}

impl HostTemplate {
    pub(in crate::config) fn read(mut node: Node, problems: &mut Problems) -> Option<Self> {
        let overrides = overrides::take(&mut node, problems);
        let overrides = overrides.into_iter().filter_map(|(name, node, metrics)| {
            if problems.is_over() {
                return None;
            }
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
        // Already read, but the hint for a misspelt field names it.
        fields.take("overrides");
        let repeat = RepeatTemplate::read_all(fields.take("repeat"), problems);
        let name = fields.needed("name", problems);
        let host = fields.scalar("host", problems);
        let ttl = fields.scalar("ttl", problems);
        let interval = fields.scalar("interval", problems);
        let start_time = fields.scalar("start_time", problems);
        let job_name = fields.scalar("job_name", problems);
        let identity_labels = fields.scalar("identity_labels", problems);
        let labels = read_labels(fields.map("labels", problems), problems);
        let listen_events = read_listen_events(fields.map("listen_events", problems), problems);
        let storage = read_storage(fields.map("storage", problems), problems);
        fields.refuse_old("dirt", "dirt is called faults now; write faults: [gap(…)]", problems);
        let faults = fields.list("faults", problems);
        let faults = read_all(faults, problems, FaultTemplate::read);
        fields.refuse_old("slots", "slots is called pools now; write pools: [Pool(…)]", problems);
        let pools = fields.list("pools", problems);
        let pools = read_all(pools, problems, PoolTemplate::read);
        let metric_sets = fields.list("metric_sets", problems);
        let metric_sets = read_scalars(&metric_sets, "metric set", problems);
        let metrics = read_metrics(fields.list("metrics", problems), problems);
        fields.refuse_unknown(problems);
        Some(Self {
            span,
            // A host without its repetition would only cause follow-up errors.
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
            faults,
            pools,
            metric_sets,
            metrics,
            override_metrics: Vec::new(),
            overrides: IndexMap::new(),
        })
    }
}

/// Actions by event; an event may have several.
fn read_listen_events(
    entries: Vec<(Node, Node)>,
    problems: &mut Problems,
) -> Vec<(Scalar<String>, ActionTemplate)> {
    let read = |(event, node): (Node, Node)| {
        if event.kind.name().len() > NAME_BYTES_MAX {
            problems.error(event.span, format!("an event's name has {NAME_BYTES_MAX} bytes at most"));
            return Vec::new();
        }
        let actions = if let NodeKind::List(actions) = node.kind { actions } else { vec![node] };
        let read = |action| Some((read_scalar(&event, "event", problems)?, read_action(&action, problems)?));
        actions.into_iter().filter_map(read).collect::<Vec<_>>()
    };
    entries.into_iter().flat_map(read).collect()
}

fn read_storage(entries: Vec<(Node, Node)>, problems: &mut Problems) -> Vec<(String, Scalar<Value>)> {
    let read = |(key, node): (Node, Node)| {
        let name = read_name(&key, "a name", problems)?;
        let what = format!("storage {name:?}");
        let value = if matches!(node.kind, NodeKind::List(_)) {
            Scalar::constant(node.span, read_value(&node, &what, problems)?)
        } else {
            read_scalar(&node, &what, problems)?
        };
        Some((name, value))
    };
    entries.into_iter().filter_map(read).collect()
}
