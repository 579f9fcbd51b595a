//! A recording that a config plays, in a template.

use crate::config::fields::Fields;
use crate::config::tree::Node;
use crate::config::value::Scalar;
use crate::error::Problems;

#[derive(Debug)]
pub(in crate::config) struct ReplayTemplate {
    pub(in crate::config) recording: Scalar<String>,
    pub(in crate::config) is_looped: Option<Scalar<bool>>,
}

impl ReplayTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Replay", problems)?;
        let recording = fields.needed("recording", problems);
        let is_looped = fields.scalar("looped", problems);
        fields.refuse_unknown(problems);
        Some(Self { recording: recording?, is_looped })
    }
}
