//! Faults of the run in a template: `faults` of a config.

use super::curve::CurveTemplate;
use crate::config::fields::{Fields, read_name, read_texts};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan};
use crate::fault::KINDS;
use crate::plan::ChangeBy;
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct RunFaultTemplate {
    pub(in crate::config) id: Scalar<String>,
    pub(in crate::config) at: Option<Scalar<Span>>,
    pub(in crate::config) lasts: Option<Scalar<Span>>,
    pub(in crate::config) every: Option<Scalar<Span>>,
    /// Patterns of hosts; empty for all hosts.
    pub(in crate::config) hosts: Vec<Scalar<String>>,
    pub(in crate::config) changes: Vec<LeverChangeTemplate>,
}

#[derive(Debug)]
pub(in crate::config) struct LeverChangeTemplate {
    /// The place of the lever's name.
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) lever: String,
    pub(in crate::config) by: ChangeBy,
    pub(in crate::config) curve: CurveTemplate,
}

impl RunFaultTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        if let NodeKind::Struct(Some(name), _) | NodeKind::Tuple(Some(name), _) = &node.kind
            && KINDS.iter().any(|kind| kind.name == name)
        {
            problems.error(span, format!("{name} is a fault of a host; move it to faults of a Host(…)"));
            return None;
        }
        let mut fields = Fields::of(node, "Fault", problems)?;
        let errors = problems.error_count();
        let id = fields.needed("id", problems);
        let at = fields.scalar("at", problems);
        let lasts = fields.scalar("lasts", problems);
        let every = fields.scalar("every", problems);
        let hosts = fields.take("hosts");
        let hosts = hosts.map(|node| read_texts(&node, "hosts", problems)).unwrap_or_default();
        let mut changes = Vec::new();
        for (field, by) in [("set", ChangeBy::Set), ("times", ChangeBy::Times), ("plus", ChangeBy::Plus)] {
            for (name, value) in fields.map(field, problems) {
                let Some(lever) = read_name(&name, "a lever's name", problems) else { continue };
                let Some(curve) = CurveTemplate::read(value, &lever, problems) else { continue };
                changes.push(LeverChangeTemplate { span: name.span, lever, by, curve });
            }
        }
        fields.refuse_unknown(problems);
        // Changes that have an error are missing here.
        if changes.is_empty() && problems.error_count() == errors {
            problems.error(span, "the fault changes nothing; add set, times or plus: { \"LEVER\": … }");
        }
        Some(Self { id: id?, at, lasts, every, hosts, changes })
    }
}
