//! Curves of a lever: a number, `ramp(…)`, `curve([…])` or `sine(…)`.

use crate::config::fields::{Fields, read_scalar};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct CurveTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) kind: CurveKind,
}

#[derive(Debug)]
pub(in crate::config) enum CurveKind {
    Constant(Scalar<f64>),
    Ramp { to: Scalar<f64>, over: Scalar<Span> },
    Points(Vec<(Scalar<Span>, Scalar<f64>)>),
    Sine { period: Scalar<Span>, amplitude: Scalar<f64>, offset: Option<Scalar<f64>> },
}

/// The curves, each with an example.
const CURVES: [(&str, &str); 3] = [
    ("ramp", "ramp(to: 5, over: \"1m\")"),
    ("curve", "curve([(\"0s\", 1), (\"2m\", 5)])"),
    ("sine", "sine(period: \"10m\", amplitude: 2)"),
];

impl CurveTemplate {
    pub(super) fn read(node: Node, what: &str, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let kind = match &node.kind {
            NodeKind::Struct(Some(name), _) if name == "ramp" => {
                let mut fields = Fields::of(node, "ramp", problems)?;
                let (to, over) = (fields.needed("to", problems), fields.needed("over", problems));
                fields.refuse_unknown(problems);
                CurveKind::Ramp { to: to?, over: over? }
            }
            NodeKind::Struct(Some(name), _) if name == "sine" => {
                let mut fields = Fields::of(node, "sine", problems)?;
                let (period, amplitude) =
                    (fields.needed("period", problems), fields.needed("amplitude", problems));
                let offset = fields.scalar("offset", problems);
                fields.refuse_unknown(problems);
                CurveKind::Sine { period: period?, amplitude: amplitude?, offset }
            }
            NodeKind::Tuple(Some(name), items) if name == "curve" => match items.as_slice() {
                [Node { kind: NodeKind::List(points), .. }] if !points.is_empty() => {
                    let points: Vec<_> = points.iter().map(|point| read_point(point, problems)).collect();
                    CurveKind::Points(points.into_iter().collect::<Option<_>>()?)
                }
                _ => {
                    problems.error(span, "curve takes points, as in curve([(\"0s\", 1), (\"2m\", 5)])");
                    return None;
                }
            },
            NodeKind::Struct(Some(name), _) | NodeKind::Tuple(Some(name), _) => {
                let known = CURVES.into_iter().find(|(known, _)| known == name);
                let why = known.map_or_else(
                    || format!("unknown curve {name:?}{}", suggestion(name, &CURVES.map(|(name, _)| name))),
                    |(_, form)| format!("{name} has its values by name, as in {form}"),
                );
                problems.error(span, format!("{what}: {why}"));
                return None;
            }
            _ => CurveKind::Constant(read_scalar(&node, what, problems)?),
        };
        Some(Self { span, kind })
    }
}

fn read_point(node: &Node, problems: &mut Problems) -> Option<(Scalar<Span>, Scalar<f64>)> {
    if let NodeKind::Tuple(None, items) = &node.kind
        && let [at, value] = items.as_slice()
    {
        let (at, value) = (read_scalar(at, "the time", problems), read_scalar(value, "the value", problems));
        return Some((at?, value?));
    }
    let found = node.kind.describe();
    problems.error(node.span, format!("a point of a curve is a pair, as in (\"2m\", 5); found {found}"));
    None
}
