//! The past of lines that the server has not kept: virtual time has the same values.

use serde_json::{Value, json};

use crate::api::{Daemon, Events};
use crate::databases::encoded;
use crate::processes::free_port;

/// Values that differ each time, and a counter.
const CONFIG: &str = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web-{i}", interval: 1, metrics: [
    Metric(name: "level", decimals: 9, value_range: (0, 100), update_interval: 3, scenario: random_in_range)])])"#;
/// A line that the page opens with, and one that says the same and is not kept.
const KEPT: &str = "web-1/level";
const ADDED: &str = "sum:level{name=\"web-1\"}";

fn stream(daemon: &Daemon, ids: &[&str]) -> Events {
    let asked: Vec<String> = ids.iter().map(|id| format!("series={}", encoded(id))).collect();
    Events::open(daemon.port, &format!("/api/v1/live?{}", asked.join("&")))
}

/// The next event of this name, before `most` samples.
fn event(stream: &mut Events, name: &str, most: usize) -> Option<Value> {
    let mut samples = 0;
    while samples < most {
        let (found, data) = stream.next();
        if found == name {
            return Some(data);
        }
        samples += usize::from(found == "sample");
    }
    None
}

/// The values, each once for all neighbours that are the same.
fn changes(values: impl Iterator<Item = Option<f64>>) -> Vec<u64> {
    let mut bits: Vec<u64> = values.flatten().map(f64::to_bits).collect();
    bits.dedup();
    bits
}

#[test]
fn a_line_that_is_added_has_the_past_that_a_kept_one_has_until_a_client_changes_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("web.ron");
    std::fs::write(&config, CONFIG).unwrap();
    let daemon = Daemon::start(&[
        "--config",
        config.to_str().unwrap(),
        "--output",
        &format!("scrape=127.0.0.1:{}", free_port()),
    ]);
    let mut before = stream(&daemon, &[KEPT]);
    assert_eq!(event(&mut before, "past", 10), None, "nothing is missing");
    let mut both = stream(&daemon, &[KEPT, ADDED]);
    let first = event(&mut both, "series", 1).unwrap();
    let kept = first["series"][0]["points"].as_array().unwrap();
    let past = event(&mut both, "past", 20).expect("the past is drawn");
    assert_eq!(past["series"][0]["id"], ADDED);
    let drawn = changes(past["series"][0]["values"].as_array().unwrap().iter().map(Value::as_f64));
    let last = past["times"].as_array().unwrap().last().unwrap().as_f64().unwrap();
    let kept: Vec<u64> = changes(
        kept.iter().filter(|point| point[0].as_f64().unwrap() <= last).map(|point| point[1].as_f64()),
    );
    // A reading may come late and miss a value, but has no other ones.
    let mut rest = drawn.iter();
    assert!(kept.len() > 2, "{kept:?}");
    assert!(kept.iter().all(|value| rest.any(|other| other == value)), "{kept:?} is not among {drawn:?}");

    let down = json!({ "action": "down", "hosts": "web-2", "for": "1s" });
    assert!(daemon.send("POST", "/api/v1/actions", &down).0 < 300);
    let mut changed = stream(&daemon, &["sum:level{name=\"web-3\"}"]);
    assert_eq!(event(&mut changed, "past", 3), None, "virtual time does not have what a client has done");
}
