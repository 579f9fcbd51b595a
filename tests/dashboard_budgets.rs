//! `promemu test --live --dashboard` without a config: pages and queries are measured on a real Prometheus, and by a Grafana. Grafana
//! has no package that tests could install, so a fake one answers here.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Prometheus, free_port, promemu_command};

const CONFIG: &str = r#"Config(default_job_name: "shop", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "web-{i}", metrics: [
    Metric(name: "unread_percent", default_value: 1),
    Metric(name: "requests_total", metric_type: counter, value_range: (1, 9), scenario: random_in_range),
    Metric(name: "latency_seconds", metric_type: histogram, buckets: [0.1, 0.5, 1], observations: "10", value_range: (0.02, 1.2), scenario: random_in_range)])])"#;

/// Budgets that nothing exceeds.
const GENEROUS: &str = "page=5m,simple=5m,rate=5m,quantile=5m";

fn panel(title: &str, targets: &Value) -> Value {
    json!({ "title": title, "targets": targets })
}

/// A dashboard with a query of each kind, and a variable.
fn dashboard(more: &[Value]) -> Value {
    let mut panels = vec![
        panel(
            "now",
            &json!([{ "expr": "sum(requests_total{name=~\"$name\"})", "instant": true, "range": false }]),
        ),
        panel(
            "rate",
            &json!([{ "expr": "sum by (name) (rate(requests_total{name=~\"$name\"}[$__rate_interval]))" }]),
        ),
        panel(
            "p90",
            &json!([{ "expr": "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))" }]),
        ),
    ];
    panels.extend_from_slice(more);
    let name = json!({ "name": "name", "type": "query", "query": "label_values(requests_total, name)", "includeAll": true, "multi": true });
    json!({ "title": "Shop", "panels": panels, "templating": { "list": [name] } })
}

/// A Prometheus that has the last minutes as blocks, and a folder with dashboards.
struct Measured {
    prometheus: Prometheus,
    dir: tempfile::TempDir,
}

impl Measured {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c.ron"), CONFIG).unwrap();
        let args = ["export", "c.ron", "--from", "-40m", "--for", "40m", "--step", "15s", "--out", "data/"];
        let done = promemu_command(&args).current_dir(dir.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { prometheus: Prometheus::with_data(&dir.path().join("data")), dir }
    }

    fn write(&self, name: &str, dashboard: &Value) {
        std::fs::write(self.dir.path().join(name), dashboard.to_string()).unwrap();
    }

    /// The exit code of a measurement, its report, and what it says.
    fn measure(&self, args: &[&str]) -> (Option<i32>, Value, String) {
        let url = self.prometheus.url();
        let (dir, report) = (self.dir.path(), self.dir.path().join("report.json"));
        let mut command = promemu_command(&["test", "--live", "--prometheus", &url, "--for", "10m"]);
        let output = command.args(["--json", "report.json"]).args(args).current_dir(dir).output().unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).ok();
        let report = read(&report).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), report, said)
    }
}

/// Kind and outcome of all that was measured of a dashboard.
fn kinds(report: &Value, dashboard: &str) -> Vec<(String, String)> {
    let of = |of: &&Value| of["dashboard"] == dashboard;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let measured = report["measured"].as_array().unwrap().iter().filter(of);
    measured.map(|of| (text(&of["kind"]), text(&of["outcome"]))).collect()
}

fn outcomes(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(kind, outcome)| ((*kind).to_owned(), (*outcome).to_owned())).collect()
}

#[test]
fn pages_and_queries_are_measured_cold_and_warm_and_two_dashboards_side_by_side() {
    let measured = Measured::new();
    measured.write("one.json", &dashboard(&[]));
    measured.write("two.json", &dashboard(&[panel("more", &json!([{ "expr": "requests_total" }]))]));
    let both = ["--dashboard", "one.json", "--dashboard", "two.json", "--budget", GENEROUS];
    let (code, report, said) = measured.measure(&both);
    assert_eq!(code, Some(0), "{said}");
    let passed = [("page", "passed"), ("simple query", "passed"), ("rate", "passed"), ("quantile", "passed")];
    assert_eq!(kinds(&report, "one.json"), outcomes(&passed));
    assert_eq!(kinds(&report, "two.json").len(), 5);
    for of in report["measured"].as_array().unwrap() {
        assert_eq!(of["empty"], 0, "{of}");
        for field in ["/first_ms", "/cold/median_ms", "/cold/p95_ms", "/warm/median_ms", "/warm/p95_ms"] {
            assert!(of.pointer(field).unwrap().as_f64().unwrap() > 0.0, "{field}: {of}");
        }
    }
    assert_eq!(report["unread"], json!(["unread_percent"]));
    assert!(said.contains("1 of 3 families are read by no panel and no rule: unread_percent"), "{said}");
    // Two gauges, two counters, and five series of each of two histograms.
    let largest = report["series"][1].clone();
    assert_eq!(report["series"][0]["series"].as_u64().unwrap() - 2, 4 + 12, "with up: {report}");
    assert_eq!(
        (&largest["name"], &largest["series"]),
        (&json!("latency_seconds_bucket"), &json!(8)),
        "{largest}"
    );
    assert!(said.contains("SIDE BY SIDE") && said.contains("FIRST is one.json, SECOND two.json"), "{said}");
}

#[test]
fn a_budget_that_is_exceeded_fails_and_a_query_that_is_refused_is_undecided() {
    let measured = Measured::new();
    measured.write("one.json", &dashboard(&[]));
    let one = ["--dashboard", "one.json"];
    for (budget, outcome, failed) in
        [("page=0s", "page", 0), ("rate=0s", "rate", 2), ("quantile=0s", "quantile", 3)]
    {
        let budget = format!("{GENEROUS},{budget}");
        let (code, report, said) = measured.measure(&[&one[..], &["--budget", &budget]].concat());
        assert_eq!(code, Some(3), "{said}");
        assert_eq!(kinds(&report, "one.json")[failed], (outcome.to_owned(), "failed".to_owned()));
    }
    for (budget, at) in [("total=15", 0), ("each=7", 1)] {
        let budget = format!("{GENEROUS},{budget}");
        let (code, report, said) = measured.measure(&[&one[..], &["--budget", &budget]].concat());
        assert_eq!((code, &report["series"][at]["outcome"]), (Some(3), &json!("failed")), "{said}");
    }
    measured.write(
        "refused.json",
        &dashboard(&[panel("bad", &json!([{ "expr": "sum(rate(requests_total))" }]))]),
    );
    let (code, report, said) = measured.measure(&["--dashboard", "refused.json", "--budget", GENEROUS]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(kinds(&report, "refused.json")[0].1, "undecided");
    assert!(said.contains("Prometheus refuses it"), "{said}");
    measured.write(
        "unknown.json",
        &dashboard(&[panel("bad", &json!([{ "expr": "requests_total{x=\"$zone\"}" }]))]),
    );
    let (code, _, said) = measured.measure(&["--dashboard", "unknown.json", "--budget", GENEROUS]);
    assert!(code == Some(1) && said.contains("the dashboard has no variable $zone"), "{said}");
}

/// A server that answers as a Grafana does, for as long as the test runs; the bodies of its requests.
fn grafana(answer: &'static str) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                let (mut head, mut line, mut length) = (String::new(), String::new(), 0);
                while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                    if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
                        length = bytes.trim().parse().unwrap();
                    }
                    head += &std::mem::take(&mut line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let sources = r#"[{"type":"loki","uid":"l"},{"type":"prometheus","uid":"p"}]"#;
                let text = if head.starts_with("GET /api/datasources ") { sources } else { answer };
                let _is_read = sender.send((head, serde_json::from_slice(&body).unwrap_or_default()));
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", text.len());
                let _is_written = (&stream).write_all((head + text).as_bytes());
            });
        }
    });
    (url, bodies)
}

#[test]
fn a_page_is_measured_by_a_grafana_too() {
    let measured = Measured::new();
    measured.write("one.json", &dashboard(&[]));
    let full = r#"{"results":{"Q0":{"status":200,"frames":[{"data":{"values":[[1],[2]]}}]}}}"#;
    let (url, requests) = grafana(full);
    let args = [
        "--dashboard",
        "one.json",
        "--budget",
        GENEROUS,
        "--grafana",
        &format!("{url},user=me,password_env=PW"),
    ];
    let output = {
        let url = measured.prometheus.url();
        let mut command = promemu_command(&["test", "--live", "--prometheus", &url, "--json", "report.json"]);
        command.args(args).env("PW", "secret").current_dir(measured.dir.path()).output().unwrap()
    };
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let requests: Vec<(String, Value)> = requests.try_iter().collect();
    let queries: Vec<&(String, Value)> =
        requests.iter().filter(|(head, _)| head.starts_with("POST /api/ds/query ")).collect();
    // A request for each of three panels, once first, 20 times cold, and 20 times warm.
    assert_eq!(queries.len(), 3 * 41);
    assert!(queries.iter().all(|(head, _)| head.to_lowercase().contains("authorization: basic ")));
    let (_, now) = queries.iter().find(|(_, body)| body["queries"][0]["instant"] == true).unwrap();
    assert_eq!(now["queries"][0]["datasource"]["uid"], "p");
    assert_eq!(now["queries"][0]["expr"], "sum(requests_total{name=~\"(web-1|web-2)\"})");
    let range: u64 = now["to"].as_str().unwrap().parse::<u64>().unwrap()
        - now["from"].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(range, 3_600_000);

    let (url, _requests) = grafana(r#"{"results":{"Q0":{"error":"bad query"}}}"#);
    let (code, report, said) =
        measured.measure(&["--dashboard", "one.json", "--budget", GENEROUS, "--grafana", &url]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(kinds(&report, "one.json")[1], ("page in Grafana".to_owned(), "undecided".to_owned()));
    assert!(said.contains("Grafana refuses it: bad query"), "{said}");
}

#[test]
fn a_measurement_says_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("one.json"), dashboard(&[]).to_string()).unwrap();
    let closed = format!("http://127.0.0.1:{}", free_port());
    let unavailable = FakeGateway::start(Behaviour::Answer(503)).url();
    let measured = ["--live", "--dashboard", "one.json", "--prometheus", &closed];
    let with = |more: &[&'static str]| [&measured[..], more].concat();
    for (args, code, text) in [
        (with(&[]), 1, "Prometheus is away"),
        (
            vec!["--live", "--dashboard", "one.json", "--prometheus", &unavailable],
            1,
            "Prometheus answers 503: the fake says no",
        ),
        (with(&["--budget", "pag=2s"]), 2, "no limit \"pag\"; did you mean \"page\"?"),
        (with(&["--junit", "j.xml"]), 2, "--junit is of the test of a config"),
        (with(&["--grafana", "http://127.0.0.1:1"]), 1, "is no Grafana that can be asked"),
        (vec!["--live", "--dashboard", "one.json"], 2, "--live needs the address of a Prometheus that runs"),
        (vec!["--dashboard", "one.json"], 2, "promemu test NAME"),
        (
            vec!["load_phases", "--live", "--prometheus", &closed, "--budget", "page=1s"],
            2,
            "leave the config's name out",
        ),
    ] {
        let output =
            promemu_command(&[&["test"], &args[..]].concat()).current_dir(dir.path()).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(text), "{args:?}: {said}");
    }
}
