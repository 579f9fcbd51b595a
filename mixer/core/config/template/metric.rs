//! A metric in a template.

use super::cells::CellsTemplate;
use super::formula::FormulaTemplate;
use super::label::{LabelTemplate, read_labels};
use super::range::RangeTemplate;
use super::repeat::RepeatTemplate;
use super::scenario::ScenarioTemplate;
use crate::config::fields::{Fields, read_all, read_scalars};
use crate::config::tree::Node;
use crate::config::value::Scalar;
use crate::error::Problems;
use crate::time::Span;

/// A metric, with its expressions compiled.
#[derive(Debug)]
pub(in crate::config) struct MetricTemplate {
    pub(in crate::config) repeat: Vec<RepeatTemplate>,
    pub(in crate::config) name: Scalar<String>,
    pub(in crate::config) metric_type: Option<Scalar<String>>,
    pub(in crate::config) description: Option<Scalar<String>>,
    pub(in crate::config) value_range: Option<RangeTemplate>,
    /// `true` if it has a `value_range` that cannot be read, which is an error already.
    pub(in crate::config) has_bad_range: bool,
    pub(in crate::config) default_value: Option<Scalar<f64>>,
    pub(in crate::config) start_time: Option<Scalar<Span>>,
    pub(in crate::config) duration: Option<Scalar<Span>>,
    pub(in crate::config) update_interval: Option<Scalar<Span>>,
    pub(in crate::config) listen_events: Vec<Scalar<String>>,
    pub(in crate::config) linked_metrics: Vec<Scalar<String>>,
    pub(in crate::config) labels: Vec<LabelTemplate>,
    pub(in crate::config) decimals: Option<Scalar<i64>>,
    pub(in crate::config) units: Option<Scalar<String>>,
    pub(in crate::config) when: Option<FormulaTemplate>,
    pub(in crate::config) cells: CellsTemplate,
    pub(in crate::config) scenario: Option<ScenarioTemplate>,
}

impl MetricTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Metric", problems)?;
        let repeat = RepeatTemplate::read_all(fields.take("repeat"), problems);
        let name = fields.needed("name", problems);
        let metric_type = fields.scalar("metric_type", problems);
        // Fields of another type than the one that is meant would only cause follow-up errors.
        let misnamed = fields.misnamed("metric_type").filter(|_| metric_type.is_none());
        let metric_type = metric_type.or_else(|| Scalar::read(misnamed?).ok());
        let description = fields.scalar("description", problems);
        let value_range =
            fields.take("value_range").map(|node| RangeTemplate::read(&node, "value_range", problems));
        let has_bad_range = matches!(value_range, Some(None));
        let default_value = fields.scalar("default_value", problems);
        let units = fields.scalar("units", problems);
        let start_time = fields.scalar("start_time", problems);
        let duration = fields.scalar("duration", problems);
        let update_interval = fields.scalar("update_interval", problems);
        let listen_events = fields.list("listen_events", problems);
        let linked_metrics = fields.list("linked_metrics", problems);
        let labels = read_labels(fields.map("labels", problems), problems);
        let decimals = fields.scalar("decimals", problems);
        let when = fields.take("when").and_then(|node| FormulaTemplate::read(&node, problems));
        let cells = CellsTemplate::read(&mut fields, problems);
        let scenario = fields.take("scenario").and_then(|node| ScenarioTemplate::read(node, problems));
        fields.refuse_unknown(problems);
        Some(Self {
            repeat: repeat?,
            name: name?,
            metric_type,
            description,
            value_range: value_range.flatten(),
            has_bad_range,
            default_value,
            start_time,
            duration,
            update_interval,
            listen_events: read_scalars(&listen_events, "event", problems),
            linked_metrics: read_scalars(&linked_metrics, "metric", problems),
            labels,
            decimals,
            units,
            when,
            cells,
            scenario,
        })
    }
}

pub(super) fn read_metrics(nodes: Vec<Node>, problems: &mut Problems) -> Vec<MetricTemplate> {
    read_all(nodes, problems, MetricTemplate::read)
}
