//! The shards of a run, in answers about the whole of it.

use serde_json::Value;

use super::words::word;
use crate::table::{spare, table, whole};

fn all(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["shards"].as_array().into_iter().flatten()
}

/// A table of the shards; empty for a run that has none.
pub(super) fn shards(answer: &Value, width: Option<u16>) -> String {
    if all(answer).next().is_none() {
        return String::new();
    }
    let row = |shard: &Value| ["shard", "state", "page"].map(|field| word(&shard[field]));
    let columns = [whole("SHARD"), whole("STATE"), spare("PAGE")];
    format!("\n{}{}", table(columns, all(answer).map(row), 0, width), missing(answer))
}

/// A sentence about the shards that are missing; empty if none is.
pub(super) fn missing(answer: &Value) -> String {
    let missing: Vec<String> =
        all(answer).filter(|shard| shard["state"] == "missing").map(|shard| word(&shard["shard"])).collect();
    without_answer(&missing)
}

/// A sentence about the shards whose hosts an action did not reach.
pub(super) fn unreached(answer: &Value) -> String {
    let numbers = |field: &str| {
        let shards = answer[field].as_array().into_iter().flatten();
        shards.map(word).collect::<Vec<_>>()
    };
    let refused = numbers("shards_refused");
    let refused = if refused.is_empty() {
        String::new()
    } else {
        format!("refused for the hosts of {}\n", named(&refused))
    };
    refused + without_answer(&numbers("shards_missing")).as_str()
}

fn without_answer(shards: &[String]) -> String {
    if shards.is_empty() {
        String::new()
    } else {
        format!("no answer from {}, whose hosts are left out\n", named(shards))
    }
}

fn named(shards: &[String]) -> String {
    let noun = if shards.len() == 1 { "shard" } else { "shards" };
    format!("{noun} {}", shards.join(", "))
}

/// An output's kind, with its shard in a run of several.
pub(super) fn kind_of(output: &Value) -> String {
    let kind = word(&output["kind"]);
    if output["shard"].is_u64() { format!("{kind} of shard {}", word(&output["shard"])) } else { kind }
}
