//! Recent spans and marks of the whole run.
//!
//! Phases, faults, levers and events that cross are the same in all shards, and are shown once; hosts are taken down and
//! overridden in their own.

use serde_json::{Value, json};

use super::lists::extend;
use super::merge::{Answers, sum};

/// The most spans, and the most marks, the newest of them: as many as one shard lists.
const LISTED_MAX: usize = 200;
/// The hosts of a fault that are named.
const EXAMPLES_MAX: usize = 4;
/// Begins of one thing in several shards are nearer than this, in seconds.
const APART: f64 = 1.0;

/// The spans and marks of all shards, in order of begin.
pub(super) fn merge_spans(answers: &Answers) -> Value {
    let mut view = answers.own();
    let is_same_span = |a: &Value, b: &Value| {
        ["kind", "name", "detail", "target"].iter().all(|field| a[*field] == b[*field])
            && are_near(&a["begin_unix"], &b["begin_unix"])
    };
    let join_spans = |known: &mut Value, span: &Value| {
        known["hosts"] = sum([&known["hosts"], &span["hosts"]].into_iter());
        extend(known, span, "examples", EXAMPLES_MAX);
    };
    let spans = joined(answers, "spans", is_same_span, join_spans);
    let is_same_mark = |a: &Value, b: &Value| {
        ["name", "source"].iter().all(|field| a[*field] == b[*field])
            && are_near(&a["time_unix"], &b["time_unix"])
    };
    // An event that crosses is counted by each shard.
    let join_marks = |known: &mut Value, mark: &Value| {
        if known["count"].as_u64() < mark["count"].as_u64() {
            known["count"] = mark["count"].clone();
        }
    };
    let marks = joined(answers, "marks", is_same_mark, join_marks);
    for (list, mut items, time) in [("spans", spans, "begin_unix"), ("marks", marks, "time_unix")] {
        items.sort_by(|a, b| seconds(&a[time]).total_cmp(&seconds(&b[time])));
        let more = items.len().saturating_sub(LISTED_MAX);
        let newest: Vec<Value> = items.into_iter().skip(more).collect();
        let not_listed = format!("{list}_not_listed");
        let of_shards = answers.all().filter_map(|(_, answer)| answer[&not_listed].as_u64()).max();
        view[&not_listed] = json!(of_shards.unwrap_or_default() + more as u64);
        view[list] = newest.into();
    }
    view
}

/// The items of a list of all shards, those that are the same as one.
fn joined(
    answers: &Answers,
    list: &str,
    is_same: impl Fn(&Value, &Value) -> bool,
    join: impl Fn(&mut Value, &Value),
) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for (_, answer) in answers.all() {
        // Within a shard each item is one of its own.
        let of_others = all.len();
        for item in answer[list].as_array().into_iter().flatten() {
            match all[..of_others].iter_mut().find(|known| is_same(known, item)) {
                Some(known) => join(known, item),
                None => all.push(item.clone()),
            }
        }
    }
    all
}

fn seconds(time: &Value) -> f64 {
    time.as_f64().unwrap_or_default()
}

fn are_near(a: &Value, b: &Value) -> bool {
    (seconds(a) - seconds(b)).abs() < APART
}

#[cfg(test)]
mod tests {
    use super::super::merge::tests::answers;
    use super::*;

    #[test]
    fn a_fault_is_one_span_with_the_hosts_of_all_shards_and_downs_are_of_their_own() {
        let fault = |hosts: u64, host: &str| json!({ "kind": "fault", "name": "slow", "detail": "", "target": "*", "begin_unix": 10.0, "hosts": hosts, "examples": [host] });
        let down = |host: &str| json!({ "kind": "down", "name": "", "detail": "", "target": host, "begin_unix": 5.0, "hosts": 0, "examples": [] });
        let mark = |count: u64| json!({ "name": "peak", "source": "lb", "count": count, "time_unix": 7.0 });
        let view = |host: &str, hosts: u64, count: u64| json!({ "spans": [down(host), fault(hosts, host)], "marks": [mark(count)], "spans_not_listed": 0, "marks_not_listed": 1 });
        let merged = merge_spans(&answers([Some(view("a", 1, 2)), Some(view("b", 2, 1)), None]));
        let spans = merged["spans"].as_array().unwrap();
        assert_eq!(spans.len(), 3, "{spans:?}");
        assert_eq!((&spans[0]["target"], &spans[1]["target"]), (&json!("a"), &json!("b")));
        assert_eq!((&spans[2]["hosts"], &spans[2]["examples"]), (&json!(3), &json!(["a", "b"])));
        assert_eq!(merged["marks"], json!([mark(2)]));
        assert_eq!((&merged["spans_not_listed"], &merged["marks_not_listed"]), (&json!(0), &json!(1)));
    }
}
