//! Labels of hosts, pools and metrics.

use crate::config::fields::{read_name, read_scalar};
use crate::config::tree::Node;
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan};

#[derive(Debug)]
pub(in crate::config) struct LabelTemplate {
    pub(in crate::config) name: String,
    pub(in crate::config) name_span: SourceSpan,
    pub(in crate::config) value: Scalar<String>,
}

pub(super) fn read_labels(entries: Vec<(Node, Node)>, problems: &mut Problems) -> Vec<LabelTemplate> {
    let labels = entries.into_iter().filter_map(|(key, node)| {
        let name = read_name(&key, "a label's name", problems)?;
        let value = read_scalar(&node, &format!("label {name:?}"), problems)?;
        Some(LabelTemplate { name, name_span: key.span, value })
    });
    labels.collect()
}
