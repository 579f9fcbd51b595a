//! Fields of a metric's template that belong to its type.

use super::formula::FormulaTemplate;
use crate::config::fields::{Fields, read_scalars};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::{FromValue, Scalar};
use crate::error::{Problems, SourceSpan, suggestion};
use crate::expression::Value;
use crate::time::Span;

/// Fields that some metric types have.
#[derive(Debug)]
pub(in crate::config) struct CellsTemplate {
    pub(in crate::config) accumulate: Option<Scalar<String>>,
    pub(in crate::config) buckets: Option<Listed<f64>>,
    pub(in crate::config) schema: Option<Scalar<i64>>,
    pub(in crate::config) zero_threshold: Option<Scalar<f64>>,
    pub(in crate::config) max_buckets: Option<Scalar<i64>>,
    pub(in crate::config) quantiles: Option<Listed<f64>>,
    pub(in crate::config) window: Option<Scalar<Span>>,
    pub(in crate::config) states: Option<Listed<String>>,
    pub(in crate::config) observations: Option<FormulaTemplate>,
    pub(in crate::config) spread: Option<ObservationDistributionTemplate>,
    pub(in crate::config) exemplars: Option<Scalar<bool>>,
    pub(in crate::config) created: Option<Scalar<bool>>,
}

/// A list and its place.
pub(in crate::config) type Listed<T> = (SourceSpan, Vec<Scalar<T>>);

/// A spread: the distribution of observations.
#[derive(Debug)]
pub(in crate::config) struct ObservationDistributionTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) name: &'static str,
    pub(in crate::config) median: Option<FormulaTemplate>,
    pub(in crate::config) p99: Option<FormulaTemplate>,
    pub(in crate::config) share: Option<Scalar<f64>>,
}

/// The kinds of spread, and the fields that each takes.
const SPREADS: [(&str, &[&str]); 4] = [
    ("normal", &["median", "p99"]),
    ("lognormal", &["median", "p99"]),
    ("exponential", &["median"]),
    ("bimodal", &["median", "p99", "share"]),
];

impl CellsTemplate {
    pub(super) fn read(fields: &mut Fields, problems: &mut Problems) -> Self {
        Self {
            accumulate: fields.scalar("accumulate", problems),
            buckets: read_list(fields, "buckets", "bounds", problems),
            schema: fields.scalar("schema", problems),
            zero_threshold: fields.scalar("zero_threshold", problems),
            max_buckets: fields.scalar("max_buckets", problems),
            quantiles: read_list(fields, "quantiles", "numbers", problems),
            window: fields.scalar("window", problems),
            states: read_list(fields, "states", "names", problems),
            observations: read_formula(fields, "observations", problems),
            spread: fields
                .take("spread")
                .and_then(|node| ObservationDistributionTemplate::read(node, problems)),
            exemplars: fields.scalar("exemplars", problems),
            created: fields.scalar("created", problems),
        }
    }

    /// The given fields, their places, and the types that have them.
    pub(in crate::config) fn given(
        &self,
    ) -> impl Iterator<Item = (&'static str, SourceSpan, &'static [&'static str])> {
        const OBSERVING: &[&str] = &["histogram", "native_histogram", "summary"];
        const NATIVE: &[&str] = &["native_histogram"];
        let spans: [(&str, Option<SourceSpan>, &[&str]); 12] = [
            ("accumulate", self.accumulate.as_ref().map(|field| field.span), &["counter"]),
            ("buckets", self.buckets.as_ref().map(|field| field.0), &["histogram"]),
            ("schema", self.schema.as_ref().map(|field| field.span), NATIVE),
            ("zero_threshold", self.zero_threshold.as_ref().map(|field| field.span), NATIVE),
            ("max_buckets", self.max_buckets.as_ref().map(|field| field.span), NATIVE),
            ("quantiles", self.quantiles.as_ref().map(|field| field.0), &["summary"]),
            ("window", self.window.as_ref().map(|field| field.span), &["summary"]),
            ("states", self.states.as_ref().map(|field| field.0), &["stateset"]),
            ("observations", self.observations.as_ref().map(|field| field.span), OBSERVING),
            ("spread", self.spread.as_ref().map(|field| field.span), OBSERVING),
            (
                "exemplars",
                self.exemplars.as_ref().map(|field| field.span),
                &["counter", "histogram", "native_histogram"],
            ),
            (
                "created",
                self.created.as_ref().map(|field| field.span),
                &["counter", "histogram", "native_histogram", "summary"],
            ),
        ];
        spans.into_iter().filter_map(|(name, span, types)| Some((name, span?, types)))
    }
}

impl ObservationDistributionTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let (name, given) = match node.kind {
            NodeKind::Word(name) | NodeKind::Scalar(Value::Text(name)) => (name, Vec::new()),
            NodeKind::Struct(Some(name), fields) => (name, fields),
            NodeKind::Tuple(Some(name), items) if items.is_empty() => (name, Vec::new()),
            other => {
                let found = other.describe();
                problems.error(span, format!("expected a spread, as in lognormal(p99: 2); found {found}"));
                return None;
            }
        };
        let Some((name, takes)) = SPREADS.into_iter().find(|(known, _)| *known == name) else {
            let hint = suggestion(&name, &SPREADS.map(|(known, _)| known));
            problems.error(span, format!("unknown spread {name:?}{hint}"));
            return None;
        };
        let node = Node { span, ..Node::nowhere(NodeKind::Struct(None, given)) };
        let mut fields = Fields::of(node, name, problems)?;
        let is_p99_given = fields.has("p99");
        let [median, p99] = ["median", "p99"].map(|field| {
            if takes.contains(&field) { read_formula(&mut fields, field, problems) } else { None }
        });
        let share = if takes.contains(&"share") { fields.scalar("share", problems) } else { None };
        let needs_p99 = takes.contains(&"p99");
        if needs_p99 && !is_p99_given {
            let message = format!("{name} needs p99: the 0.99 quantile of its observations");
            fields.lacks("p99", message, problems);
        }
        fields.refuse_unknown(problems);
        if needs_p99 && p99.is_none() {
            return None;
        }
        Some(Self { span, name, median, p99, share })
    }
}

fn read_formula(fields: &mut Fields, name: &'static str, problems: &mut Problems) -> Option<FormulaTemplate> {
    fields.take(name).and_then(|node| FormulaTemplate::read(&node, problems))
}

fn read_list<T: FromValue>(
    fields: &mut Fields,
    name: &'static str,
    of: &str,
    problems: &mut Problems,
) -> Option<Listed<T>> {
    let node = fields.take(name)?;
    match &node.kind {
        NodeKind::List(items) => {
            let scalars = read_scalars(items, name, problems);
            (scalars.len() == items.len()).then_some((node.span, scalars))
        }
        other => {
            problems.error(node.span, format!("{name} takes a list of {of}, found {}", other.describe()));
            None
        }
    }
}
