//! Faults (`dirt`) of a host in a template.

use crate::config::fields::{Fields, read_texts};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::Value;
use crate::time::Span;

/// Fields that are durations.
const SPANS: [&str; 9] = ["start_time", "every", "jitter", "duration", "by", "ahead", "behind", "up", "down"];

/// The name of a fault in configs, and its fields.
#[derive(Debug)]
pub(in crate::config) struct FaultName {
    pub(in crate::config) name: &'static str,
    fields: &'static [&'static str],
}

macro_rules! with_schedule {
    ($($field:literal),*) => { &["start_time", "every", "jitter", "duration", "on", "until", "probability", $($field),*] };
}

/// All faults.
const NAMES: [FaultName; 7] = [
    FaultName { name: "gap", fields: with_schedule!("metrics") },
    FaultName {
        name: "counter_reset",
        fields: &["start_time", "every", "jitter", "on", "probability", "metrics"],
    },
    FaultName { name: "nan", fields: with_schedule!("metrics") },
    FaultName { name: "clock_skew", fields: with_schedule!("ahead", "behind") },
    FaultName { name: "late", fields: with_schedule!("by") },
    FaultName { name: "out_of_order", fields: with_schedule!("by") },
    FaultName {
        name: "flapping",
        fields: &["start_time", "up", "down", "jitter", "duration", "on", "until", "probability"],
    },
];

#[derive(Debug)]
pub(in crate::config) struct FaultTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) name: &'static str,
    /// The given durations.
    spans: Vec<(&'static str, Scalar<Span>)>,
    pub(in crate::config) on: Vec<Scalar<String>>,
    pub(in crate::config) until: Vec<Scalar<String>>,
    pub(in crate::config) probability: Option<Scalar<f64>>,
    /// Patterns of metrics' names; empty for the fault's default.
    pub(in crate::config) metrics: Vec<Scalar<String>>,
}

impl FaultTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let (name, fields) = match node.kind {
            NodeKind::Word(name) | NodeKind::Scalar(Value::Text(name)) => (name, Vec::new()),
            NodeKind::Struct(Some(name), fields) => (name, fields),
            NodeKind::Tuple(Some(name), items) if items.is_empty() => (name, Vec::new()),
            other => {
                let found = other.describe();
                let message =
                    format!("expected dirt, as in gap(every: \"10m\", duration: \"30s\"); found {found}");
                problems.error(span, message);
                return None;
            }
        };
        let Some(kind) = NAMES.iter().find(|kind| kind.name == name) else {
            let names = NAMES.map(|kind| kind.name);
            problems.error(span, format!("unknown dirt {name:?}{}", suggestion(&name, &names)));
            return None;
        };
        let node = Node { span, ..Node::nowhere(NodeKind::Struct(None, fields)) };
        let mut fields = Fields::of(node, kind.name, problems)?;
        let takes = |name: &&&'static str| kind.fields.contains(*name);
        let spans = SPANS.iter().filter(takes);
        let spans = spans.filter_map(|name| Some((*name, fields.scalar(name, problems)?))).collect();
        let mut texts = ["on", "until", "metrics"].map(|name| {
            let node = if takes(&&name) { fields.take(name) } else { None };
            node.map(|node| read_texts(&node, name, problems)).unwrap_or_default()
        });
        let probability = if takes(&&"probability") { fields.scalar("probability", problems) } else { None };
        fields.refuse_unknown(problems);
        let [on, until, metrics] = texts.each_mut().map(std::mem::take);
        Some(Self { span, name: kind.name, spans, on, until, probability, metrics })
    }

    /// A duration; `None` if it is not given.
    pub(in crate::config) fn span_of(&self, name: &str) -> Option<&Scalar<Span>> {
        self.spans.iter().find(|(given, _)| *given == name).map(|(_, span)| span)
    }
}
