//! The cells of all shards' hosts as one map, in the order of the list of hosts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::merge::Answers;

/// The cell of the lowest level, and the number of steps above it.
const FIRST_LEVEL: u8 = 3;
const STEPS: f64 = 12.0;

/// The cells of all shards, with the levels of the whole run.
pub(super) fn merge_cells(answers: &Answers) -> Value {
    let mut map = answers.own();
    let numbers = |field: &'static str| answers.all().filter_map(move |(_, answer)| answer[field].as_f64());
    let (low, high) = (numbers("low").reduce(f64::min), numbers("high").reduce(f64::max));
    let mut cells: Vec<u8> = Vec::new();
    for (_, answer) in answers.all() {
        let own = answer["low"].as_f64().zip(answer["high"].as_f64());
        let of_shard = cells_of(answer).into_iter();
        match (own, low, high) {
            (Some(own), Some(low), Some(high)) => {
                cells.extend(of_shard.map(|cell| rescaled(cell, own, (low, high))));
            }
            _ => cells.extend(of_shard),
        }
    }
    map["total"] = json!(cells.len());
    (map["low"], map["high"]) = (json!(low), json!(high));
    let pairs: Vec<u8> = cells.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect();
    map["cells"] = STANDARD.encode(pairs).into();
    map
}

/// The cells of a map, one in a byte.
fn cells_of(map: &Value) -> Vec<u8> {
    let bytes = STANDARD.decode(map["cells"].as_str().unwrap_or_default()).unwrap_or_default();
    let total = map["total"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or_default();
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(total).collect()
}

/// A level between a shard's own bounds as one between those of the run.
fn rescaled(cell: u8, (own_low, own_high): (f64, f64), (low, high): (f64, f64)) -> u8 {
    if cell < FIRST_LEVEL || high <= low {
        return cell;
    }
    let value = own_low + f64::from(cell - FIRST_LEVEL) / STEPS * (own_high - own_low);
    let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 12")]
    let step = (share * STEPS).round() as u8;
    FIRST_LEVEL + step
}

#[cfg(test)]
mod tests {
    use super::super::merge::tests::answers;
    use super::*;

    #[test]
    fn cells_follow_each_other_with_the_levels_of_the_whole_run() {
        let map = |low: f64, high: f64, total: u64, bytes: &[u8]| json!({ "total": total, "metric": "m", "low": low, "high": high, "cells": STANDARD.encode(bytes) });
        // Lowest and highest of each, and one that is down.
        let three = [Some(map(0.0, 6.0, 3, &[0x3f, 0x10])), Some(map(6.0, 12.0, 2, &[0x3f])), None];
        let merged = merge_cells(&answers(three));
        assert_eq!(
            (&merged["total"], &merged["low"], &merged["high"]),
            (&json!(5), &json!(0.0), &json!(12.0))
        );
        assert_eq!(cells_of(&merged), [3, 9, 1, 9, 15]);
        let states = |total: u64, bytes: &[u8]| json!({ "total": total, "metric": null, "low": null, "high": null, "cells": STANDARD.encode(bytes) });
        let merged = merge_cells(&answers([Some(states(1, &[0x30])), Some(states(1, &[0x20])), None]));
        assert_eq!(cells_of(&merged), [3, 2]);
    }
}
