//! The timeline of a run and its faults, as tables for people.

use serde_json::Value;

use super::words::{duration, word};
use crate::table::{paragraph, prose, spare, table, whole};

/// Where the timeline stands, and the faults.
pub(super) fn timeline(answer: &Value, width: Option<u16>) -> String {
    let list = |field: &str| answer[field].as_array().map_or(&[][..], Vec::as_slice);
    let (phases, faults) = (list("phases"), list("faults"));
    let mut parts = vec![paragraph(&standing(answer), 0, width)];
    if !phases.is_empty() {
        let next = &answer["next"];
        let row = |phase: &Value| {
            let state = if phase["is_on"] == true {
                on(phase)
            } else if phase["name"] == next["name"] {
                format!("next in {}", duration(&next["in_seconds"]))
            } else {
                "-".to_owned()
            };
            let lasts = if phase["lasts_seconds"].is_null() {
                "for ever".to_owned()
            } else {
                duration(&phase["lasts_seconds"])
            };
            [word(&phase["name"]), lasts, state, or_none(word(&phase["alerts"]))]
        };
        let columns = [whole("PHASE"), whole("LASTS"), whole("STATE"), prose("ALERTS")];
        parts.push(table(columns, phases.iter().map(row), 0, width));
    }
    if !faults.is_empty() {
        parts.push(self::faults(faults.iter(), width));
    }
    parts.join("\n")
}

/// One sentence: the turn and the phase.
fn standing(answer: &Value) -> String {
    let config = word(&answer["config"]);
    let phases = answer["phases"].as_array().map_or(&[][..], Vec::as_slice);
    if phases.is_empty() {
        let has_faults = answer["faults"].as_array().is_some_and(|faults| !faults.is_empty());
        let faults = if has_faults { "" } else { ", and no faults" };
        return format!("{config} has no timeline{faults}.");
    }
    let turn = match (answer["turn"].as_u64(), answer["turns"].as_u64()) {
        (_, Some(1)) | (None, _) => String::new(),
        (Some(turn), Some(turns)) => format!(" turn {turn} of {turns},"),
        (Some(turn), None) => format!(" turn {turn},"),
    };
    match phases.iter().find(|phase| phase["is_on"] == true) {
        Some(phase) => format!("{config}:{turn} phase {}, {}.", word(&phase["name"]), on(phase)),
        None => format!("{config}:{turn} no phase is on."),
    }
}

/// Faults with their states.
pub(super) fn faults<'a>(faults: impl Iterator<Item = &'a Value>, width: Option<u16>) -> String {
    let row = |fault: &Value| {
        let state = match (&fault["is_on"], &fault["next"]) {
            (Value::Bool(true), _) => on(fault),
            (_, Value::Null) => "off".to_owned(),
            (_, next) => format!("next at {}", word(next)),
        };
        let fields = ["id", "kind", "target"].map(|field| word(&fault[field]));
        let [id, kind, target] = fields;
        [id, kind, target, state, or_none(word(&fault["alerts"]))]
    };
    let columns = [whole("FAULT"), spare("KIND"), spare("TARGET"), whole("STATE"), prose("ALERTS")];
    table(columns, faults.map(row), 0, width)
}

fn on(of: &Value) -> String {
    let left = &of["left_seconds"];
    if left.is_null() { "on".to_owned() } else { format!("on, {} left", duration(left)) }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_timeline_says_where_it_stands_and_what_comes_next() {
        let fault = |id: &str, is_on: bool, left: Value, next: Value| json!({ "id": id, "kind": "lever", "target": "*", "alerts": ["A"], "is_on": is_on, "left_seconds": left, "next": next });
        let answer = json!({
            "config": "shop", "turn": 2, "turns": null,
            "phases": [
                { "name": "baseline", "lasts_seconds": 600.0, "is_on": true, "left_seconds": 90.5, "alerts": [] },
                { "name": "peak", "lasts_seconds": null, "is_on": false, "left_seconds": null, "alerts": ["B", "C"] },
            ],
            "next": { "name": "peak", "in_seconds": 90.5 },
            "faults": [
                fault("db-slow", true, json!(30.0), Value::Null),
                fault("gone", false, Value::Null, json!("2026-01-05T08:00:00Z")),
                fault("by hand", false, Value::Null, Value::Null),
            ],
        });
        insta::assert_snapshot!(timeline(&answer, Some(80)), @"
        shop: turn 2, phase baseline, on, 1m 30s left.

        PHASE     LASTS     STATE            ALERTS
        baseline  10m       on, 1m 30s left  -
        peak      for ever  next in 1m 30s   B, C

        FAULT    KIND   TARGET  STATE                         ALERTS
        db-slow  lever  *       on, 30s left                  A
        gone     lever  *       next at 2026-01-05T08:00:00Z  A
        by hand  lever  *       off                           A
        ");
        let bare = json!({ "config": "shop", "turn": null, "turns": null, "phases": [], "next": null, "faults": [] });
        assert_eq!(timeline(&bare, Some(80)), "shop has no timeline, and no faults.\n");
    }
}
