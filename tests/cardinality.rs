//! `promemu cardinality` on a real Prometheus: counts, growth, budgets, and servers that do not answer.

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Prometheus, eventually, free_port, promemu_command};

/// Hosts with a gauge each, and one counter by code.
const CONFIG: &str = r#"Config(
    args: { "first": Arg(default: 1), "last": Arg(default: 3) },
    default_job_name: "j", hosts: [Host(repeat: Repeat(var: "i", from: "{first}", to: "{last}"), name: "h-{i}", metrics: [
        Metric(name: "load_percent", default_value: 1),
        Metric(name: "requests_total", metric_type: counter, labels: { "code": "200" }, value_range: (1, 1), scenario: random_in_range),
        Metric(name: "requests_total", metric_type: counter, labels: { "code": "500" }, value_range: (1, 1), scenario: random_in_range)])])"#;

/// The selector of all of it.
const JOB: &str = "{job=\"j\"}";

/// A Prometheus, and a folder with the config.
struct Counted {
    prometheus: Prometheus,
    dir: tempfile::TempDir,
}

impl Counted {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c.ron"), CONFIG).unwrap();
        Self { prometheus: Prometheus::receiving(), dir }
    }

    /// Writes samples of the hosts with these numbers.
    fn write(&self, first: u32, last: u32) {
        let output = format!("remote-write={}/api/v1/write", self.prometheus.url());
        let hosts = [format!("first={first}"), format!("last={last}")];
        let args = [
            "export", "c.ron", &hosts[0], &hosts[1], "--from", "-1m", "--for", "1m", "--step", "10s",
            "--output", &output,
        ];
        let done = promemu_command(&args).current_dir(self.dir.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn look(&self, args: &[&str]) -> Output {
        let url = self.prometheus.url();
        let mut command = promemu_command(&["cardinality", &url]);
        command.args(args).current_dir(self.dir.path()).output().unwrap()
    }

    /// The exit code and the object of a look.
    fn json(&self, args: &[&str]) -> (Option<i32>, Value) {
        let output = self.look(&[&["--json"], args].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let read = serde_json::from_slice(&output.stdout);
        (output.status.code(), read.unwrap_or_else(|error| panic!("{error}: {said}")))
    }
}

/// The element of a list with this name.
fn named(list: &Value, name: &str) -> Value {
    let found = list.as_array().unwrap().iter().find(|item| item["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {list}")).clone()
}

#[test]
fn the_largest_parts_of_a_prometheus_their_growth_and_budgets_are_seen() {
    let counted = Counted::new();
    counted.write(1, 3);
    let (code, memory) = counted.json(&[]);
    assert_eq!(code, Some(0), "{memory}");
    let requests = json!({ "name": "requests_total", "series": 6, "growth": null });
    assert_eq!(named(&memory["metrics"], "requests_total"), requests);
    assert_eq!((&memory["growth"], &memory["counted"]), (&Value::Null, &json!("in memory")));
    assert_eq!(named(&memory["labels"], "code")["values"], 2);
    let of_job = json!({ "label": "job", "value": "j", "series": 9 });
    assert!(memory["values"].as_array().unwrap().contains(&of_job), "{memory}");

    // Prometheus counts what it has in memory every 30 s only, and answers queries at once.
    let looked = |args: &[&str]| counted.json(&[&["--match", JOB, "--state", "last.json"], args].concat());
    let (code, first) = looked(&[]);
    assert_eq!((code, named(&first["metrics"], "requests_total")), (Some(0), requests));
    counted.write(4, 5);
    let (code, second) = looked(&["--total", "15", "--each", "10"]);
    assert_eq!((code, &second["over_budget"]), (Some(0), &json!([])), "{second}");
    assert_eq!(named(&second["metrics"], "requests_total")["growth"], 4);
    assert_eq!((&second["growth"]["since"], &second["growth"]["series"]), (&first["at"], &json!(6)));

    for (budgets, said) in [
        (["--total", "14"], "over budget: 15 series in all; the budget is 14"),
        (["--each", "9"], "over budget: requests_total has 10 series; the budget of each is 9"),
    ] {
        let output = counted.look(&[&["--match", JOB], &budgets[..]].concat());
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(3), "{printed}");
        assert!(printed.contains(said) && printed.contains("METRIC"), "{printed}");
    }
    // A budget counts for metrics that are not listed, too.
    let (code, top) = counted.json(&["--match", JOB, "--top", "1", "--each", "4"]);
    assert_eq!((code, top["metrics"].as_array().unwrap().len()), (Some(3), 1));
    assert_eq!(top["over_budget"].as_array().unwrap().len(), 2, "{top}");
}

#[test]
fn queries_count_the_series_of_a_selector_and_of_another_time() {
    let counted = Counted::new();
    counted.write(1, 4);
    let (code, one) = counted.json(&["--match", "{name=\"h-2\"}"]);
    assert_eq!((code, &one["series"], &one["counted"]), (Some(0), &json!(3), &json!("by query")), "{one}");
    assert_eq!(named(&one["metrics"], "requests_total")["series"], 2);
    assert_eq!(named(&one["labels"], "code")["values"], 2, "series without the label are no value of it");
    assert_eq!(named(&one["labels"], "__name__")["values"], 2);
    let (_, all) = counted.json(&["--at", "now"]);
    assert_eq!((&all["series"], &named(&all["labels"], "name")["values"]), (&json!(12), &json!(4)), "{all}");
    let (code, before) = counted.json(&["--at", "-1d"]);
    assert_eq!((code, &before["series"], &before["metrics"]), (Some(0), &json!(0), &json!([])));
    let refused = counted.look(&["--match", "{name="]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Prometheus refuses it"), "{refused:?}");
}

#[test]
fn a_watch_has_a_line_for_each_look_and_ends_over_a_budget() {
    let counted = Counted::new();
    counted.write(1, 1);
    let looks = ["--watch", "--looks", "3", "--interval", "1ms", "--json"];
    let output = counted.look(&looks);
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((output.status.code(), lines.len()), (Some(0), 3), "{printed}");
    assert_eq!((&lines[0]["growth"], &lines[2]["growth"]["series"]), (&Value::Null, &json!(0)));

    let over = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            counted.look(&[
                "--watch",
                "--interval",
                "50ms",
                "--total",
                "3",
                "--state",
                "w.json",
                "--match",
                JOB,
            ])
        });
        eventually("the first look", || counted.dir.path().join("w.json").exists().then_some(()));
        counted.write(2, 2);
        watch.join().unwrap()
    });
    let printed = String::from_utf8(over.stdout).unwrap();
    assert_eq!(over.status.code(), Some(3), "{printed}");
    assert!(printed.contains("over budget: ") && printed.contains("requests_total +"), "{printed}");
}

/// Exit code and message of a look at an address.
fn refused(url: &str, args: &[&str], folder: &Path) -> (Option<i32>, String) {
    let mut command = promemu_command(&["cardinality", url]);
    let output = command.args(args).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_prometheus_that_does_not_answer_and_a_wrong_file_are_told() {
    let dir = tempfile::tempdir().unwrap();
    // It accepts, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let closed = format!("http://127.0.0.1:{}", free_port());
    let [unavailable, page] = [Behaviour::Answer(503), Behaviour::Say("<html><title> Sign in </title>")]
        .map(|behaviour| FakeGateway::start(behaviour).url());
    std::fs::write(dir.path().join("other.json"), "{}").unwrap();
    let look = json!({ "url": "http://127.0.0.1:1", "selector": null, "at": "2026-01-05T00:00:00Z", "series": 1, "metrics": {} });
    std::fs::write(dir.path().join("elsewhere.json"), look.to_string()).unwrap();
    for (url, args, code, text) in [
        (&*closed, &[][..], 1, "cannot be looked at: Prometheus is away"),
        (&silent, &["--timeout", "200ms"], 1, "cannot be looked at: Prometheus is away"),
        (&unavailable, &[], 1, "cannot be looked at: Prometheus answers 503: the fake says no"),
        (&page, &[], 1, "Prometheus answers 200, and not with JSON: Sign in; check the address"),
        ("ftp://localhost", &[], 2, "http://127.0.0.1:9090"),
        ("http://localhost:1,usr=me", &[], 2, "did you mean \"user\"?"),
        (&closed, &["--state", "other.json"], 2, "it is no look of promemu cardinality; name another file"),
        (&closed, &["--state", "elsewhere.json"], 2, "it has a look at http://127.0.0.1:1"),
        (&closed, &["--looks", "3"], 2, "--watch"),
        (&closed, &["--interval", "0s"], 2, "--interval or PME_CARDINALITY_INTERVAL must be 1ms or longer"),
        (&closed, &["--top", "0"], 2, "--top"),
    ] {
        let (found, said) = refused(url, args, dir.path());
        assert_eq!(found, Some(code), "{url} {args:?}: {said}");
        assert!(said.contains(text), "{url} {args:?}: {said}");
    }
}
