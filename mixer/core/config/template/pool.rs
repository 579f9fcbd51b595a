//! Pools in a template: members that come and go.

use super::formula::FormulaTemplate;
use super::label::{LabelTemplate, read_labels};
use super::metric::{MetricTemplate, read_metrics};
use super::repeat::RepeatTemplate;
use super::workload::WorkloadTemplate;
use crate::config::fields::{Fields, read_scalars, read_texts};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::{Scalar, SpanRange};
use crate::error::{Problems, SourceSpan};
use crate::expression::Value;
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct PoolTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) repeat: Vec<RepeatTemplate>,
    pub(in crate::config) name: Option<Scalar<String>>,
    /// A workload that fills the pool; then count, lifetime, labels and metrics are not written but follow from it.
    pub(in crate::config) workload: Option<WorkloadTemplate>,
    /// Time between two updates of the workload.
    pub(in crate::config) update_interval: Option<Scalar<Span>>,
    pub(in crate::config) count: FormulaTemplate,
    pub(in crate::config) count_interval: Option<Scalar<Span>>,
    pub(in crate::config) max: Option<Scalar<i64>>,
    pub(in crate::config) lifetime: Option<Scalar<SpanRange>>,
    pub(in crate::config) pause: Option<Scalar<SpanRange>>,
    pub(in crate::config) replace: Option<Scalar<String>>,
    pub(in crate::config) replace_every: Option<Scalar<Span>>,
    pub(in crate::config) replace_on: Vec<Scalar<String>>,
    pub(in crate::config) replace_share: Option<Scalar<f64>>,
    pub(in crate::config) labels: Vec<LabelTemplate>,
    pub(in crate::config) metric_sets: Vec<Scalar<String>>,
    pub(in crate::config) metrics: Vec<MetricTemplate>,
}

impl PoolTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        if node.kind.is_named("Slots") {
            problems.error(span, "Slots is called Pool now; write Pool(…)");
            return None;
        }
        let mut fields = Fields::of(node, "Pool", problems)?;
        let repeat = RepeatTemplate::read_all(fields.take("repeat"), problems);
        let name = fields.scalar("name", problems);
        if let Some(node) = fields.take("workload") {
            let workload = WorkloadTemplate::read(node, problems);
            let update_interval = fields.scalar("update_interval", problems);
            fields.refuse_unknown(problems);
            return Self::filled(span, repeat?, name, workload?, update_interval, problems);
        }
        let count = fields.take("count");
        if count.is_none() {
            fields.lacks("count", "Pool needs a field \"count\": the number of members".to_owned(), problems);
        }
        let count = count.and_then(|node| FormulaTemplate::read(&node, problems));
        let count_interval = fields.scalar("count_interval", problems);
        let max = fields.scalar("max", problems);
        let lifetime = fields.scalar("lifetime", problems);
        let pause = fields.scalar("pause", problems);
        let replace = fields.scalar("replace", problems);
        let replace_every = fields.scalar("replace_every", problems);
        let replace_on = fields.take("replace_on");
        let replace_on = replace_on.map(|node| read_texts(&node, "event", problems)).unwrap_or_default();
        let replace_share = fields.scalar("replace_share", problems);
        let labels = read_labels(fields.map("labels", problems), problems);
        let metric_sets = fields.list("metric_sets", problems);
        let metric_sets = read_scalars(&metric_sets, "metric set", problems);
        let metrics = read_metrics(fields.list("metrics", problems), problems);
        fields.refuse_unknown(problems);
        let template = Self {
            span,
            repeat: repeat?,
            name,
            workload: None,
            update_interval: None,
            count: count?,
            count_interval,
            max,
            lifetime,
            pause,
            replace,
            replace_every,
            replace_on,
            replace_share,
            labels,
            metric_sets,
            metrics,
        };
        template.warn_of_idle_fields(problems);
        Some(template)
    }

    fn warn_of_idle_fields(&self, problems: &mut Problems) {
        if self.lifetime.is_some() {
            return;
        }
        if let Some(pause) = &self.pause {
            problems.warning(pause.span, "pause does nothing without lifetime");
        }
        if let Some(replace) = &self.replace {
            problems.warning(replace.span, "replace does nothing without lifetime");
        }
    }

    /// A pool filled by a workload.
    fn filled(
        span: SourceSpan,
        repeat: Vec<RepeatTemplate>,
        name: Option<Scalar<String>>,
        workload: WorkloadTemplate,
        update_interval: Option<Scalar<Span>>,
        problems: &mut Problems,
    ) -> Option<Self> {
        // The workload sets the number of slots once it has its arguments.
        let count = Node { span, ..Node::nowhere(NodeKind::Scalar(Value::Int(1))) };
        Some(Self {
            span,
            repeat,
            name,
            count: FormulaTemplate::read(&count, problems)?,
            count_interval: None,
            max: None,
            lifetime: None,
            pause: None,
            replace: None,
            replace_every: None,
            replace_on: Vec::new(),
            replace_share: None,
            labels: Vec::new(),
            metric_sets: Vec::new(),
            metrics: Vec::new(),
            workload: Some(workload),
            update_interval,
        })
    }
}
