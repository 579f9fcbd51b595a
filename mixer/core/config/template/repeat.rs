//! Repetitions: one template, many hosts, pools or metrics.

use crate::config::fields::{Fields, read_scalar, read_scalars};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan};
use crate::expression::Value;

/// Maximum number of nested repetitions.
const NESTED_MAX: usize = 16;

#[derive(Debug)]
pub(in crate::config) struct RepeatTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) var: String,
    pub(in crate::config) over: Over,
}

/// The values of a repetition.
#[derive(Debug)]
pub(in crate::config) enum Over {
    Range(Scalar<i64>, Scalar<i64>),
    Items(Vec<Scalar<Value>>),
    List(Scalar<Value>),
}

impl RepeatTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Repeat", problems)?;
        let var = fields.constant::<String>("var", problems);
        if var.is_none() {
            fields.lacks("var", "Repeat needs a plain \"var\", as in var: \"i\"".to_owned(), problems);
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
        fields.refuse_unknown(problems);
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

    /// One, a list of them (outermost first), or none; `None` if one is wrong.
    pub(super) fn read_all(node: Option<Node>, problems: &mut Problems) -> Option<Vec<Self>> {
        match node {
            None => Some(Vec::new()),
            Some(Node { kind: NodeKind::List(nodes), span, .. }) => {
                if nodes.len() > NESTED_MAX {
                    let message = format!("repeat has {} variables, and {NESTED_MAX} at most", nodes.len());
                    problems.error(span, message);
                    return None;
                }
                let repeats: Vec<_> = nodes.into_iter().map(|node| Self::read(node, problems)).collect();
                repeats.into_iter().collect()
            }
            Some(node) => Some(vec![Self::read(node, problems)?]),
        }
    }
}
