//! Actions of a host after an event.

use super::formula::FormulaTemplate;
use crate::config::fields::read_scalar;
use crate::config::tree::{Node, NodeKind};
use crate::config::value::{FromValue, Scalar};
use crate::error::{Problems, suggestion};
use crate::time::Span;

#[derive(Debug)]
pub(in crate::config) enum ActionTemplate {
    Emit(Scalar<String>),
    StartMetric(Scalar<String>),
    StopMetric(Scalar<String>),
    Override(Scalar<String>, Scalar<f64>, Option<Scalar<Span>>),
    Release(Scalar<String>),
    Lever(Scalar<String>, Scalar<f64>, Option<Scalar<Span>>),
    ReleaseLever(Scalar<String>),
    Down(Option<Scalar<Span>>),
    Up,
    Stop,
    When(FormulaTemplate, Box<ActionTemplate>),
}

/// All actions, each as it is written.
const ACTIONS: [(&str, &str); 11] = [
    ("emit", "emit(\"event\")"),
    ("start_metric", "start_metric(\"metric\")"),
    ("stop_metric", "stop_metric(\"metric\")"),
    ("override", "override(\"metric\", 5) or override(\"metric\", 5, \"2m\")"),
    ("release", "release(\"metric\")"),
    ("lever", "lever(\"load\", 3) or lever(\"load\", 3, \"5m\")"),
    ("release_lever", "release_lever(\"load\")"),
    ("down", "down(\"2m\"), or down until an action up"),
    ("up", "up"),
    ("stop", "stop"),
    ("when", "when(\"t > 60\", emit(\"event\"))"),
];

pub(super) fn read_action(node: &Node, problems: &mut Problems) -> Option<ActionTemplate> {
    let (name, items) = match &node.kind {
        NodeKind::Tuple(Some(name), items) => (name.as_str(), items.as_slice()),
        NodeKind::Word(name) => (name.as_str(), &[][..]),
        other => {
            let found = other.describe();
            let message = format!(
                "expected an action, as in emit(\"event\") or when(\"t > 60\", emit(\"event\")); found {found}"
            );
            problems.error(node.span, message);
            return None;
        }
    };
    match (name, items) {
        ("emit", [event]) => read(event, "emit", problems).map(ActionTemplate::Emit),
        ("start_metric", [metric]) => read(metric, name, problems).map(ActionTemplate::StartMetric),
        ("stop_metric", [metric]) => read(metric, name, problems).map(ActionTemplate::StopMetric),
        ("override", [metric, value, lasts @ ..]) if lasts.len() <= 1 => {
            let (metric, value) = (read(metric, "metric", problems), read(value, "value", problems));
            let lasts = read_lasts(lasts.first(), problems);
            Some(ActionTemplate::Override(metric?, value?, lasts?))
        }
        ("release", [metric]) => read(metric, name, problems).map(ActionTemplate::Release),
        ("lever", [lever, value, lasts @ ..]) if lasts.len() <= 1 => {
            let (lever, value) = (read(lever, "lever", problems), read(value, "value", problems));
            let lasts = read_lasts(lasts.first(), problems);
            Some(ActionTemplate::Lever(lever?, value?, lasts?))
        }
        ("release_lever", [lever]) => read(lever, name, problems).map(ActionTemplate::ReleaseLever),
        ("down", lasts) if lasts.len() <= 1 => read_lasts(lasts.first(), problems).map(ActionTemplate::Down),
        ("up", []) => Some(ActionTemplate::Up),
        ("stop", []) => Some(ActionTemplate::Stop),
        ("when", [condition, action]) => {
            let condition = FormulaTemplate::read(condition, problems);
            let action = read_action(action, problems)?;
            Some(ActionTemplate::When(condition?, Box::new(action)))
        }
        _ => {
            refuse(name, node, problems);
            None
        }
    }
}

/// Refuses an unknown action, or one with wrong arguments.
fn refuse(name: &str, node: &Node, problems: &mut Problems) {
    let message = match ACTIONS.iter().find(|(known, _)| *known == name) {
        Some((_, form)) => format!("action {name} is written as in {form}; found {}", node.kind.describe()),
        None => format!("unknown action {name:?}{}", suggestion(name, &ACTIONS.map(|(known, _)| known))),
    };
    problems.error(node.span, message);
}

fn read<T: FromValue>(node: &Node, what: &str, problems: &mut Problems) -> Option<Scalar<T>> {
    read_scalar(node, what, problems)
}

/// The time for which an action holds, if it is given.
#[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
fn read_lasts(node: Option<&Node>, problems: &mut Problems) -> Option<Option<Scalar<Span>>> {
    node.map(|node| read_scalar(node, "the duration", problems)).map_or(Some(None), |read| read.map(Some))
}
