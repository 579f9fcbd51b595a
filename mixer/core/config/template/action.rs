//! Actions: reactions of a host to an event.

use super::formula::FormulaTemplate;
use crate::config::fields::read_scalar;
use crate::config::tree::{Node, NodeKind};
use crate::config::value::Scalar;
use crate::error::{Problems, suggestion};

#[derive(Debug)]
pub(in crate::config) enum ActionTemplate {
    Emit(Scalar<String>),
    StartMetric(Scalar<String>),
    StopMetric(Scalar<String>),
    When(FormulaTemplate, Box<ActionTemplate>),
}

const ACTIONS: [&str; 4] = ["emit", "start_metric", "stop_metric", "when"];

pub(super) fn read_action(node: &Node, problems: &mut Problems) -> Option<ActionTemplate> {
    if let NodeKind::Tuple(Some(name), items) = &node.kind
        && let ("when", [condition, action]) = (name.as_str(), items.as_slice())
    {
        let condition = FormulaTemplate::read(condition, problems);
        let action = read_action(action, problems)?;
        return Some(ActionTemplate::When(condition?, Box::new(action)));
    }
    if let NodeKind::Tuple(Some(name), items) = &node.kind
        && let [item] = items.as_slice()
    {
        let target = read_scalar(item, name, problems);
        match name.as_str() {
            "emit" => return target.map(ActionTemplate::Emit),
            "start_metric" => return target.map(ActionTemplate::StartMetric),
            "stop_metric" => return target.map(ActionTemplate::StopMetric),
            "when" => {}
            other => {
                problems.error(node.span, format!("unknown action {other:?}{}", suggestion(other, &ACTIONS)));
                return None;
            }
        }
    }
    let found = node.kind.describe();
    problems.error(
        node.span,
        format!(
            "expected an action, as in emit(\"event\") or when(\"t > 60\", emit(\"event\")); found {found}"
        ),
    );
    None
}
