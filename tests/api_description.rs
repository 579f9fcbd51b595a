//! The description of the API against a daemon: its examples work, and answers are as it says.

use serde_json::{Map, Value, json};

use crate::api::{Daemon, operations};
use crate::data;
use crate::processes::{eventually, get, promemu_command};
use crate::simulated::plugins;

/// A run that has what the examples name.
const CONFIG: &str = r#"Config(levers: { "error_ratio": 0.01 }, default_job_name: "shop",
    timeline: Timeline(
        phases: [Phase(name: "baseline", lasts: "10m"), Phase(name: "peak", lasts: "1h", set: { "error_ratio": 0.02 })],
        faults: [Fault(id: "db-slow", during: "peak", at: "20m", lasts: "10m", set: { "error_ratio": 0.3 }, truth: Truth(root: "db-1", alerts: ["HighErrorRatio"]))]),
    hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "worker-0{i}", labels: { "zone": "north" }, ttl: "1h", metrics: [
        Metric(name: "cpu_usage_percent", description: "share of the processors in use", value_range: (0, 100),
            default_value: 20, update_interval: "100ms", listen_events: ["load_peak_start"], scenario: random_walk)])])"#;
/// Items of a list that an example shows.
const ITEMS_SHOWN_MAX: usize = 2;

/// All operations but streams and texts, in an order in which each finds what it needs: the operation, and in place of the
/// id of its path.
const CALLS: [(&str, &str); 57] = [
    ("health", ""),
    ("ready", ""),
    ("health_of_api", ""),
    ("info", ""),
    ("info_of_api", ""),
    ("version", ""),
    ("own_metrics", ""),
    ("status", ""),
    ("hosts", ""),
    ("fleet", ""),
    ("host", ""),
    ("metrics", ""),
    ("charts", ""),
    ("series", ""),
    ("metric", ""),
    ("set_override", ""),
    ("overrides", ""),
    ("end_override", ""),
    ("act", ""),
    ("levers", ""),
    ("move_lever", ""),
    ("release_lever", ""),
    ("timeline", ""),
    ("spans", ""),
    ("skip_phase", ""),
    ("begin_fault", ""),
    ("end_fault", ""),
    ("listened", ""),
    ("post_event", ""),
    ("configs", ""),
    ("config", ""),
    ("check", ""),
    ("preview", ""),
    ("recordings", ""),
    ("recording_samples", ""),
    ("add_host", ""),
    ("stop_host", ""),
    ("start_host", ""),
    ("remove_host", ""),
    ("create_run", ""),
    ("runs", ""),
    ("run", ""),
    ("run_config", ""),
    ("run_metrics", ""),
    ("stop_run", ""),
    ("delete_run", ""),
    ("start_run", "third"),
    ("create_simulation", ""),
    ("simulations", ""),
    ("simulation", "SIMULATION"),
    ("start_simulation", "SIMULATION"),
    ("results", "SIMULATION"),
    ("cpu_spike", ""),
    ("memory_leak", ""),
    ("process_kill", ""),
    ("stop_simulation", "SIMULATION"),
    ("run", "SIMULATION"),
];

/// The path with the examples of its parameters.
fn with_examples(path: &str, operation: &Value, id: &str) -> String {
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    let required = parameters.iter().filter(|parameter| parameter["required"] == true);
    required.fold(path.to_owned(), |path, parameter| {
        let name = parameter["name"].as_str().unwrap();
        let example = parameter["example"].as_str().unwrap();
        let value = if name == "id" && !id.is_empty() { id } else { example };
        match path.find(&format!("{{{name}}}")) {
            Some(_) => path.replace(&format!("{{{name}}}"), value),
            None => format!("{path}?{name}={value}"),
        }
    })
}

/// The examples of a body; null for an operation without one.
fn bodies(operation: &Value) -> Vec<Value> {
    let content = &operation["requestBody"]["content"]["application/json"];
    let many = content["examples"].as_object().into_iter().flatten();
    let many: Vec<Value> = many.map(|(_, example)| example["value"].clone()).collect();
    if many.is_empty() { vec![content["example"].clone()] } else { many }
}

/// The beginning of each list.
fn shortened(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().take(ITEMS_SHOWN_MAX).map(shortened).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, shortened(value))).collect(),
        other => other,
    }
}

#[test]
fn every_example_of_a_request_works_and_is_answered_as_the_description_says() {
    let (dir, plugins) = (tempfile::tempdir().unwrap(), plugins());
    let config = dir.path().join("shop.ron");
    std::fs::write(&config, CONFIG).unwrap();
    let (recordings, _shop) = data::shop();
    let args = [
        "--config",
        config.to_str().unwrap(),
        "--plugins-dir",
        plugins.path().to_str().unwrap(),
        "--recordings-dir",
        recordings.path().to_str().unwrap(),
    ];
    let daemon = Daemon::with_command(|listen| {
        promemu_command(
            &[&args[..], &["--output", "scrape=127.0.0.1:0", "--listen", listen, "--seed", "7"]].concat(),
        )
    });
    eventually("the hosts have begun", || {
        (daemon.get("/api/v1/hosts?state=running").1["matched"] == 4).then_some(())
    });
    let operations = operations(&daemon.get("/openapi.json").1);
    let waiting =
        json!({ "id": "third", "config": "single_host_load", "args": { "job": "third" }, "start": false });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &waiting).0, 201);
    let mut examples = Map::new();
    let mut simulation = String::new();
    for (id, place) in CALLS {
        let (method, path, operation) = operations.iter().find(|(.., of)| of["operationId"] == id).unwrap();
        let place = if place == "SIMULATION" { simulation.as_str() } else { place };
        let path = with_examples(path, operation, place);
        for body in bodies(operation) {
            let (status, answer) = eventually(&format!("{method} {path} {body}"), || {
                let answer = daemon.send(method, &path, &body);
                // An action that was begun before may still be on its way.
                (answer.0 < 300).then_some(answer)
            });
            assert!(operation["responses"][status.to_string()].is_object(), "{method} {path}: {status}");
            if id == "create_simulation" {
                answer["id"].as_str().unwrap().clone_into(&mut simulation);
            }
            if answer.is_object() && !examples.contains_key(id) {
                examples.insert(id.to_owned(), shortened(answer));
            }
        }
    }
    let untried = operations.iter().map(|(.., of)| of["operationId"].as_str().unwrap());
    let untried: Vec<&str> = untried.filter(|id| !CALLS.iter().any(|(tried, _)| tried == id)).collect();
    assert_eq!(untried, ["events", "live"], "streams have no end");
    if std::env::var_os("PROMEMU_UPDATE_EXAMPLES").is_some() {
        let dir = dir.path().display().to_string();
        let text = serde_json::to_string_pretty(&examples).unwrap().replace(&dir, "configs");
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mixer/api/examples.json");
        std::fs::write(file, text + "\n").unwrap();
    }
}

#[test]
fn the_page_of_the_description_is_served() {
    let daemon = Daemon::start(&["--config", "single_host_load", "--output", "scrape=127.0.0.1:0"]);
    let page = get(daemon.port, "/docs").unwrap();
    assert!(page.contains("id=\"search\"") && page.contains("curl"), "{page}");
}
