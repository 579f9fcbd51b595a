//! Numbers and durations of the API: none makes the daemon work, or hold memory, without bound.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Daemon, ask, code_of};
use crate::processes::{eventually, get};
use crate::simulated::plugins;

/// Memory of the daemon, at most.
const BYTES_MAX: u64 = 400 << 20;

/// All that a number can move: a lever, observations and members that follow it, a fault, and simulated processes.
const CONFIG: &str = r#"Config(levers: { "load": 1.0 }, default_job_name: "bounds",
    hosts: [
        Host(name: "h", ttl: "inf", interval: "1s", metrics: [
            Metric(name: "up", default_value: 1),
            Metric(name: "n_total", metric_type: counter, value_range: (1, 9), update_interval: "1s", scenario: random_in_range),
            Metric(name: "t", metric_type: histogram, value_range: (0, 10), update_interval: "1s", scenario: random_in_range,
                observations: "{run.load}", spread: lognormal(p99: 5)),
            Metric(name: "v", metric_type: native_histogram, value_range: (0, inf), update_interval: "1s",
                scenario: random_in_range(value_range: (0, 1)), observations: "{run.load}", spread: lognormal(p99: 5))],
            pools: [Pool(name: "p", count: "run.load", max: 100, labels: { "s": "{slot}" }, metrics: [Metric(name: "m")])])],
    faults: [Fault(id: "slow", at: "1h", lasts: "1m", set: { "load": 2 })])"#;

/// A daemon with a run of the config and the plugin of processes, and the folder that its histories go to.
fn daemon() -> (Daemon, TempDir, TempDir) {
    let (plugins, dir) = (plugins(), tempfile::tempdir().unwrap());
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("bounds.ron"), CONFIG).unwrap();
    let args = ["--config", &path("bounds.ron"), "--plugins-dir", plugins.path().to_str().unwrap()];
    let outputs = ["--output", "scrape=127.0.0.1:0", "--history-out", &path("h.om")];
    (Daemon::start(&[&args[..], &outputs].concat()), plugins, dir)
}

/// Bytes of memory that the daemon has.
fn memory(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.process.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// A config of this many hosts, each with so many metrics.
fn posted(hosts: usize, metrics: usize) -> String {
    let metrics = format!("Metric(name: \"m{{n}}\", repeat: Repeat(var: \"n\", from: 1, to: {metrics}))");
    format!(
        "Config(default_job_name: \"posted\", hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {hosts}), name: \"p{{i}}\", metrics: [{metrics}])])"
    )
}

#[test]
fn a_client_gets_no_history_of_more_samples_than_are_soon_written() {
    let (daemon, _plugins, dir) = daemon();
    for (hosts, metrics, length) in
        [(1, 1, "10y"), (1, 10, "1y"), (100, 10, "30d"), (1000, 100, "2h"), (1, 1, "580y")]
    {
        let body = json!({ "id": "h", "text": posted(hosts, metrics), "history": length });
        let (status, answer) = daemon.send("POST", "/api/v1/runs", &body);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert_eq!((status, &*code_of(&answer)), (422, "invalid_value"), "{length}: {answer}");
        assert!(message.contains("a client's has 20000000 at most"), "{message}");
    }
    let named = json!({ "id": "h", "config": "single_host_load", "history": "3000d", "start": false });
    assert_eq!(daemon.refusal("POST", "/api/v1/runs", &named), (422, "invalid_value".to_owned()));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was begun");
    let body = json!({ "id": "h", "text": posted(1, 1), "history": "1h" });
    assert_eq!(daemon.send("POST", "/api/v1/runs", &body).0, 201);
    eventually("a short one is written", || dir.path().join("h-h.om").exists().then_some(()));
}

/// Requests with a number, which is `N`.
const BY_NUMBER: [(&str, &str, &str); 20] = [
    ("PUT", "/api/v1/levers/load", "{\"value\": N}"),
    ("PUT", "/api/v1/hosts/h/metrics/up/override", "{\"value\": N}"),
    ("PUT", "/api/v1/hosts/h/metrics/n_total/override", "{\"value\": N, \"allow_reset\": true}"),
    ("PUT", "/api/v1/hosts/h/metrics/t/override", "{\"value\": N}"),
    ("PUT", "/api/v1/hosts/h/metrics/v/override", "{\"value\": N}"),
    (
        "POST",
        "/api/v1/actions",
        "{\"action\": \"override\", \"hosts\": \"*\", \"metric\": \"t\", \"value\": N}",
    ),
    ("POST", "/api/v1/events", "{\"name\": \"kill\", \"data\": {\"count\": N, \"percent\": N}}"),
    ("POST", "/api/v1/events", "{\"name\": \"fork_storm\", \"data\": {\"children\": N, \"duration\": N}}"),
    ("POST", "/api/v1/chaos/cpu-spike", "{\"intensity\": N, \"duration\": N}"),
    ("POST", "/api/v1/chaos/memory-leak", "{\"intensity\": N}"),
    ("POST", "/api/v1/chaos/memory-leak", "{\"leak_rate\": \"NMB/s\"}"),
    ("POST", "/api/v1/chaos/process-kill", "{\"count\": N}"),
    ("POST", "/api/v1/runs", "{\"config\": \"single_host_load\", \"start\": false, \"seed\": N}"),
    ("POST", "/api/v1/runs", "{\"config\": \"single_host_load\", \"start\": false, \"speed\": N}"),
    (
        "POST",
        "/api/v1/runs",
        "{\"config\": \"hosts_load_with_peaks\", \"start\": false, \"args\": {\"hosts_count\": N}}",
    ),
    ("POST", "/api/v1/simulations", "{\"parameters\": {\"process_count\": N}}"),
    ("GET", "/api/v1/hosts?limit=N", ""),
    ("GET", "/api/v1/hosts?offset=N", ""),
    ("GET", "/api/v1/metrics?limit=N", ""),
    ("GET", "/api/v1/hosts/h/metrics/t?limit=N", ""),
];
const NUMBERS: [&str; 9] =
    ["-1", "0", "7", "1e308", "-1e308", "1.7976931348623157e308", "1e999", "5e-324", "18446744073709551615"];

/// Requests with a length of time, which is `T`.
const BY_TIME: [(&str, &str, &str); 9] = [
    ("PUT", "/api/v1/levers/load", "{\"value\": 3, \"for\": T}"),
    ("PUT", "/api/v1/hosts/h/metrics/up/override", "{\"value\": 3, \"for\": T}"),
    ("PUT", "/api/v1/faults/slow", "{\"for\": T}"),
    (
        "POST",
        "/api/v1/actions",
        "{\"action\": \"override\", \"hosts\": \"*\", \"metric\": \"t\", \"value\": 1, \"for\": T}",
    ),
    ("POST", "/api/v1/chaos/cpu-spike", "{\"duration\": T}"),
    ("POST", "/api/v1/runs", "{\"config\": \"single_host_load\", \"start\": false, \"duration\": T}"),
    ("POST", "/api/v1/runs", "{\"config\": \"single_host_load\", \"start\": false, \"history\": T}"),
    ("POST", "/api/v1/simulations", "{\"duration\": T}"),
    ("POST", "/api/v1/hosts", "{\"name\": \"x\", \"template\": \"h\", \"ttl\": T}"),
];
const TIMES: [&str; 9] = [
    "\"10y\"",
    "\"inf\"",
    "\"1ns\"",
    "\"580y\"",
    "\"18446744073709551615s\"",
    "1e300",
    "1e-300",
    "-5",
    "1e999",
];

#[test]
fn no_number_of_a_request_stops_the_daemon_or_fills_its_memory() {
    let (daemon, _plugins, _dir) = daemon();
    let (_, simulation) =
        daemon.send("POST", "/api/v1/simulations", &json!({ "parameters": { "process_count": 5 } }));
    let simulation = simulation["id"].as_str().unwrap();
    daemon.send("POST", &format!("/api/v1/simulations/{simulation}/start"), &Value::Null);
    let started = format!("/api/v1/simulations/{simulation}/results");
    eventually("the simulation runs", || (daemon.get(&started).0 == 200).then_some(()));
    let (digits, long) = ("9".repeat(1_000), format!("\"{}s\"", "9".repeat(100_000)));
    let of = |(sign, all): (&str, &[(&'static str, &str, &str)]), values: Vec<&str>| {
        let requests = values.into_iter().flat_map(|value| {
            all.iter().map(move |(method, path, body)| {
                (*method, path.replace(sign, value), body.replace(sign, value))
            })
        });
        requests.collect::<Vec<_>>()
    };
    let by_number = of(("N", &BY_NUMBER), NUMBERS.into_iter().chain([digits.as_str()]).collect());
    let by_time = of(("T", &BY_TIME), TIMES.into_iter().chain([long.as_str()]).collect());
    for (method, path, body) in by_number.into_iter().chain(by_time) {
        let (status, answer) = ask(daemon.port, method, &path, "Content-Type: application/json\r\n", &body);
        let shown: String = body.chars().take(200).collect();
        assert!((200..500).contains(&status), "{method} {path} {shown}: {status} {answer}");
        if let (201, Some(created)) = (status, answer["id"].as_str()) {
            assert_eq!(daemon.send("DELETE", &format!("/api/v1/runs/{created}"), &Value::Null).0, 204);
        }
    }
    let updates = || daemon.get(&started).1["updates"].as_u64().unwrap();
    let before = updates();
    eventually("hosts go on", || (updates() > before).then_some(()));
    assert!(get(daemon.port, "/health").is_some());
    assert!(memory(&daemon) < BYTES_MAX, "{} bytes", memory(&daemon));
}
