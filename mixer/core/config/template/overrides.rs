//! Overrides: different fields for single hosts of a template.

use crate::config::fields::read_map;
use crate::config::tree::{Field, Node, NodeKind};
use crate::error::Problems;

/// Maps that an override merges; it replaces all other fields.
const ADDED_TO: [&str; 3] = ["labels", "listen_events", "storage"];

/// Fields that an override cannot have, since it is matched by the name that the template makes.
const REFUSED: [&str; 3] = ["name", "repeat", "overrides"];

/// Takes the overrides out of a host. Each is a host name, the merged host, and additional metrics.
pub(super) fn take(host: &mut Node, problems: &mut Problems) -> Vec<(String, Node, Vec<Node>)> {
    let NodeKind::Struct(_, fields) = &mut host.kind else { return Vec::new() };
    let Some(at) = fields.iter().position(|field| field.name == "overrides") else { return Vec::new() };
    let overrides = fields.remove(at).value;
    let entries = read_map(overrides, "overrides", problems).into_iter().filter_map(|(key, node)| {
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
    for change in changes {
        let name = change.name.as_str();
        if REFUSED.contains(&name) {
            problems.error(change.name_span, format!("an override cannot change {name:?}; leave it out"));
            continue;
        }
        let present = fields.iter_mut().find(|field| field.name == change.name);
        match (present, change.value.kind) {
            (_, NodeKind::List(items)) if name == "metrics" => metrics.extend(items),
            (Some(Field { value: Node { kind: NodeKind::Map(entries), .. }, .. }), NodeKind::Map(added))
                if ADDED_TO.contains(&name) =>
            {
                for (key, value) in added {
                    entries.retain(|(known, _)| known.kind.name() != key.kind.name());
                    entries.push((key, value));
                }
            }
            (Some(present), kind) => present.value = Node { kind, ..change.value },
            (None, kind) => {
                let value = Node { kind, ..change.value };
                fields.push(Field { name: change.name, name_span: change.name_span, value });
            }
        }
    }
    (merged, metrics)
}
