//! Faults of a host in a template, read by the table of kinds.

use super::scenario::{ParamTemplate, named, take_params};
use crate::config::fields::{Fields, read_texts};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan, suggestion};
use crate::fault::{AnyFaultKind, FaultSchedule, KINDS};
use crate::scenario::Param;
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct FaultTemplate {
    pub(in crate::config) span: SourceSpan,
    /// `false` if a field was refused: one that seems to be missing may be there, misspelt.
    pub(in crate::config) is_whole: bool,
    pub(in crate::config) kind: &'static AnyFaultKind,
    pub(in crate::config) params: Vec<(&'static Param, ParamTemplate)>,
    pub(in crate::config) at: Option<Scalar<Span>>,
    pub(in crate::config) every: Option<Scalar<Span>>,
    pub(in crate::config) jitter: Option<Scalar<Span>>,
    pub(in crate::config) lasts: Option<Scalar<Span>>,
    pub(in crate::config) on: Vec<Scalar<String>>,
    pub(in crate::config) until: Vec<Scalar<String>>,
    pub(in crate::config) probability: Option<Scalar<f64>>,
    /// Patterns of metrics' names; empty for the fault's default.
    pub(in crate::config) metrics: Vec<Scalar<String>>,
}

impl FaultTemplate {
    /// Reads the kind of a fault of the run, whose times are given beside it.
    pub(super) fn read_untimed(node: Node, problems: &mut Problems) -> Option<Self> {
        let errors = problems.error_count();
        if let NodeKind::Struct(Some(name), fields) = &node.kind {
            let has_jitter = |kind: &&AnyFaultKind| {
                kind.schedule == FaultSchedule::Cycle
                    || kind.params.iter().any(|param| param.name == "jitter")
            };
            let has_jitter = KINDS.iter().filter(has_jitter).any(|kind| kind.name == *name);
            for field in fields {
                let message = match field.name.as_str() {
                    time @ ("at" | "every" | "lasts") => {
                        format!("{time} belongs to the Fault: write it beside kind, not inside of {name}")
                    }
                    "jitter" if !has_jitter => {
                        format!("jitter belongs to the Fault: write it beside kind, not inside of {name}")
                    }
                    field @ ("on" | "until") => {
                        format!("a fault of the run has no {field}; give it at, or give {name} to a host")
                    }
                    _ => continue,
                };
                problems.error(field.name_span, message);
            }
        }
        let is_untimed = problems.error_count() == errors;
        Self::read_kind(node, true, problems).filter(|_| is_untimed)
    }

    /// Reads a fault of a host.
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        Self::read_kind(node, false, problems)
    }

    fn read_kind(node: Node, is_of_run: bool, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let (name, fields) = named(node, "a fault, as in gap(every: \"10m\", lasts: \"30s\")", problems)?;
        if name == "Fault" {
            problems
                .error(span, "Fault is for the config, which has the levers; move it to faults of Config(…)");
            return None;
        }
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            problems.error(span, format!("unknown fault {name:?}{}", suggestion(&name, &names)));
            return None;
        };
        if !is_of_run && kind.schedule == FaultSchedule::OfRun {
            let message = format!(
                "{name} is done for real, and not at a host; write Fault(id: …, kind: {name}(…)) among faults of Config(…)"
            );
            problems.error(span, message);
            return None;
        }
        let node = Node { span, ..Node::nowhere(NodeKind::Struct(None, fields)) };
        let mut fields = Fields::of(node, kind.name, problems)?;
        let errors = problems.error_count();
        fields.refuse_old("start_time", "start_time of a fault is called at now", problems);
        fields.refuse_old("duration", "duration of a fault is called lasts now", problems);
        // A fault without its times would only cause follow-up errors.
        let is_timed = problems.error_count() == errors;
        let takes = |field: &'static str| kind.schedule.fields().contains(&field).then_some(field);
        let mut time = |field, problems: &mut Problems| fields.scalar(takes(field)?, problems);
        let (at, every) = (time("at", problems), time("every", problems));
        let (jitter, lasts) = (time("jitter", problems), time("lasts", problems));
        let mut texts = |field: Option<&'static str>| {
            let node = field.and_then(|field| Some((field, fields.take(field)?)));
            node.map(|(field, node)| read_texts(&node, field, problems)).unwrap_or_default()
        };
        let (on, until) = (texts(takes("on")), texts(takes("until")));
        let metrics = texts(kind.takes_metrics.then_some("metrics"));
        let probability = takes("probability").and_then(|field| fields.scalar(field, problems));
        let params = take_params(&mut fields, kind.name, kind.params, problems);
        let is_whole = fields.refuse_unknown(problems);
        let params = params.filter(|_| is_timed)?;
        Some(Self { span, is_whole, kind, params, at, every, jitter, lasts, on, until, probability, metrics })
    }
}
