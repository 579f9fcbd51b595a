//! Levers of a running promemu, moved from the shell and over HTTP.

use std::path::Path;

use serde_json::{Value, json};

use crate::api::{Daemon, Events};
use crate::processes::{eventually, free_port, promemu_command};

const CONFIG: &str = r#"Config(
    levers: { "load": 1.0, "error_ratio": 0.002 },
    faults: [Fault(id: "old", at: 0, hosts: "db-*", times: { "load": 2 })],
    hosts: [
        Host(repeat: Repeat(var: "of", in: ["web-01", "web-02", "db-1"]), name: "{of}", interval: "200ms", metrics: [
            Metric(name: "load", update_interval: "200ms", decimals: 4, scenario: script(source: "run.load"))]),
    ],
)"#;

fn start(dir: &Path) -> Daemon {
    let config = dir.join("levers.ron");
    std::fs::write(&config, CONFIG).unwrap();
    let url = format!("http://127.0.0.1:{}", free_port());
    Daemon::start(&["--config", &config.display().to_string(), "--embedded", "--pushgateway-url", &url])
}

/// Runs `promemu ctl`: its output if it succeeds, else its errors.
fn ctl(daemon: &Daemon, args: &[&str]) -> Result<String, String> {
    let url = format!("http://127.0.0.1:{}", daemon.port);
    let output = promemu_command(&[&["ctl", "--url", &url], args].concat()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn shows(daemon: &Daemon, expected: [f64; 3]) {
    let load = |host: &str| daemon.get(&format!("/api/v1/hosts/{host}/metrics/load")).1["value"].clone();
    eventually(&format!("loads of {expected:?}"), || {
        let loads: Vec<Value> = ["web-01", "web-02", "db-1"].map(load).into();
        (loads == expected.map(Value::from)).then_some(())
    });
}

#[test]
fn a_lever_is_moved_from_the_shell_for_all_hosts_or_some_and_released() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = start(dir.path());
    shows(&daemon, [1.0, 1.0, 2.0]);
    let list = ctl(&daemon, &["lever"]).unwrap();
    assert!(list.contains("load") && list.contains("old") && list.contains("0.002"), "{list}");
    let moved = ctl(&daemon, &["lever", "load", "7", "--hosts", "web-0[2-9]"]).unwrap();
    assert!(moved.contains("7 on web-0[2-9] until released"), "{moved}");
    assert!(moved.contains("1; 7 on web-02; 2 on db-1"), "the values of hosts that differ: {moved}");
    shows(&daemon, [1.0, 7.0, 2.0]);
    ctl(&daemon, &["lever", "load", "3", "--for", "10m"]).unwrap();
    shows(&daemon, [3.0, 3.0, 3.0]);
    let released = ctl(&daemon, &["lever", "load", "--release", "--hosts", "web-02"]).unwrap();
    assert!(released.contains("3; 1 on web-02"), "the wider move stays for others: {released}");
    shows(&daemon, [3.0, 1.0, 3.0]);
    let (_, levers) = daemon.get("/api/v1/levers");
    assert_eq!(
        levers["levers"][0]["by_hosts"],
        json!([{ "value": 1.0, "count": 1, "hosts": ["web-02"] }]),
        "{levers}"
    );
    ctl(&daemon, &["lever", "load", "3", "--for", "10m"]).unwrap();
    shows(&daemon, [3.0, 3.0, 3.0]);
    let (_, levers) = daemon.get("/api/v1/levers");
    let load = &levers["levers"][0];
    assert_eq!((&load["value"], load["overrides"].as_array().unwrap().len()), (&json!(3.0), 1), "{load}");
    // A host that comes now sees the lever as it is.
    daemon.send("POST", "/api/v1/hosts", &json!({ "name": "web-09", "template": "web-01" }));
    eventually("the new host's load", || {
        (daemon.get("/api/v1/hosts/web-09/metrics/load").1["value"] == 3.0).then_some(())
    });
    ctl(&daemon, &["lever", "load", "--release"]).unwrap();
    shows(&daemon, [1.0, 1.0, 2.0]);
    ctl(&daemon, &["lever", "load", "0.5", "--for", "300ms"]).unwrap();
    shows(&daemon, [1.0, 1.0, 2.0]);
    let moved = ctl(&daemon, &["lever", "load", "-2"]).unwrap();
    assert_eq!(moved.matches("-2").count(), 2, "the value that it gets, and the move: {moved}");
    shows(&daemon, [-2.0, -2.0, -2.0]);
    let one = ctl(&daemon, &["lever", "load", "--json"]).unwrap();
    assert!(one.contains("\"name\": \"load\"") && !one.contains("\"levers\""), "{one}");
}

#[test]
fn wrong_moves_of_levers_are_refused_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = start(dir.path());
    let refused = ctl(&daemon, &["lever", "laod", "3"]).unwrap_err();
    assert!(refused.contains("there is no lever \"laod\"; did you mean \"load\"?"), "{refused}");
    let unknown = ctl(&daemon, &["lever", "laod"]).unwrap_err();
    assert!(unknown.contains("there is no lever \"laod\"; did you mean \"load\"?"), "{unknown}");
    let refused = ctl(&daemon, &["lever", "load", "3", "--hosts", "mail-*"]).unwrap_err();
    assert!(refused.contains("no host matches \"mail-*\""), "{refused}");
    let refused = ctl(&daemon, &["lever", "--release"]).unwrap_err();
    assert!(refused.contains("no LEVER given; write promemu ctl lever --release LEVER"), "{refused}");
    let put = |body: Value| daemon.refusal("PUT", "/api/v1/levers/load", &body);
    assert_eq!(put(json!({ "value": 1, "hosts": "web-[1" })), (422, "invalid_value".to_owned()));
    assert_eq!(put(json!({ "value": 1, "for": "soon" })), (422, "invalid_value".to_owned()));
    assert_eq!(put(json!({ "value": "much" })).0, 422);
}

#[test]
fn actions_of_clients_are_lines_of_the_log_and_events_of_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = start(dir.path());
    shows(&daemon, [1.0, 1.0, 2.0]);
    let actions: [&[&str]; 5] = [
        &["lever", "load", "7", "--hosts", "web-*", "--for", "1h"],
        &["lever", "load", "--release"],
        &["down", "web-*", "--for", "5m"],
        &["override", "db-1", "load", "4"],
        &["stop", "db-1"],
    ];
    for action in actions {
        ctl(&daemon, action).unwrap();
    }
    ctl(&daemon, &["lever", "laod", "7"]).unwrap_err();
    let mut events = Events::open(daemon.port, "/api/v1/events/stream?last=500&name=client_action");
    let told: Vec<Value> = actions.iter().map(|_| events.next().1).collect();
    let data: Vec<&Value> = told.iter().map(|event| &event["data"]).collect();
    assert!(told.iter().all(|event| event["source"] == "api"), "{told:?}");
    assert_eq!(
        data,
        [
            &json!({ "action": "lever", "lever": "load", "hosts": "web-*", "value": 7.0, "for": "1h" }),
            &json!({ "action": "release_lever", "lever": "load", "hosts": "*" }),
            &json!({ "action": "down", "hosts": "web-*", "for": "5m", "count": 2 }),
            &json!({ "action": "override", "hosts": "db-1", "metric": "load", "value": 4.0 }),
            &json!({ "action": "stop", "hosts": "db-1" }),
        ]
    );
    let refused = daemon.refusal("POST", "/api/v1/events", &json!({ "name": "client_action" }));
    assert_eq!(refused.0, 422, "nobody else emits it: {refused:?}");
    let log = daemon.process.log();
    assert_eq!(log.matches("client action").count(), actions.len(), "{log}");
    assert!(log.contains(r#"client action action="down" hosts="web-*" for="5m" count=2 by="api""#), "{log}");
    assert_eq!(daemon.process.terminate(), Some(0));
}
