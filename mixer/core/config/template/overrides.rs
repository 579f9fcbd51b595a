//! Overrides: different fields for single hosts of a template.

use indexmap::{IndexMap, IndexSet};

use crate::config::fields::read_map;
use crate::config::tree::{Field, Node, NodeKind};
use crate::error::Problems;

/// Maps that an override merges; it replaces all other fields.
const ADDED_TO: [&str; 3] = ["labels", "listen_events", "storage"];

/// Fields that an override cannot have, since it is matched by the name that the template makes.
const REFUSED: [&str; 3] = ["name", "repeat", "overrides"];

/// Maximum number of values that the overrides of one template repeat. Each override has all fields of its host that it
/// does not change.
const REPEATED_MAX: usize = 1_000_000;

/// Takes the overrides out of a host. Each is a host name, the merged host, and additional metrics.
pub(super) fn take(host: &mut Node, problems: &mut Problems) -> Vec<(String, Node, Vec<Node>)> {
    let NodeKind::Struct(_, fields) = &mut host.kind else { return Vec::new() };
    let Some(at) = fields.iter().position(|field| field.name == "overrides") else { return Vec::new() };
    let overrides = fields.remove(at).value;
    let (span, size) = (overrides.span, host.size());
    let entries = read_map(overrides, "overrides", problems);
    if entries.len().saturating_mul(size) > REPEATED_MAX {
        let count = entries.len();
        let message = format!(
            "{count} overrides repeat {size} values each, more than {REPEATED_MAX} together; move the host's metrics to metric_sets, \
             or write several hosts"
        );
        problems.error(span, message);
        return Vec::new();
    }
    let entries = entries.into_iter().filter_map(|(key, node)| {
        let NodeKind::Struct(_, changes) = node.kind else {
            problems.error(node.span, format!("expected Host(field: …), found {}", node.kind.describe()));
            return None;
        };
        let (merged, metrics) = merge(host, changes, problems);
        Some((key.kind.name(), merged, metrics))
    });
    entries.collect()
}

fn merge(host: &Node, changes: Vec<Field>, problems: &mut Problems) -> (Node, Vec<Node>) {
    let mut merged = host.clone();
    let mut metrics = Vec::new();
    let NodeKind::Struct(_, fields) = &mut merged.kind else { return (merged, metrics) };
    let mut places: IndexMap<String, usize> = IndexMap::new();
    for (place, field) in fields.iter().enumerate() {
        places.entry(field.name.clone()).or_insert(place);
    }
    for change in changes {
        let name = change.name.as_str();
        if REFUSED.contains(&name) {
            problems.error(change.name_span, format!("an override cannot change {name:?}; leave it out"));
            continue;
        }
        let present = places.get(name).and_then(|place| fields.get_mut(*place));
        match (present, change.value.kind) {
            (_, NodeKind::List(items)) if name == "metrics" => metrics.extend(items),
            (Some(Field { value: Node { kind: NodeKind::Map(entries), .. }, .. }), NodeKind::Map(added))
                if ADDED_TO.contains(&name) =>
            {
                merge_entries(entries, added);
            }
            (Some(present), kind) => present.value = Node { kind, ..change.value },
            (None, kind) => {
                let value = Node { kind, ..change.value };
                places.insert(change.name.clone(), fields.len());
                fields.push(Field { name: change.name, name_span: change.name_span, value });
            }
        }
    }
    (merged, metrics)
}

/// Adds entries to a map, behind the others. Of several with one key the last stays.
fn merge_entries(entries: &mut Vec<(Node, Node)>, added: Vec<(Node, Node)>) {
    let mut seen = IndexSet::new();
    let mut last: Vec<_> = added.into_iter().rev().filter(|(key, _)| seen.insert(key.kind.name())).collect();
    last.reverse();
    entries.retain(|(key, _)| !seen.contains(&key.kind.name()));
    entries.append(&mut last);
}
