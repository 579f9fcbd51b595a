//! Runs of one daemon beside each other: on its pages, in its files, with a real Prometheus.

use std::path::Path;

use serde_json::{Value, json};

use crate::api::Daemon;
use crate::processes::{
    Prometheus, Pushgateway, eventually, free_port, get, http, promemu_command, promtool_errors, series,
};

/// The arguments of a run of `hosts_load_with_peaks` with 5 workers that update each second.
const QUICK: [&str; 4] = ["--config-args", "hosts_count=5", "interval=1s", "metrics_interval=1s"];

/// A daemon that serves the metrics at another port, and that port.
fn serving(args: &[&str]) -> (Daemon, u16) {
    let port = free_port();
    let url = format!("127.0.0.1:{port}");
    let embedded = ["--embedded", "--pushgateway-url", &url, "--push-interval", "1s"];
    (Daemon::start(&[&embedded[..], args].concat()), port)
}

fn ctl(daemon: &Daemon, args: &[&str]) -> String {
    let url = format!("http://127.0.0.1:{}", daemon.port);
    let output = promemu_command(&[&["ctl", "--url", &url], args].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn end(daemon: &Daemon, id: &str) {
    assert_eq!(daemon.send("POST", &format!("/api/v1/runs/{id}/stop"), &Value::Null).0, 202);
    let path = format!("/api/v1/runs/{id}");
    eventually("the run is over", || (daemon.get(&path).1["state"] == "ended").then_some(()));
}

#[test]
fn a_run_made_by_ctl_is_discovered_and_scraped_by_the_same_prometheus() {
    let (mut daemon, page) = serving(&[&["--config", "hosts_load_with_peaks"], &QUICK[..]].concat());
    let prometheus = Prometheus::configured(&format!(
        "scrape_configs:\n  - job_name: sd\n    scrape_interval: 1s\n    http_sd_configs:\n      - url: \
         http://127.0.0.1:{page}/http_sd\n        refresh_interval: 1s\n"
    ));
    let is = |what: &str, query: &str, expected: f64| {
        eventually(what, || prometheus.query(query).filter(|found| (found - expected).abs() < 0.1));
    };
    let workers = |job: &str| format!("count(cpu_usage_percent{{job=~\"{job}_.*\"}})");
    is("it scrapes the main run", &workers("hosts_load_peaks"), 5.0);
    let created = ["create", "hosts_load_with_peaks", "--id", "second", "--config-args", "job=second"];
    ctl(&daemon, &[&created[..], &QUICK[1..]].concat());
    is("it scrapes the other run, too", &workers("second"), 5.0);
    is("no series of the main run is lost", &workers("hosts_load_peaks"), 5.0);
    is("each host of both runs is a target that is up", "count(up == 1)", 12.0);
    let targets: Value = serde_json::from_str(&get(page, "/http_sd").unwrap()).unwrap();
    let paths: Vec<_> =
        targets.as_array().unwrap().iter().map(|of| &of["labels"]["__metrics_path__"]).collect();
    assert_eq!(
        (paths[0], paths[6]),
        (&json!("/hosts/balancer-1/metrics"), &json!("/runs/second/hosts/balancer-1/metrics"))
    );
    end(&daemon, "second");
    is("the series of the ended run are over", "count(cpu_usage_percent)", 5.0);
    assert_eq!(http("GET", page, "/runs/second/hosts/balancer-1/metrics", "").unwrap().0, 404);
    assert_eq!(daemon.process.terminate(), Some(0));
}

#[test]
fn two_runs_of_one_config_lose_no_series_on_any_output() {
    let (gateway, page, dir) = (Pushgateway::start(), free_port(), tempfile::tempdir().unwrap());
    let prometheus = Prometheus::receiving();
    let file = dir.path().join("all.prom");
    let outputs = [
        format!("pushgateway={}", gateway.url()),
        format!("scrape=127.0.0.1:{page}"),
        format!("remote-write={}/api/v1/write", prometheus.url()),
        format!("file={}", file.display()),
    ];
    let args = outputs.iter().flat_map(|output| ["--output", output.as_str()]);
    let daemon = Daemon::start(&args.chain(["--push-interval", "1s"]).collect::<Vec<_>>());
    for id in ["one", "two"] {
        let job = format!("job={id}");
        let create = ["create", "hosts_load_with_peaks", "--id", id, "--config-args", &job];
        ctl(&daemon, &[&create[..], &QUICK[1..]].concat());
    }
    let has_both = |text: &str| {
        let count = |job: &str| text.lines().filter(|line| line.contains(&format!("job=\"{job}_"))).count();
        count("one") >= 76 && count("two") >= 76
    };
    let text = eventually("the page has both", || get(page, "/metrics").filter(|text| has_both(text)));
    assert_eq!(promtool_errors(&text), Vec::<String>::new());
    assert_eq!(text.matches("# TYPE cpu_usage_percent ").count(), 1, "a family is there once");
    eventually("the gateway has both", || has_both(&gateway.metrics()).then_some(()));
    eventually("the file has both", || has_both(&std::fs::read_to_string(&file).ok()?).then_some(()));
    eventually("Prometheus has both", || {
        prometheus.query("count({job=~\"(one|two)_.*\"})").filter(|count| (151.0..157.0).contains(count))
    });
    let own = get(page, "/promemu/metrics").unwrap();
    let lines: Vec<&str> = series(&own, "promemu_hosts_active");
    assert_eq!(lines, ["promemu_hosts_active{run=\"one\"} 6", "promemu_hosts_active{run=\"two\"} 6"]);
    end(&daemon, "one");
    let text = get(page, "/metrics").unwrap();
    assert!(!text.contains("job=\"one_") && text.contains("job=\"two_"), "{text}");
    eventually("the file has the other one alone", || {
        let text = std::fs::read_to_string(&file).unwrap();
        (!text.contains("job=\"one_") && text.contains("job=\"two_")).then_some(())
    });
}

#[test]
fn a_run_that_contradicts_another_one_on_the_page_is_refused() {
    let (daemon, page) = serving(&[]);
    let config = |job: &str, metric: &str| {
        format!(
            "Config(default_job_name: \"{job}\", hosts: [Host(name: \"a\", interval: \"1s\", metrics: [{metric}])])"
        )
    };
    let gauge = config("one", "Metric(name: \"load\")");
    assert_eq!(daemon.send("POST", "/api/v1/runs", &json!({ "id": "one", "text": gauge })).0, 201);
    let histogram = config("two", "Metric(name: \"load\", metric_type: histogram, value_range: (0, 1))");
    let (status, answer) = daemon.send("POST", "/api/v1/runs", &json!({ "id": "two", "text": histogram }));
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("conflict")), "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("family \"load\" has the type \"histogram\" here and \"gauge\" in run \"one\"")
    );
    assert_eq!(daemon.get("/api/v1/runs/two").0, 404, "it is not there");
    eventually("the first run goes on", || get(page, "/metrics").filter(|text| text.contains("load{")));
    end(&daemon, "one");
    assert_eq!(daemon.send("POST", "/api/v1/runs", &json!({ "id": "two", "text": histogram })).0, 201);
}

#[test]
fn a_run_made_by_a_client_has_history_and_follows_the_edits_of_its_config() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("edited.ron");
    let write = |hosts: u32| {
        let metric = "Metric(name: \"ticks_total\", metric_type: counter, update_interval: \"1s\", scenario: time_duration)";
        let text = format!(
            "Config(default_job_name: \"of_{{run_id}}\", hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {hosts}), \
             name: \"h-{{i}}\", interval: \"1s\", metrics: [{metric}])])"
        );
        std::fs::write(&path, text).unwrap();
    };
    write(1);
    let out = dir.path().join("past.om");
    let (configs, out) = (dir.path().display().to_string(), out.display().to_string());
    let (daemon, page) = serving(&["--configs-dir", &configs, "--history-out", &out]);
    ctl(&daemon, &["create", "edited", "--id", "second", "--history", "1h", "--watch"]);
    let ticks = |host: &str| {
        let text = get(page, "/metrics")?;
        let line =
            text.lines().find(|line| line.contains(&format!("ticks_total{{name=\"{host}\"")))?.to_owned();
        assert!(line.contains("job=\"of_second\""), "{line}");
        line.rsplit(' ').next()?.parse::<f64>().ok()
    };
    let seconds = eventually("it counts on from its history", || ticks("h-1"));
    assert!(seconds > 3_500.0, "{seconds}");
    let past = std::fs::read_to_string(Path::new(&out).with_file_name("past-second.om")).unwrap();
    assert!(past.lines().count() > 200, "a sample every 15 s");
    write(2);
    let new = eventually("the new host is there", || ticks("h-2"));
    assert!(new < 3_000.0, "it begins now: {new}");
    let view = daemon.get("/api/v1/runs/second").1;
    assert_eq!((&view["history_seconds"], &view["watches"]), (&json!(3600.0), &json!(true)));
    let posted = json!({ "text": "Config(hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\")])])", "watch": true });
    assert_eq!(daemon.refusal("POST", "/api/v1/runs", &posted), (422, "invalid_value".to_owned()));
}

#[test]
fn a_page_is_ready_when_its_first_scrape_is_whole() {
    let port = free_port();
    let output = format!("scrape=127.0.0.1:{port}");
    let args = [&["--config", "hosts_load_with_peaks", "--output", &output], &QUICK[..]].concat();
    let mut run = crate::processes::promemu(&args);
    eventually("it is ready", || get(port, "/-/ready"));
    let hosts = series(&get(port, "/metrics").unwrap(), "memory_usage_percent").len();
    assert_eq!(hosts, 5, "every worker has reported");
    assert_eq!(run.terminate(), Some(0));
}
