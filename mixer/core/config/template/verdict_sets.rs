//! Verdict sets: verdicts that several configs share, `verdict_sets` of a config, and their names in `verdicts`.

use indexmap::IndexMap;

use super::VerdictTemplate;
use crate::config::fields::{Fields, read_all, read_name};
use crate::config::tree::NodeKind;
use crate::error::{Problems, suggestion};
use crate::expression::Value;

/// The verdicts of a config. The name of a set stands for its verdicts.
pub(super) fn read_verdicts(fields: &mut Fields, problems: &mut Problems) -> Vec<VerdictTemplate> {
    let mut sets = read_sets(fields, problems);
    let known: Vec<String> = sets.keys().cloned().collect();
    let mut verdicts = Vec::new();
    for node in fields.list("verdicts", problems) {
        if problems.is_over() {
            break;
        }
        let NodeKind::Scalar(Value::Text(name)) = &node.kind else {
            verdicts.extend(VerdictTemplate::read(node, problems));
            continue;
        };
        match sets.swap_remove(name) {
            Some(set) => verdicts.extend(set),
            // Twice would multiply: a short config could have millions of verdicts.
            None if known.contains(name) => {
                let message = format!("verdict set {name:?} is there already; name it once");
                problems.error(node.span, message);
            }
            None => {
                let hint = suggestion(name, &known);
                problems.error(node.span, format!("unknown verdict set {name:?}{hint}"));
            }
        }
    }
    verdicts
}

/// Lists of verdicts by name. Each is checked, even if no verdict names it.
fn read_sets(fields: &mut Fields, problems: &mut Problems) -> IndexMap<String, Vec<VerdictTemplate>> {
    let sets = fields.map("verdict_sets", problems).into_iter().filter_map(|(key, node)| {
        let name = read_name(&key, "a verdict set's name", problems)?;
        let NodeKind::List(verdicts) = node.kind else {
            problems.error(node.span, format!("verdict set {name:?} takes a list of verdicts"));
            return None;
        };
        Some((name, read_all(verdicts, problems, VerdictTemplate::read)))
    });
    sets.collect()
}
