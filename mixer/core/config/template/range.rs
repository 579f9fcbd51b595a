//! Pairs of numbers, as in `value_range: (0, 100)`.

use crate::config::fields::read_scalar;
use crate::config::tree::{Node, NodeKind};
use crate::config::value::{Bound, Scalar};
use crate::error::{Problems, SourceSpan};

#[derive(Clone, Debug)]
pub(in crate::config) struct RangeTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) low: Scalar<Bound>,
    pub(in crate::config) high: Scalar<Bound>,
}

impl RangeTemplate {
    pub(super) fn read(node: &Node, what: &str, problems: &mut Problems) -> Option<Self> {
        if let NodeKind::Tuple(None, items) = &node.kind
            && let [low, high] = items.as_slice()
        {
            let (low, high) = (read_scalar(low, what, problems), read_scalar(high, what, problems));
            return Some(Self { span: node.span, low: low?, high: high? });
        }
        problems
            .error(node.span, format!("{what} takes a pair, as in (0, 100); found {}", node.kind.describe()));
        None
    }
}
