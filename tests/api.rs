//! The control API as its clients use it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::processes::{
    Process, Prometheus, Pushgateway, eventually, free_port, get, label, promemu, promemu_command, series,
    value,
};

/// A promemu process with the API, and the API's port.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl Daemon {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::with_command(|listen| promemu_command(&[&["--listen", listen], args].concat()))
    }

    /// A run of five workers and a balancer, whose metrics update every second.
    pub(crate) fn with_peaks(gateway: &Pushgateway) -> Self {
        Self::start(&[
            "--config",
            "hosts_load_with_peaks",
            "--pushgateway-url",
            &gateway.url(),
            "--push-interval",
            "1s",
            "--config-args",
            "hosts_count=5",
            "interval=1s",
            "metrics_interval=1s",
        ])
    }

    pub(crate) fn with_command(command: impl Fn(&str) -> Command) -> Self {
        let port = free_port();
        let process = Process::start(&mut command(&format!("127.0.0.1:{port}")));
        let daemon = Self { process, port };
        eventually("the run has begun", || (daemon.get("/ready").0 == 200).then_some(()));
        daemon
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let (status, answer) = ask(self.port, "GET", path, "", "");
        assert_described(self.port, "GET", path, status, &answer);
        (status, answer)
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = ask(self.port, method, path, "Content-Type: application/json\r\n", &body);
        assert_described(self.port, method, path, status, &answer);
        (status, answer)
    }

    /// The status and the code of the error of a request.
    pub(crate) fn refusal(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let (status, answer) = self.send(method, path, body);
        (status, code_of(&answer))
    }
}

/// The operations of a description: their methods, paths, and what is said of them.
pub(crate) fn operations(api: &Value) -> Vec<(String, String, Value)> {
    let paths = api["paths"].as_object().unwrap().iter();
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().clone();
        methods.into_iter().map(|(method, of)| (method.to_uppercase(), path.clone(), of)).collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

/// Asserts that the description of an operation lists an error that it has answered with.
fn assert_described(port: u16, method: &str, path: &str, status: u16, answer: &Value) {
    static DESCRIBED: OnceLock<Vec<(String, String, Value)>> = OnceLock::new();
    let Some(code) = answer["error"]["code"].as_str().filter(|_| status >= 400) else { return };
    let described = DESCRIBED.get_or_init(|| {
        let mut all = operations(&ask(port, "GET", "/openapi.json", "", "").1);
        // Fixed segments before those that are any.
        all.sort_by_key(|(_, path, _)| path.matches('{').count());
        all
    });
    let segments: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let matches = |known: &str| {
        let known: Vec<&str> = known.split('/').collect();
        known.len() == segments.len()
            && known.iter().zip(&segments).all(|(known, found)| known.starts_with('{') || known == found)
    };
    if let Some((.., operation)) = described.iter().find(|(of, known, _)| of == method && matches(known)) {
        let answer = &operation["responses"][status.to_string()]["content"]["application/json"];
        let is_listed = answer["examples"][code].is_object();
        assert!(is_listed, "{method} {path}: {status} {code} is not in the description");
    }
}

pub(crate) fn code_of(answer: &Value) -> String {
    assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    answer["error"]["code"].as_str().unwrap().to_owned()
}

/// Sends a request; status 0 without an answer, null if the body is no JSON.
pub(crate) fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return (0, Value::Null) };
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let len = body.len();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len}\r\n{headers}\r\n"
    );
    if stream.write_all(head.as_bytes()).is_err() {
        return (0, Value::Null);
    }
    // The daemon does not read a body that is too large to its end.
    let _is_taken = stream.write_all(body.as_bytes()).is_ok();
    let mut answer = Vec::new();
    let _is_whole = stream.read_to_end(&mut answer).is_ok();
    let answer = String::from_utf8(answer).unwrap();
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return (0, Value::Null) };
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// A stream of server-sent events.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    pub(crate) fn open(port: u16, path: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event: its name and its data.
    pub(crate) fn next(&mut self) -> (String, Value) {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream goes on");
            if let Some(text) = line.trim_end().strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.trim_end().strip_prefix("data: ") {
                return (name, serde_json::from_str(text).unwrap());
            }
        }
    }

    /// Reads the first comment, with which a stream opens.
    pub(crate) fn wait_until_open(&mut self) {
        let mut line = String::new();
        while !line.starts_with(':') {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream begins");
        }
    }
}

/// The value of a host's metric on the gateway.
fn on_gateway(gateway: &Pushgateway, metric: &str, host: &str) -> Option<f64> {
    let exposition = gateway.metrics();
    let lines = series(&exposition, metric);
    lines.into_iter().find(|line| label(line, "name") == host).map(value)
}

#[test]
fn an_override_is_on_the_gateway_with_the_next_push_and_ends_by_itself_or_by_release() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let cpu = "/api/v1/hosts/worker-01/metrics/cpu_usage_percent";
    eventually("the worker has begun", || daemon.get(cpu).1["value"].as_f64());
    let place = format!("{cpu}/override");
    let (status, metric) = daemon.send("PUT", &place, &json!({ "value": 150.5, "for": "20m" }));
    assert_eq!((status, &metric["override"]["value"]), (200, &json!(150.5)), "{metric}");
    assert_eq!(metric["override"]["is_outside_range"], true, "{metric}");
    let pushes = || daemon.get("/api/v1/status").1["outputs"][0]["pushes"].as_u64().unwrap();
    let shown = || daemon.get(cpu).1["value"].clone();
    eventually("the run shows it", || (shown() == json!(150.5)).then_some(()));
    let before = pushes();
    eventually("the gateway has it", || {
        let has_it = on_gateway(&gateway, "cpu_usage_percent", "worker-01") == Some(150.5);
        assert!(has_it || pushes() <= before + 1, "within one push");
        has_it.then_some(())
    });
    assert_eq!(daemon.get("/api/v1/overrides").1["overrides"][0]["id"], "worker-01/cpu_usage_percent");
    assert_eq!(daemon.send("DELETE", &place, &Value::Null).0, 200);
    eventually("it is over", || (shown() != json!(150.5)).then_some(()));
    assert_eq!(daemon.get("/api/v1/overrides").1["overrides"], json!([]));

    daemon.send("PUT", &place, &json!({ "value": 151, "for": 0.5 }));
    eventually("it ends by itself", || {
        let is_over = daemon.get("/api/v1/overrides").1["overrides"] == json!([]);
        (is_over && shown() != json!(151.0)).then_some(())
    });
    let uptime = "/api/v1/hosts/worker-01/metrics/uptime_seconds_total/override";
    let counter = daemon.get("/api/v1/metrics?search=_total").1["metrics"][0]["name"].clone();
    let uptime = counter
        .as_str()
        .map_or(uptime.to_owned(), |name| format!("/api/v1/hosts/worker-01/metrics/{name}/override"));
    if counter.is_string() {
        assert_eq!(daemon.refusal("PUT", &uptime, &json!({ "value": 0 })), (422, "counter_falls".to_owned()));
        assert_eq!(daemon.send("PUT", &uptime, &json!({ "value": 0, "allow_reset": true })).0, 200);
    }
}

#[test]
fn an_event_of_a_client_reaches_the_stream_and_raises_the_workers_load() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    eventually("all workers have begun", || {
        (daemon.get("/api/v1/hosts?state=running").1["matched"] == 6).then_some(())
    });
    let known = daemon.get("/api/v1/events").1["events"].clone();
    let start = known.as_array().unwrap().iter().find(|event| event["name"] == "load_peak_start").unwrap();
    assert_eq!(start["hearers"], 5);
    let mut events = Events::open(daemon.port, "/api/v1/events/stream?name=load_peak_start");
    events.wait_until_open();
    let (status, posted) =
        daemon.send("POST", "/api/v1/events", &json!({ "name": "load_peak_start", "data": { "x": [1] } }));
    assert_eq!((status, &posted["hearers"], &posted["source"]), (202, &json!(5), &json!("api")), "{posted}");
    let (name, event) = events.next();
    assert_eq!(
        (name.as_str(), &event["source"], &event["data"]),
        ("event", &json!("api"), &json!({ "x": [1] }))
    );
    assert_eq!(event["time_unix"], posted["time_unix"]);
    let (_, again) = Events::open(daemon.port, "/api/v1/events/stream?last=500&name=load_peak_start").next();
    assert_eq!(again, event, "a later stream begins with recent events");
    eventually("the gateway has all workers above 60 %", || {
        let exposition = gateway.metrics();
        let loads: Vec<f64> = series(&exposition, "cpu_usage_percent").into_iter().map(value).collect();
        (loads.len() == 5 && loads.iter().all(|load| *load > 60.0)).then_some(())
    });
    // A stream does not keep the daemon from ending.
    let mut process = daemon.process;
    assert_eq!(process.terminate(), Some(0));
}

#[test]
fn a_host_is_stopped_started_added_and_removed() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let on_gateway = |host| on_gateway(&gateway, "cpu_usage_percent", host).is_some();
    eventually("the worker is there", || on_gateway("worker-02").then_some(()));
    assert_eq!(daemon.send("POST", "/api/v1/hosts/worker-02/stop", &Value::Null).0, 202);
    eventually("it is gone", || (!on_gateway("worker-02")).then_some(()));
    assert_eq!(daemon.get("/api/v1/hosts/worker-02").1["state"], "stopped");
    let again = daemon.refusal("POST", "/api/v1/hosts/worker-02/stop", &Value::Null);
    assert_eq!(again, (409, "conflict".to_owned()));
    assert_eq!(daemon.send("POST", "/api/v1/hosts/worker-02/start", &Value::Null).0, 202);
    eventually("it is back", || on_gateway("worker-02").then_some(()));

    let new =
        json!({ "name": "worker-50", "template": "worker-01", "labels": { "zone": "x" }, "ttl": "15m" });
    let (status, host) = daemon.send("POST", "/api/v1/hosts", &new);
    assert_eq!((status, &host["name"]), (201, &json!("worker-50")), "{host}");
    eventually("it is there", || on_gateway("worker-50").then_some(()));
    assert_eq!(daemon.get("/api/v1/hosts/worker-50").1["labels"]["zone"], "x");
    assert_eq!(daemon.refusal("POST", "/api/v1/hosts", &new), (409, "conflict".to_owned()));
    assert_eq!(daemon.send("DELETE", "/api/v1/hosts/worker-50", &Value::Null).0, 204);
    eventually("it is gone again", || (!on_gateway("worker-50")).then_some(()));
    assert_eq!(daemon.get("/api/v1/hosts?search=worker&limit=2").1["matched"], 5);
    assert!(on_gateway("worker-01"), "the other hosts run on");
}

/// Three hosts with a counter that steps five times a second.
const STEPPING: &str = r#"Config(default_job_name: "edited", hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web-{i}", interval: 0.2, metrics: [
        Metric(name: "steps_total", metric_type: counter, value_range: (1, 1), update_interval: 0.2, scenario: random_in_range)]),
])"#;

#[test]
fn hosts_that_come_and_go_are_right_in_each_output_and_disturb_no_other() {
    let prometheus = Prometheus::receiving();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("edited.ron");
    std::fs::write(&file, STEPPING).unwrap();
    let page = free_port();
    let (scrape, written) =
        (format!("scrape=127.0.0.1:{page}"), format!("remote-write={}", prometheus.url()));
    let config = file.display().to_string();
    let mut daemon = Daemon::start(&[
        "--config",
        &config,
        "--push-interval",
        "500ms",
        "--output",
        &scrape,
        "--output",
        &written,
    ]);
    let stored = |name: &str| prometheus.query(&format!("steps_total{{name=\"{name}\"}}"));
    let scraped = |name: &str| {
        let body = get(page, "/metrics").unwrap();
        let lines = series(&body, "steps_total");
        let mut of_host = lines.iter().filter(|line| label(line, "name") == name);
        let shown = of_host.next().map(|line| value(line));
        assert!(of_host.next().is_none(), "{body}");
        shown
    };
    let add = |name: &str| {
        let new = json!({ "name": name, "template": "web-1" });
        assert_eq!(daemon.send("POST", "/api/v1/hosts", &new).0, 201);
    };
    let remove = |name: &str| {
        assert_eq!(daemon.send("DELETE", &format!("/api/v1/hosts/{name}"), &Value::Null).0, 204);
    };
    let is_there = |name: &str| scraped(name).is_some() && stored(name).is_some();
    let is_gone = |name: &str| scraped(name).is_none() && stored(name).is_none();
    eventually("all are there", || ["web-1", "web-2", "web-3"].into_iter().all(is_there).then_some(()));
    add("first");
    for name in ["second", "third"] {
        add(name);
        eventually("the new one is there", || is_there(name).then_some(()));
        assert!(get(page, &format!("/hosts/{name}/metrics")).unwrap().contains("steps_total "));
        remove(name);
        eventually("it is gone", || is_gone(name).then_some(()));
    }
    let before = eventually("it has stepped", || stored("web-2").filter(|steps| *steps > 5.0));
    remove("web-2");
    add("web-2");
    eventually("it counts anew", || stored("web-2").filter(|steps| *steps < before));
    eventually("it goes on", || stored("web-2").filter(|steps| *steps > 5.0));
    let targets: Value = serde_json::from_str(&get(page, "/http_sd").unwrap()).unwrap();
    let names: Vec<_> = targets.as_array().unwrap().iter().map(|target| &target["labels"]["name"]).collect();
    assert_eq!(names, ["web-1", "web-3", "first", "web-2"]);
    let resets =
        |names: &str| prometheus.query(&format!("max(resets(steps_total{{name=~\"{names}\"}}[5m]))"));
    assert_eq!((resets("web-[13]"), resets("web-2")), (Some(0.0), Some(1.0)));
    assert_eq!(daemon.process.terminate(), Some(0));
    assert!(daemon.process.log().contains("dropped_samples=0"), "{}", daemon.process.log());
    assert!(!daemon.process.log().contains("rejected"), "{}", daemon.process.log());
}

#[test]
fn live_values_come_once_a_second_and_a_later_stream_begins_with_them() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let path = "/api/v1/live?series=worker-01/cpu_usage_percent&series=avg:cpu_usage_percent";
    let mut first = Events::open(daemon.port, path);
    let (name, beginning) = first.next();
    assert_eq!((name.as_str(), &beginning["series"][1]["id"]), ("series", &json!("avg:cpu_usage_percent")));
    let (mut last, mut sent) = (0.0, Vec::new());
    while sent.len() < 3 {
        let (name, sample) = first.next();
        let t = sample["t"].as_f64().unwrap();
        assert!(name == "sample" && t > last && sample["values"].as_array().unwrap().len() == 2, "{sample}");
        last = t;
        // A sample that was under way as the stream began has no values of its series.
        if !sample["values"][0].is_null() {
            sent.push(json!([t, sample["values"][0]]));
        }
    }
    drop(first);
    let (_, again) = Events::open(daemon.port, path).next();
    let points = again["series"][0]["points"].as_array().unwrap();
    assert!(sent.iter().all(|point| points.contains(point)), "{sent:?} are not all of {again}");
    // A series that does not exist leaves the others of the stream alone.
    let mut mixed =
        Events::open(daemon.port, "/api/v1/live?series=gone/cpu&series=worker-01/cpu_usage_percent");
    assert_eq!(mixed.next().1["series"][0]["points"], json!([]));
    assert_eq!(mixed.next(), ("gone".to_owned(), json!({ "id": "gone/cpu" })));
    assert_eq!(mixed.next().1["values"][0], Value::Null);
    let unknown = daemon.refusal("GET", "/api/v1/live?series=cpu", &Value::Null);
    assert_eq!(unknown, (422, "invalid_value".to_owned()));
}

#[test]
fn every_error_has_its_status_its_code_and_the_same_form() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let none = Value::Null;
    let large = json!({ "name": "x".repeat(1 << 20) });
    for (method, path, body, status, code) in [
        ("GET", "/nothing", &none, 404, "not_found"),
        ("GET", "/api/v1/hosts/no", &none, 404, "unknown_host"),
        ("GET", "/api/v1/hosts/%FF", &none, 400, "invalid_request"),
        ("GET", "/api/v1/hosts/worker-01/metrics/no", &none, 404, "unknown_metric"),
        ("GET", "/api/v1/hosts?run=no", &none, 404, "unknown_run"),
        ("GET", "/api/v1/hosts?limit=-1", &none, 400, "invalid_request"),
        ("GET", "/api/v1/hosts?limit=501", &none, 422, "invalid_value"),
        ("GET", "/api/v1/hosts?state=odd", &none, 422, "invalid_value"),
        ("GET", "/api/v1/configs/no", &none, 404, "unknown_config"),
        ("GET", "/api/v1/configs/..%2Fx", &none, 404, "unknown_config"),
        ("GET", "/api/v1/live", &none, 422, "invalid_value"),
        ("PATCH", "/api/v1/hosts", &none, 405, "method_not_allowed"),
        ("POST", "/api/v1/events", &none, 400, "invalid_request"),
        ("POST", "/api/v1/events", &json!({}), 422, "invalid_body"),
        ("POST", "/api/v1/events", &json!({ "name": "a", "odd": 1 }), 422, "invalid_body"),
        ("POST", "/api/v1/events", &json!({ "name": "" }), 422, "invalid_value"),
        ("POST", "/api/v1/events", &json!({ "name": "host_stopped" }), 422, "invalid_value"),
        ("POST", "/api/v1/events", &large, 413, "body_too_large"),
        ("POST", "/api/v1/hosts", &json!({ "name": "a", "template": "no" }), 404, "unknown_host"),
        ("POST", "/api/v1/runs", &json!({ "config": "no" }), 404, "unknown_config"),
        ("POST", "/api/v1/runs", &json!({}), 422, "invalid_value"),
        ("POST", "/api/v1/runs", &json!({ "text": "Config(hosts: [Hots()])" }), 422, "invalid_config"),
        ("POST", "/api/v1/runs", &json!({ "id": "main", "config": "single_host_load" }), 409, "conflict"),
        ("DELETE", "/api/v1/runs/main", &none, 409, "conflict"),
    ] {
        assert_eq!(daemon.refusal(method, path, body), (status, code.to_owned()), "{method} {path}");
    }
    let wrong = [
        ("Content-Type: text/plain\r\n", 415, "unsupported_media_type"),
        ("Content-Type: application/json\r\nOrigin: http://evil.example\r\n", 403, "cross_site"),
        ("Content-Type: application/json\r\nSec-Fetch-Site: cross-site\r\n", 403, "cross_site"),
    ];
    for (headers, status, code) in wrong {
        let (found, answer) = ask(daemon.port, "POST", "/api/v1/events", headers, "{\"name\": \"a\"}");
        assert_eq!((found, code_of(&answer).as_str()), (status, code), "{headers}");
    }
    let malformed =
        ask(daemon.port, "POST", "/api/v1/events", "Content-Type: application/json\r\n", "{\"name\"");
    assert_eq!((malformed.0, code_of(&malformed.1).as_str()), (400, "invalid_request"));
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let args = ["--listen", "0.0.0.0:0", "--config", "single_host_load", "--output", "scrape=127.0.0.1:0"];
    let mut open = promemu(&args);
    assert_eq!(open.wait(), Some(2));
    assert!(open.log().contains("give one by PME_API_TOKEN or --api-token-file"), "{}", open.log());

    let daemon = Daemon::with_command(|listen| {
        let mut command = promemu_command(&[&["--listen", listen], &args[2..]].concat());
        command.env("PME_API_TOKEN", "s3cret-word");
        command
    });
    let status = |headers: &str| ask(daemon.port, "GET", "/api/v1/status", headers, "").0;
    assert_eq!(status(""), 401);
    assert_eq!(status("Authorization: Bearer s3cret-wor\r\n"), 401);
    assert_eq!(status("Authorization: Bearer s3cret-word\r\n"), 200);
    assert_eq!((daemon.get("/health").0, daemon.get("/openapi.json").0), (200, 200));
    assert_eq!(code_of(&daemon.get("/metrics").1), "unauthorized");
    assert!(!daemon.process.log().contains("s3cret"));
}

#[test]
fn a_taken_port_is_an_error_only_if_it_was_asked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let args = ["--config", "single_host_load", "--output", "scrape=127.0.0.1:0"];
    let mut asked_for = promemu(&[&["--listen", &format!("127.0.0.1:{port}")], &args[..]].concat());
    assert_eq!(asked_for.wait(), Some(1), "{}", asked_for.log());
    let log = asked_for.log();
    assert!(log.contains("choose a free address of this machine with --listen"), "{log}");
    drop(taken);

    let usual = TcpListener::bind(("127.0.0.1", 8000));
    let mut command = promemu_command(&args);
    command.env_remove("PME_LISTEN");
    let mut run = Process::start(&mut command);
    run.wait_for_log("http://127.0.0.1:80");
    // Where another process had the default port, that may have given it up since.
    if usual.is_ok() {
        assert!(!run.log().contains("127.0.0.1:8000"), "{}", run.log());
    }
    assert_eq!(run.terminate(), Some(0), "{}", run.log());
}

#[test]
fn two_hundred_clients_at_once_are_all_answered() {
    let gateway = Pushgateway::start();
    let daemon = Daemon::with_peaks(&gateway);
    let paths = ["/api/v1/status", "/api/v1/hosts?limit=5", "/api/v1/events", "/metrics", "/health"];
    std::thread::scope(|scope| {
        for client in 0..200 {
            let port = daemon.port;
            scope.spawn(move || {
                for request in 0..5 {
                    let path = paths[(client + request) % paths.len()];
                    assert_eq!(ask(port, "GET", path, "", "").0, 200, "{path}");
                }
            });
        }
    });
}

/// A connection on which the check of a config has been asked for.
fn begin_check(port: u16, text: &str) -> TcpStream {
    let body = json!({ "text": text }).to_string();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        client,
        "POST /api/v1/configs/check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    client
}

#[test]
fn checks_whose_clients_have_gone_end() {
    let daemon = Daemon::start(&["--config", "hosts_load_with_peaks", "--output", "scrape=127.0.0.1:0"]);
    // Hours of work: each of many hosts reads thousands of metrics of which there are none.
    let none = (0..5_000)
        .map(|n| format!("Metric(name: \"m{n}_{{name}}\", repeat: Repeat(var: \"j\", from: 1, to: 0)), "));
    let text = format!(
        "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 900000), name: \"h{{i}}\", metrics: [Metric(name: \"up\", labels: {{ \"n\": \"{{name}}\" }}), {}])])",
        none.collect::<String>()
    );
    let clients: Vec<TcpStream> = (0..8).map(|_| begin_check(daemon.port, &text)).collect();
    // A check that is not answered at once waits for those, which take all places.
    let mut waiting = eventually("no place is left for a check", || {
        let mut client = begin_check(daemon.port, "Config(hosts: [])");
        client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        client.read(&mut [0]).is_err().then_some(client)
    });
    drop(clients);
    waiting.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut status = [0; 12];
    waiting
        .read_exact(&mut status)
        .expect("its turn comes long before the others would have ended by themselves");
    let cpu_ticks = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let (mut last, mut idle_polls) = (cpu_ticks(), 0);
    eventually("the daemon is idle again", || {
        let now = cpu_ticks();
        // A check would keep a core busy from poll to poll.
        idle_polls = if now - std::mem::replace(&mut last, now) <= 1 { idle_polls + 1 } else { 0 };
        (idle_polls >= 10).then_some(())
    });
    assert_eq!(daemon.get("/api/v1/hosts").0, 200);
}
