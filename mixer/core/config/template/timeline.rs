//! The timeline of a template: its phases, its faults, and its repetition.

use super::curve::CurveTemplate;
use super::run_fault::RunFaultTemplate;
use super::truth::TruthTemplate;
use crate::config::fields::{Fields, read_all, read_name, read_scalar};
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, SourceSpan};
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) struct TimelineTemplate {
    pub(in crate::config) span: SourceSpan,
    pub(in crate::config) phases: Vec<PhaseTemplate>,
    /// `false` if phases are missing because of their errors.
    pub(in crate::config) has_all_phases: bool,
    pub(in crate::config) faults: Vec<RunFaultTemplate>,
    pub(in crate::config) repeat: RepeatCount,
}

/// Number of times that a timeline passes.
#[derive(Debug)]
pub(in crate::config) enum RepeatCount {
    Once,
    Times(Scalar<i64>),
    Forever(SourceSpan),
}

#[derive(Debug)]
pub(in crate::config) struct PhaseTemplate {
    pub(in crate::config) name: Scalar<String>,
    pub(in crate::config) lasts: Scalar<Span>,
    pub(in crate::config) set: PhaseLevers,
    /// Events with their times since the begin of the phase.
    pub(in crate::config) events: Vec<(Scalar<Span>, Scalar<String>)>,
    pub(in crate::config) truth: Option<TruthTemplate>,
}

/// The place of a lever's name, the name, and its curve.
type PhaseCurve = (SourceSpan, String, CurveTemplate);

/// The levers that a phase changes.
#[derive(Debug)]
pub(in crate::config) enum PhaseLevers {
    Curves(Vec<PhaseCurve>),
    /// Their defaults, for all levers that phases before it changed.
    Defaults,
}

/// The phases of the short form.
const SHORT_PHASES: [&str; 3] = ["stabilization", "testing", "recovery"];

impl TimelineTemplate {
    pub(super) fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Timeline", problems)?;
        let span = fields.span();
        let short = SHORT_PHASES.map(|name| (name, fields.take(name)));
        let set = read_curves(&mut fields, problems);
        let is_short = short.iter().any(|(_, node)| node.is_some());
        let phases = fields.list("phases", problems);
        let (count, phases) = if is_short {
            if !phases.is_empty() {
                let message = "the timeline has phases, and those of the short form; keep one";
                problems.error(span, message);
            }
            (SHORT_PHASES.len(), read_short(short, set, span, problems))
        } else {
            if let Some((place, ..)) = set.first() {
                let message = "set is of the short form, with testing; write it in a Phase(…)";
                problems.error(*place, message);
            }
            (phases.len(), read_all(phases, problems, PhaseTemplate::read))
        };
        let faults = read_all(fields.list("faults", problems), problems, RunFaultTemplate::read);
        let repeat = fields.take("repeat").map(|node| read_repeat(&node, problems));
        fields.refuse_unknown(problems);
        let repeat = match repeat {
            None => RepeatCount::Once,
            Some(repeat) => repeat?,
        };
        let has_all_phases = phases.len() == count;
        Some(Self { span, phases, has_all_phases, faults, repeat })
    }
}

impl PhaseTemplate {
    fn read(node: Node, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields::of(node, "Phase", problems)?;
        let name = fields.needed("name", problems);
        let lasts = fields.needed("lasts", problems);
        let set = PhaseLevers::Curves(read_curves(&mut fields, problems));
        let events = fields.list("events", problems);
        let events = read_all(events, problems, |node, problems| read_event(&node, problems));
        let truth = fields.take("truth").and_then(|node| TruthTemplate::read(node, problems));
        fields.refuse_unknown(problems);
        Some(Self { name: name?, lasts: lasts?, set, events, truth })
    }
}

/// The short form: three phases of which the second one moves levers, and the third one takes them back.
fn read_short(
    lengths: [(&'static str, Option<Node>); 3],
    set: Vec<PhaseCurve>,
    span: SourceSpan,
    problems: &mut Problems,
) -> Vec<PhaseTemplate> {
    let mut set = PhaseLevers::Curves(set);
    let mut phases = Vec::new();
    for (name, length) in lengths {
        let Some(length) = length else {
            let message = format!("the timeline needs {name}, too: a length of time; or write phases");
            problems.error(span, message);
            continue;
        };
        let Some(lasts) = read_scalar(&length, name, problems) else { continue };
        let nothing = PhaseLevers::Curves(Vec::new());
        let set = match name {
            "testing" => std::mem::replace(&mut set, nothing),
            "recovery" => PhaseLevers::Defaults,
            _ => nothing,
        };
        let name = Scalar::constant(span, name.to_owned());
        phases.push(PhaseTemplate { name, lasts, set, events: Vec::new(), truth: None });
    }
    phases
}

fn read_curves(fields: &mut Fields, problems: &mut Problems) -> Vec<PhaseCurve> {
    let mut curves = Vec::new();
    for (name, value) in fields.map("set", problems) {
        let Some(lever) = read_name(&name, "a lever's name", problems) else { continue };
        let Some(curve) = CurveTemplate::read(value, &lever, problems) else { continue };
        curves.push((name.span, lever, curve));
    }
    curves
}

fn read_event(node: &Node, problems: &mut Problems) -> Option<(Scalar<Span>, Scalar<String>)> {
    if let NodeKind::Tuple(None, items) = &node.kind
        && let [at, event] = items.as_slice()
    {
        let (at, event) = (read_scalar(at, "the time", problems), read_scalar(event, "the event", problems));
        return Some((at?, event?));
    }
    let found = node.kind.describe();
    problems.error(
        node.span,
        format!("an event of a phase is a pair, as in (\"2m\", \"deploy\"); found {found}"),
    );
    None
}

fn read_repeat(node: &Node, problems: &mut Problems) -> Option<RepeatCount> {
    match &node.kind {
        NodeKind::Word(word) if word == "forever" => Some(RepeatCount::Forever(node.span)),
        _ => read_scalar(node, "repeat (a number, or forever)", problems).map(RepeatCount::Times),
    }
}
