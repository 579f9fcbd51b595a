//! Faults of the run in a template: `faults` of a config.

use super::curve::CurveTemplate;
use super::fault::FaultTemplate;
use super::truth::TruthTemplate;
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
    /// As [`FaultTemplate::is_whole`].
    pub(in crate::config) is_whole: bool,
    pub(in crate::config) at: Option<Scalar<Span>>,
    /// The phase in which its times are.
    pub(in crate::config) during: Option<Scalar<String>>,
    pub(in crate::config) lasts: Option<Scalar<Span>>,
    pub(in crate::config) every: Option<Scalar<Span>>,
    /// The longest random delay of each begin.
    pub(in crate::config) jitter: Option<Scalar<Span>>,
    /// The events on which it begins.
    pub(in crate::config) on: Vec<Scalar<String>>,
    /// Patterns of hosts; empty for all hosts.
    pub(in crate::config) hosts: Vec<Scalar<String>>,
    pub(in crate::config) changes: Vec<LeverChangeTemplate>,
    /// The fault that the hosts show.
    pub(in crate::config) kind: Option<FaultTemplate>,
    pub(in crate::config) truth: Option<TruthTemplate>,
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
        if let NodeKind::Struct(Some(name), _) | NodeKind::Tuple(Some(name), _) | NodeKind::Word(name) =
            &node.kind
            && KINDS.iter().any(|kind| kind.name == name)
        {
            let message = format!(
                "{name} is a kind; write Fault(id: …, kind: {name}), or move it to faults of a Host(…)"
            );
            problems.error(span, message);
            return None;
        }
        let mut fields = Fields::of(node, "Fault", problems)?;
        let errors = problems.error_count();
        let id = fields.needed("id", problems);
        let at = fields.scalar("at", problems);
        let during = fields.scalar("during", problems);
        let lasts = fields.scalar("lasts", problems);
        let every = fields.scalar("every", problems);
        let jitter = fields.scalar("jitter", problems);
        let on = fields.take("on").map(|node| read_texts(&node, "on", problems)).unwrap_or_default();
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
        let kind = fields.take("kind").map(|node| FaultTemplate::read_untimed(node, problems));
        let truth = fields.take("truth").and_then(|node| TruthTemplate::read(node, problems));
        let is_whole = fields.refuse_unknown(problems);
        // Changes and kinds that have an error are missing here.
        if changes.is_empty() && kind.is_none() && problems.error_count() == errors {
            let message =
                "the fault changes nothing; add set, times or plus: { \"LEVER\": … }, or kind: host_down";
            problems.error(span, message);
        }
        let kind = match kind {
            Some(kind) => Some(kind?),
            None => None,
        };
        Some(Self { id: id?, is_whole, at, during, lasts, every, jitter, on, hosts, changes, kind, truth })
    }

    /// `true` if it is given no time.
    pub(in crate::config) fn is_untimed(&self) -> bool {
        let spans = [&self.at, &self.lasts, &self.every, &self.jitter];
        let has_time = self.during.is_some() || spans.into_iter().any(Option::is_some);
        !has_time && self.on.is_empty()
    }
}
