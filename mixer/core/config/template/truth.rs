//! The ground truth of a fault or a phase in a template: what a monitoring system should say of it.

use crate::config::fields::{Fields, read_texts};
use crate::config::tree::Node;
use crate::config::value::Scalar;
use crate::error::Problems;

#[derive(Debug)]
pub(in crate::config) struct TruthTemplate {
    pub(in crate::config) root: Option<Scalar<String>>,
    pub(in crate::config) alerts: Vec<Scalar<String>>,
}

impl TruthTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Truth", problems)?;
        let root = fields.scalar("root", problems);
        let alerts = fields.take("alerts");
        let alerts = alerts.map(|node| read_texts(&node, "alerts", problems)).unwrap_or_default();
        fields.refuse_unknown(problems);
        Some(Self { root, alerts })
    }
}
