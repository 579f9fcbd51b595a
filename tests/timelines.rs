//! Timelines on the command line: the timetable, the ground truth beside an export, and the twin without faults.

#![expect(clippy::float_cmp, reason = "the metrics are whole numbers")]

use std::path::Path;

use serde_json::Value;

use crate::api::Daemon;
use crate::processes::{eventually, promemu_command};

const RANGE: [&str; 6] = ["--seed", "7", "--from", "2026-01-05T08:00:00Z", "--for", "16m"];
/// The start of the range, in Unix seconds.
const START: f64 = 1_767_600_000.0;

fn output(args: &[&str]) -> String {
    let output = promemu_command(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The samples of a series in OpenMetrics, with their seconds since the start.
fn samples(text: &str, name: &str, label: &str) -> Vec<(f64, f64)> {
    let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
    lines
        .map(|line| {
            let mut words = line.rsplit(' ').map(|word| word.parse::<f64>().unwrap());
            let time = words.next().unwrap();
            (time - START, words.next().unwrap())
        })
        .collect()
}

/// An export with its ground truth, as text and records.
fn export(config: &str, folder: &Path) -> (String, Vec<Value>) {
    let truth = folder.join("truth.jsonl");
    let args = ["export", config, "--step", "5s", "--truth", truth.to_str().unwrap()];
    let text = output(&[&args[..], &RANGE].concat());
    let records = std::fs::read_to_string(truth).unwrap();
    (text, records.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn the_ground_truth_beside_an_export_agrees_with_its_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let (text, records) = export("load_phases", folder.path());
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["baseline", "peak", "db-slow", "web-down", "recovery"]);
    assert_eq!(records[2]["alerts"], serde_json::json!(["ManyErrors", "SlowRequests"]));
    let mut compared = 0;
    for (number, record) in records.iter().enumerate() {
        let time = |field: &str| record[field].as_f64().unwrap() - START;
        let (begin, end) = (time("begin_unix"), time("end_unix"));
        let id = record["id"].as_str().unwrap();
        let (series, on) = if record["type"] == "fault" {
            (samples(&text, "fault_active", &format!("fault=\"{id}\"")), 1.0)
        } else {
            // The phases are before and after the two faults.
            let number = if number < 2 { number + 1 } else { number - 1 };
            (samples(&text, "scenario_phase", "scenario="), f64::from(u32::try_from(number).unwrap()))
        };
        // An edge is heard 50 ms later, and the host has no values before its start.
        for (at, value) in series.into_iter().filter(|(at, _)| *at > 2.0) {
            if (at - begin).abs() > 0.06 && (at - end).abs() > 0.06 {
                assert_eq!(value == on, (begin..end).contains(&at), "{id} at {at} s is {value}");
                compared += 1;
            }
        }
    }
    assert!(compared > 5 * 150, "{compared} samples");
}

#[test]
fn the_twin_without_faults_has_phases_alone() {
    let with = output(&["truth", "load_phases"]);
    let without = output(&["truth", "load_phases", "--no-faults"]);
    assert!(with.contains("db-slow") && !without.contains("db-slow"), "{without}");
    let phases = |text: &str| text.lines().filter(|line| line.contains("phase ")).count();
    assert_eq!((phases(&with), phases(&without)), (3, 3));
    let text = output(&[&["export", "load_phases", "--no-faults", "--step", "15s"][..], &RANGE].concat());
    assert!(text.contains("scenario_phase{") && !text.contains("fault_active{"));
    let times = samples(&text, "http_requests_total", "name=\"web-01\"").into_iter().map(|(at, _)| at);
    let times: Vec<f64> = times.filter(|at| (501.0..549.0).contains(at)).collect();
    assert!(!times.is_empty(), "web-01 is up while it would be down");
}

#[test]
fn the_timetable_has_a_line_for_each_time_and_takes_arguments() {
    insta::assert_snapshot!(output(&["truth", "load_phases", "phase=2m", "repeat=2", "--for", "8m"]), @r"
    BEGIN   END     TYPE   ID        KIND       TARGET  ROOT    ALERTS
    0s      2m      phase  baseline
    2m      4m      phase  peak
    2m 30s  3m      fault  db-slow   lever      *       db-1    ManyErrors, SlowRequests
    3m 20s  3m 40s  fault  web-down  host_down  web-01  web-01  InstanceDown
    4m      6m      phase  recovery
    6m      8m      phase  baseline
    ");
}

#[test]
fn faults_on_events_are_in_the_truth_of_an_export_when_they_have_happened() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("shop.ron");
    let text = r#"Config(levers: { "errors": 0 },
        timeline: Timeline(phases: [Phase(name: "calm", lasts: "16m", events: [("5m", "deploy")])]),
        faults: [Fault(id: "bad", on: "deploy", lasts: "2m", set: { "errors": 1 }, truth: Truth(alerts: "Errors"))],
        hosts: [Host(name: "web", metrics: [Metric(name: "errors", update_interval: 1, scenario: script(source: "run.errors"))])])"#;
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let timetable = output(&["truth", config]);
    assert!(timetable.ends_with("Fault bad begins on the event deploy.\n"), "{timetable}");
    let (text, records) = export(config, folder.path());
    let time = |field: &str| records[1][field].as_f64().unwrap() - START;
    let millis = ["begin_unix", "end_unix"].map(|field| (time(field) * 1000.0).round());
    assert_eq!((&records[1]["id"], millis), (&"bad".into(), [300_050.0, 420_050.0]));
    for at in [290.0, 310.0, 410.0, 430.0] {
        let value = samples(&text, "errors", "web").into_iter().find(|(time, _)| *time == at);
        assert_eq!(value.unwrap().1 == 1.0, (300.0..420.0).contains(&at), "at {at} s");
    }
}

#[test]
fn a_live_run_writes_what_is_over_and_at_its_end_what_is_on() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.jsonl");
    let run = ["run", "load_phases", "phase=1m", "--output", "scrape=127.0.0.1:0", "--listen", "off"];
    let times = ["--duration", "80s", "--speed", "60x", "--truth", truth.to_str().unwrap()];
    output(&[&run[..], &times].concat());
    let records = std::fs::read_to_string(truth).unwrap();
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["baseline", "peak", "db-slow"]);
    let lasted =
        |n: usize| records[n]["end_unix"].as_f64().unwrap() - records[n]["begin_unix"].as_f64().unwrap();
    assert!((lasted(0) - 60.0).abs() < 0.01, "the whole baseline: {}", lasted(0));
    assert!((20.0..60.0).contains(&lasted(1)), "the peak until the run's end: {}", lasted(1));
    assert_eq!(records[1]["end"], records[2]["end"]);
    let begin = |n: usize| records[n]["begin_unix"].as_f64().unwrap();
    assert!((begin(1) - begin(0) - 60.0).abs() < 0.01 && (begin(2) - begin(0) - 75.0).abs() < 0.01);
}

/// The lines of a file of JSON lines.
fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_client_skips_to_a_phase_and_begins_and_ends_faults_and_the_truth_follows() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.jsonl");
    let output = ["--output", "scrape=127.0.0.1:0", "--truth", truth.to_str().unwrap()];
    let mut daemon = Daemon::start(&[&["run", "load_phases", "phase=1h"][..], &output].concat());
    let ctl = |daemon: &Daemon, args: &[&str]| {
        let port = daemon.port;
        let mut command =
            promemu_command(&[&["ctl", "--url", &format!("http://127.0.0.1:{port}")], args].concat());
        let output = command.output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (out, err, output.status.code())
    };
    let stands = ctl(&daemon, &["timeline"]).0;
    assert!(
        stands.starts_with("load_phases: phase baseline, on, ") && stands.contains("next in "),
        "{stands}"
    );
    assert!(stands.contains("db-slow") && stands.contains("next at "), "{stands}");
    let skipped = ctl(&daemon, &["timeline", "skip", "peak"]).0;
    assert!(skipped.starts_with("load_phases: phase peak, on, "), "{skipped}");
    let begun = ctl(&daemon, &["fault", "begin", "db-slow", "--for", "5m"]).0;
    assert!(begun.contains("db-slow") && begun.contains("on, ") && begun.contains(" left"), "{begun}");
    let (_, again, code) = ctl(&daemon, &["fault", "begin", "db-slow"]);
    assert!(again.contains("fault \"db-slow\" is on already; end it first") && code == Some(1), "{again}");
    let levers = || daemon.get("/api/v1/levers").1;
    eventually("the fault moves its lever", || levers().to_string().contains("db-slow").then_some(()));
    let ended = ctl(&daemon, &["fault", "end", "db-slow"]).0;
    assert!(!ended.contains("left"), "{ended}");
    for (args, said) in [
        (&["fault", "end", "db-slow"][..], "fault \"db-slow\" is not on"),
        (&["fault", "begin", "db-slwo"], "there is no fault \"db-slwo\"; did you mean \"db-slow\"?"),
        (&["timeline", "skip", "paek"], "there is no phase \"paek\"; did you mean \"peak\"?"),
    ] {
        let error = ctl(&daemon, args).1;
        assert!(error.contains(said), "{error}");
    }
    eventually("the end is written", || (records(&truth).len() == 2).then_some(()));
    let events = daemon.get("/api/v1/timeline").1;
    assert_eq!(events["phases"][1]["is_on"], true, "{events}");
    assert_eq!(daemon.process.terminate(), Some(0));
    let records = records(&truth);
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["baseline", "db-slow", "peak"]);
    let time = |n: usize, field: &str| records[n][field].as_f64().unwrap();
    assert_eq!(time(0, "end_unix"), time(2, "begin_unix"), "the phase begins as the other one is left");
    assert!(time(0, "end_unix") - time(0, "begin_unix") < 60.0, "not after an hour");
    assert!(time(1, "begin_unix") > time(2, "begin_unix") && time(1, "end_unix") <= time(2, "end_unix"));
    let log = daemon.process.log();
    for said in
        ["action=\"skip\"", "phase=\"peak\"", "action=\"begin_fault\"", "fault=\"db-slow\"", "for=\"5m\""]
    {
        assert!(log.contains(said), "{said} in {log}");
    }
}

#[test]
fn a_client_begins_a_fault_by_its_event() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("shop.ron");
    let text = r#"Config(levers: { "load": 1 }, faults: [Fault(id: "busy", on: "rush", lasts: "1h", set: { "load": 2 })],
        hosts: [Host(name: "web", metrics: [Metric(name: "m", scenario: script(source: "run.load"))])])"#;
    std::fs::write(&config, text).unwrap();
    let mut daemon = Daemon::start(&["run", config.to_str().unwrap(), "--output", "scrape=127.0.0.1:0"]);
    let listened = daemon.get("/api/v1/events").1;
    assert_eq!(listened["events"][0]["effects"], serde_json::json!(["begin fault busy"]), "{listened}");
    let posted = daemon.send("POST", "/api/v1/events", &serde_json::json!({ "name": "rush" })).1;
    assert_eq!(posted["hearers"], 1, "{posted}");
    let is_on = || (daemon.get("/api/v1/timeline").1["faults"][0]["is_on"] == true).then_some(());
    eventually("the fault is on", is_on);
    assert_eq!(daemon.process.terminate(), Some(0));
}

#[test]
fn a_reload_keeps_the_time_of_the_timeline_and_ends_the_faults_that_it_takes_away() {
    let folder = tempfile::tempdir().unwrap();
    let (config, truth) = (folder.path().join("shop.ron"), folder.path().join("truth.jsonl"));
    let text = |faults: &str| {
        format!(
            r#"Config(levers: {{ "load": 1 }}, timeline: Timeline(phases: [Phase(name: "calm", lasts: "1h")]), faults: [{faults}],
                hosts: [Host(name: "web", metrics: [Metric(name: "m", scenario: script(source: "run.load"))])])"#
        )
    };
    let [stays, goes] = ["stays", "goes"].map(|id| format!(r#"Fault(id: "{id}", set: {{ "load": 2 }}),"#));
    std::fs::write(&config, text(&format!("{stays} {goes}"))).unwrap();
    let run = ["run", config.to_str().unwrap(), "--watch", "--output", "scrape=127.0.0.1:0"];
    let mut daemon = Daemon::start(&[&run[..], &["--truth", truth.to_str().unwrap()]].concat());
    let stands = || daemon.get("/api/v1/timeline").1;
    let before = stands();
    let down = serde_json::json!({ "action": "down", "hosts": "web", "for": "1h" });
    assert_eq!(daemon.send("POST", "/api/v1/actions", &down).0, 202);
    assert_eq!(daemon.send("POST", "/api/v1/events", &serde_json::json!({ "name": "deploy" })).0, 202);
    std::fs::write(&config, text(&stays)).unwrap();
    eventually("the end is written", || (records(&truth).len() == 1).then_some(()));
    look_back(&daemon, before["phases"][0]["begin_unix"].as_f64().unwrap());
    let after = stands();
    assert_eq!(after["phases"][0]["begin_unix"], before["phases"][0]["begin_unix"]);
    assert_eq!(after["faults"][0]["begin_unix"], before["faults"][0]["begin_unix"]);
    assert_eq!(daemon.process.terminate(), Some(0));
    let records = records(&truth);
    let ids: Vec<&str> = records.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["goes", "calm", "stays"]);
    let end = |n: usize| records[n]["end_unix"].as_f64().unwrap();
    assert!(end(0) < end(1) && end(1) == end(2), "{records:?}");
}

/// The run's spans after the reload: those of the plan before it, too, and what the client did.
fn look_back(daemon: &Daemon, start: f64) {
    let seen = daemon.get("/api/v1/spans?last_seconds=600").1;
    let span = |kind: &str, name: &str| {
        let spans = seen["spans"].as_array().unwrap().iter();
        let found: Vec<_> = spans.filter(|span| span["kind"] == kind && span["name"] == name).collect();
        assert_eq!(found.len(), 1, "{kind} {name}: {seen}");
        found[0].clone()
    };
    for (kind, name) in [("phase", "calm"), ("fault", "stays")] {
        assert_eq!(
            (&span(kind, name)["is_on"], &span(kind, name)["begin_unix"]),
            (&true.into(), &start.into())
        );
    }
    let (goes, spans) = (span("fault", "goes"), seen["spans"].as_array().unwrap());
    let edit = spans.iter().find(|span| span["kind"] == "edit").unwrap();
    assert_eq!((&goes["is_on"], &goes["end_unix"]), (&false.into(), &edit["begin_unix"]), "{seen}");
    assert_eq!((&span("fault", "stays")["hosts"], &goes["hosts"]), (&1.into(), &0.into()), "{seen}");
    let down = span("down", "");
    assert_eq!((&down["target"], &down["is_on"]), (&"web".into(), &true.into()));
    assert!(
        (down["end_unix"].as_f64().unwrap() - down["begin_unix"].as_f64().unwrap() - 3600.0).abs() < 0.01
    );
    assert_eq!((&seen["marks"][0]["name"], seen["marks"].as_array().unwrap().len()), (&"deploy".into(), 1));
    daemon.send("POST", "/api/v1/actions", &serde_json::json!({ "action": "up", "hosts": "*" }));
    let after = daemon.get("/api/v1/spans").1;
    let is_up = after["spans"]
        .as_array()
        .unwrap()
        .iter()
        .any(|span| span["kind"] == "down" && span["is_on"] == false);
    assert!(is_up, "{after}");
    assert_eq!(daemon.refusal("GET", "/api/v1/spans?last_seconds=0", &Value::Null).0, 422);
}

#[test]
fn labels_of_anomalies_are_those_of_the_samples_while_a_fault_is_on_their_host() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("shop.ron");
    let text = r#"Config(levers: { "errors": 0 },
        timeline: Timeline(phases: [Phase(name: "calm", lasts: "16m", events: [("5m", "deploy")])]),
        faults: [
            Fault(id: "bad", on: "deploy", lasts: "2m", set: { "errors": 1 }),
            Fault(id: "down, again", at: "1m", lasts: "1m", every: "8m", hosts: "a \"quoted\" one", kind: host_down),
        ],
        default_job_name: "j",
        hosts: [
            Host(name: "web", labels: { "zone": "z" }, metrics: [Metric(name: "errors", update_interval: 1, scenario: script(source: "run.errors"))]),
            Host(name: "a \"quoted\" one", ttl: "9m 30s", metrics: [Metric(name: "plain")]),
            Host(name: "db", metrics: [Metric(name: "plain")]),
        ])"#;
    std::fs::write(&config, text).unwrap();
    let labels = folder.path().join("labels.csv");
    let lines = |more: &[&str]| {
        let args = ["export", config.to_str().unwrap(), "--anomaly-labels", labels.to_str().unwrap()];
        output(&[&args[..], &RANGE, &["--step", "10s"], more].concat());
        std::fs::read_to_string(&labels).unwrap()
    };
    let found = lines(&[]);
    let (head, rest) = found.split_once('\n').unwrap();
    assert_eq!(head, "timestamp,series,fault");
    let seconds = |line: &str| line.split(',').next().unwrap().parse::<f64>().unwrap() / 1000.0 - START;
    let of = |part: &str| rest.lines().filter(|line| line.contains(part)).map(seconds).collect::<Vec<_>>();
    let times =
        |from: u32, count: u32| (0..count).map(move |n| f64::from(from + n * 10)).collect::<Vec<f64>>();
    // The event comes at 5m, and the fault 50 ms later.
    assert_eq!(of("name=\"\"web\"\""), times(310, 12));
    // The host ends within the second time.
    assert_eq!(of(r#"name=""a \""quoted\"" one"""#), [times(60, 6), times(540, 3)].concat());
    assert_eq!(rest.lines().count(), 12 + 9, "{rest}");
    assert!(rest.lines().next().unwrap().ends_with(",job=\"\"j\"\"}\",\"down, again\""), "{rest}");
    assert!(lines(&["--labels", "scrape"]).contains(",instance=\"\"web\"\"}\",\"bad\""));
    assert_eq!(lines(&["--no-faults"]), "timestamp,series,fault\n");
}
