//! Lists of all shards as one: overrides, families, events that hosts listen to, and levers.

use serde_json::{Value, json};

use super::merge::{Answers, by_name, sum};

/// The names of hosts that an event or a group of hosts has at most.
const EXAMPLES_MAX: usize = 10;

/// Overrides, those of a shard together.
pub(super) fn merge_overrides(answers: &Answers) -> Value {
    json!({ "overrides": answers.items("overrides").map(|(_, set)| set).collect::<Vec<_>>() })
}

/// Families, which are the same in all shards, with the hosts of all.
pub(super) fn merge_families(answers: &Answers) -> Value {
    let mut page = answers.own();
    page["metrics"] = by_name(answers.items("metrics").map(|(_, family)| family), |known, family| {
        add_up(known, family, "hosts");
    });
    page
}

/// Events that hosts listen to, with the hosts of all.
pub(super) fn merge_events(answers: &Answers) -> Value {
    let mut list = answers.own();
    list["events"] = by_name(answers.items("events").map(|(_, event)| event), |known, event| {
        add_up(known, event, "hearers");
        extend(known, event, "examples", EXAMPLES_MAX);
        extend(known, event, "effects", usize::MAX);
    });
    list
}

/// Levers, with the hosts of all on which they have other values.
pub(super) fn merge_levers(answers: &Answers) -> Value {
    let mut list = answers.own();
    list["levers"] = by_name(answers.items("levers").map(|(_, lever)| lever), |known, lever| {
        let Some(groups) = known["by_hosts"].as_array_mut() else { return };
        for group in lever["by_hosts"].as_array().into_iter().flatten() {
            match groups.iter_mut().find(|known| known["value"] == group["value"]) {
                Some(known) => {
                    add_up(known, group, "count");
                    extend(known, group, "hosts", EXAMPLES_MAX);
                }
                None => groups.push(group.clone()),
            }
        }
    });
    list
}

fn add_up(known: &mut Value, more: &Value, field: &str) {
    known[field] = sum([&known[field], &more[field]].into_iter());
}

/// Adds the items of a list that another lacks, up to so many.
pub(super) fn extend(known: &mut Value, more: &Value, field: &str, most: usize) {
    let Some(list) = known[field].as_array_mut() else { return };
    for item in more[field].as_array().into_iter().flatten() {
        if list.len() < most && !list.contains(item) {
            list.push(item.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::merge::tests::answers;
    use super::*;

    #[test]
    fn items_of_one_name_are_one_with_the_hosts_of_all_shards() {
        let families = |hosts: u64| json!({ "total": 1, "metrics": [{ "name": "m", "hosts": hosts }] });
        let merged = merge_families(&answers([Some(families(2)), Some(families(3)), None]));
        assert_eq!(merged, json!({ "total": 1, "metrics": [{ "name": "m", "hosts": 5 }] }));
        let events = |host: &str| json!({ "events": [{ "name": "peak", "hearers": 1, "examples": [host], "effects": ["+ 1"] }] });
        let merged = merge_events(&answers([Some(events("a")), Some(events("b")), Some(events("c"))]));
        let event = json!({ "name": "peak", "hearers": 3, "examples": ["a", "b", "c"], "effects": ["+ 1"] });
        assert_eq!(merged["events"], json!([event]));
        let levers = |value: f64, host: &str| {
            let group = json!({ "value": value, "count": 1, "hosts": [host] });
            json!({ "levers": [{ "name": "load", "value": 1.0, "by_hosts": [group] }] })
        };
        let three = [Some(levers(2.0, "a")), Some(levers(2.0, "b")), Some(levers(3.0, "c"))];
        let merged = merge_levers(&answers(three));
        assert_eq!(
            merged["levers"][0]["by_hosts"][0],
            json!({ "value": 2.0, "count": 2, "hosts": ["a", "b"] })
        );
        assert_eq!(merged["levers"][0]["by_hosts"][1]["hosts"], json!(["c"]));
    }
}
