//! Actions of clients on many hosts: down, overrides, stop and start by pattern, with a real Prometheus.

use std::path::Path;

use serde_json::{Value, json};

use crate::api::Daemon;
use crate::processes::{
    Prometheus, Pushgateway, eventually, free_port, get, http, label, promemu, promemu_command, series, value,
};

const CONFIG: &str = r#"Config(default_job_name: "node", cleanup_on_finish: true, hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web-{i}", labels: { "zone": "{if i == 3 { \"north\" } else { \"south\" }}" }, interval: "200ms",
        metrics: [Metric(name: "load", update_interval: "200ms", value_range: (1, 2), scenario: random_in_range)]),
    Host(name: "db-1", interval: "200ms", metrics: [Metric(name: "load"), Metric(name: "queries")]),
])"#;

/// A daemon that pushes to a gateway and serves a page at the other port.
fn serving(dir: &Path, gateway: &Pushgateway) -> (Daemon, u16) {
    let (path, page) = (dir.join("node.ron"), free_port());
    std::fs::write(&path, CONFIG).unwrap();
    let outputs = [format!("pushgateway={}", gateway.url()), format!("scrape=127.0.0.1:{page}")];
    let config = path.display().to_string();
    let args =
        ["--config", &config, "--push-interval", "500ms", "--output", &outputs[0], "--output", &outputs[1]];
    (Daemon::start(&args), page)
}

fn ctl(daemon: &Daemon, args: &[&str]) -> (Option<i32>, String) {
    let url = format!("http://127.0.0.1:{}", daemon.port);
    let output = promemu_command(&[&["ctl", "--url", &url], args].concat()).output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn names(answer: &Value) -> Vec<&str> {
    answer["hosts"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn hosts_that_are_taken_down_have_up_0_and_are_up_again_after_it() {
    let (dir, gateway) = (tempfile::tempdir().unwrap(), Pushgateway::start());
    let (mut daemon, page) = serving(dir.path(), &gateway);
    let prometheus = Prometheus::configured(&format!(
        "scrape_configs:\n  - job_name: sd\n    scrape_interval: 1s\n    http_sd_configs:\n      - url: \
         http://127.0.0.1:{page}/http_sd\n        refresh_interval: 1s\n"
    ));
    let is = |what: &str, query: &str, expected: f64| {
        eventually(what, || prometheus.query(query).filter(|found| (found - expected).abs() < 0.1));
    };
    is("all hosts are scraped", "count(up == 1)", 4.0);
    let (code, answer) = ctl(&daemon, &["down", "web-*", "--for", "8s"]);
    assert!(code == Some(0) && answer.contains("web-1, web-2, web-3"), "{answer}");
    let exactly = "count(up{name=~\"web-.*\"} == 0) + 10 * count(up{name=\"db-1\"} == 1) + 100 * count(up)";
    is("exactly these are down, and still targets", exactly, 413.0);
    assert_eq!(http("GET", page, "/hosts/web-1/metrics", "").unwrap().0, 503);
    assert_eq!(daemon.get("/api/v1/hosts?state=down").1["matched"], 3);
    let pushed = gateway.metrics();
    assert!(pushed.contains("name=\"web-1\""), "what was pushed stays in its group: {pushed}");
    assert!(!get(page, "/metrics").unwrap().contains("name=\"web-1\""));
    is("they are up again", "count(up == 1)", 4.0);
    is("and their series return", "count(load)", 4.0);
    assert_eq!(daemon.process.terminate(), Some(0));
}

#[test]
fn ctl_takes_a_name_that_fits_one_metric_and_leads_on_from_what_it_does_not_take() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fleet.ron");
    let config = r#"Config(default_job_name: "fleet", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "fleet-{i}",
        listen_events: { "peak_start": emit("peak") }, metrics: [
        Metric(name: "load", labels: { "origin": "emulated" }),
        Metric(name: "n_total", metric_type: counter, default_value: 7),
        Metric(repeat: Repeat(var: "d", in: ["a", "b"]), name: "disk", labels: { "device": "{d}", "bus": "0" })])])"#;
    std::fs::write(&path, config).unwrap();
    let daemon = Daemon::start(&["--config", &path.display().to_string(), "--output", "scrape=127.0.0.1:0"]);
    for hosts in ["fleet-1", "fleet-*"] {
        assert_eq!(ctl(&daemon, &["override", hosts, "load", "500"]).0, Some(0));
        assert_eq!(ctl(&daemon, &["release", hosts, "load"]).0, Some(0));
    }
    for metric in ["disk{bus=\"0\", device=\"a\"}", "disk{device=\"a\",bus=\"0\"}"] {
        assert_eq!(ctl(&daemon, &["override", "fleet-1", metric, "500"]).0, Some(0), "{metric}");
    }
    let (_, down) = ctl(&daemon, &["down", "fleet-2", "--for", "90"]);
    assert_eq!(down, "1 host down for 1m 30s: fleet-2\n");
    for (args, hint) in [
        (&["override", "fleet-1", "disk", "1"][..], "without labels; expected one of disk{"),
        (&["override", "fleet-1", "dsk", "1"], "expected one of load{origin=\"emulated\"}"),
        (&["release", "fleet-1", "*"], "release takes one metric"),
        (&["end", "fleet"], "write promemu ctl end main"),
        (&["show", "fleet.ron"], "write promemu ctl show main"),
        (&["show", "fleet-1"], "write promemu ctl host fleet-1"),
        (&["end", "mian"], "the only run is \"main\""),
        (&["remove", "*"], "with promemu ctl end"),
        (&["down", "device=\"a\""], "no host has a label \"device"),
        (&["down", "name=~\"fleet-.*\""], "write \"name=fleet-*\""),
        (&["override", "fleet-1", "n_total", "5"], "--allow-reset lets it"),
        (&["status", "--run", "fleet"], "promemu ctl runs lists them"),
        (&["delete", "main"], "promemu ctl end main"),
        (&["stop", "main"], "promemu ctl end main"),
        (&["down", "all"], "'*' is all hosts"),
        (&["down", "fleet-1,fleet-2"], "several hosts are one pattern"),
        (&["emit", "peak"], "did you mean \"peak_start\"?"),
        (&["emit", "peak-start"], "did you mean \"peak_start\"?"),
    ] {
        let (code, text) = ctl(&daemon, args);
        assert!(code == Some(1) && text.contains(hint), "{args:?}: {code:?} {text}");
    }
    assert_eq!(ctl(&daemon, &["emit", "peak_start"]).0, Some(0));
}

#[test]
fn an_action_concerns_all_hosts_of_a_pattern_or_a_label() {
    let (dir, gateway) = (tempfile::tempdir().unwrap(), Pushgateway::start());
    let (daemon, page) = serving(dir.path(), &gateway);
    let act = |body: Value| daemon.send("POST", "/api/v1/actions", &body);
    let (code, answer) = ctl(&daemon, &["override", "zone=south", "load", "-5"]);
    assert!(code == Some(0) && answer.contains("web-1, web-2"), "{answer}");
    eventually("the first of the zone shows it", || {
        let of_host = |line: &&str| line.starts_with("load{") && line.contains("name=\"web-1\"");
        get(page, "/metrics")?.lines().find(of_host).filter(|line| line.ends_with(" -5")).map(drop)
    });
    let overrides = daemon.get("/api/v1/overrides").1;
    assert_eq!(overrides["overrides"].as_array().unwrap().len(), 2, "{overrides}");
    let (status, answer) =
        act(json!({ "action": "override", "hosts": "*", "metric": "queries", "value": 1 }));
    assert_eq!((status, names(&answer)), (202, vec!["db-1"]), "those that have the metric");
    let (status, answer) = act(json!({ "action": "release", "hosts": "*", "metric": "load" }));
    assert_eq!((status, &answer["count"]), (202, &json!(4)));

    assert_eq!(ctl(&daemon, &["stop", "web-[12]"]).0, Some(0));
    eventually("both have stopped", || {
        (daemon.get("/api/v1/hosts?state=stopped").1["matched"] == 2).then_some(())
    });
    let (status, answer) = act(json!({ "action": "stop", "hosts": "web-*" }));
    assert_eq!((status, names(&answer)), (202, vec!["web-3"]), "the others do not run");
    eventually("all can be started again", || {
        act(json!({ "action": "start", "hosts": "web-*" }));
        (daemon.get("/api/v1/hosts?state=running").1["matched"] == 4).then_some(())
    });
    assert_eq!(ctl(&daemon, &["down", "web-1"]).0, Some(0));
    eventually("it is down", || (daemon.get("/api/v1/hosts/web-1").1["state"] == "down").then_some(()));
    assert_eq!(ctl(&daemon, &["up", "web-1"]).0, Some(0));
    eventually("it is up", || (daemon.get("/api/v1/hosts/web-1").1["state"] == "running").then_some(()));
}

#[test]
fn an_action_that_concerns_no_host_is_refused() {
    let (dir, gateway) = (tempfile::tempdir().unwrap(), Pushgateway::start());
    let (daemon, _) = serving(dir.path(), &gateway);
    let (code, error) = ctl(&daemon, &["down", "wep-1"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("no host matches \"wep-1\"; did you mean \"web-1\"?"), "{error}");
    let refusal = |body: Value| daemon.refusal("POST", "/api/v1/actions", &body);
    assert_eq!(refusal(json!({ "action": "down", "hosts": "web-[1" })), (422, "invalid_value".to_owned()));
    assert_eq!(refusal(json!({ "action": "up", "hosts": "cache-*" })), (404, "unknown_host".to_owned()));
    assert_eq!(refusal(json!({ "action": "start", "hosts": "web-*" })), (409, "conflict".to_owned()));
    let unknown = json!({ "action": "override", "hosts": "web-*", "metric": "lod", "value": 1 });
    assert_eq!(refusal(unknown), (404, "unknown_metric".to_owned()));
    assert_eq!(
        refusal(json!({ "action": "down", "hosts": "web-*", "for": 0 })),
        (422, "invalid_value".to_owned())
    );
    let extra = json!({ "action": "up", "hosts": "web-*", "for": 5 });
    assert_eq!(refusal(extra), (422, "invalid_body".to_owned()));
}

#[test]
fn hosts_of_a_config_are_down_at_the_times_of_a_fault() {
    const OUTAGE: &str = r#"Config(
        faults: [Fault(id: "outage", at: "3m", lasts: "7m", hosts: "web-*", kind: host_down)],
        hosts: [Host(repeat: Repeat(var: "of", in: ["web-1", "web-2", "db-1"]), name: "{of}", interval: "10s",
            metrics: [Metric(name: "load", value_range: (1, 2), scenario: random_in_range)])],
    )"#;
    let dir = tempfile::tempdir().unwrap();
    let (config, out) = (dir.path().join("outage.ron"), dir.path().join("outage.om"));
    std::fs::write(&config, OUTAGE).unwrap();
    let (config, page) = (config.display().to_string(), free_port());
    let out = out.display().to_string();
    let args = ["export", &config, "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T00:20:00Z"];
    let exported = promemu_command(&[&args[..], &["--out", &out]].concat()).output().unwrap();
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let text = std::fs::read_to_string(&out).unwrap();
    let in_outage = |host: &str| {
        let of_host = |line: &&str| line.starts_with("load{") && line.contains(&format!("name=\"{host}\""));
        let times = text.lines().filter(of_host).map(|line| line.rsplit(' ').next().unwrap());
        let since = times.map(|time| time.parse::<f64>().unwrap() - 1_767_225_600.0);
        let (during, around): (Vec<f64>, Vec<f64>) = since.partition(|secs| (180.0..600.0).contains(secs));
        (during.len(), around.iter().any(|secs| *secs < 180.0) && around.iter().any(|secs| *secs >= 600.0))
    };
    assert_eq!((in_outage("web-1"), in_outage("web-2")), ((0, true), (0, true)));
    assert!(in_outage("db-1").0 > 20);

    let scrape = format!("scrape=127.0.0.1:{page}");
    let _run = promemu(&["--config", &config, "--speed", "60x", "--output", &scrape]);
    let status =
        |host: &str| http("GET", page, &format!("/hosts/{host}/metrics"), "").map(|(status, _)| status);
    eventually("db-1 has begun", || (status("db-1")? == 200).then_some(()));
    for expected in [200, 503, 200] {
        eventually(&format!("web-2 answers {expected}"), || (status("web-2")? == expected).then_some(()));
        assert_eq!(status("db-1"), Some(200));
    }
}

#[test]
fn an_event_of_a_client_runs_the_containers_of_a_deployment_out_of_memory() {
    let page = free_port();
    let output = format!("scrape=127.0.0.1:{page}");
    let args = ["spike_every=inf", "crash_every=inf", "leaky="];
    let daemon = Daemon::start(
        &[&["--config", "containers", "--output", &output, "--config-args"], &args[..]].concat(),
    );
    let pods = |family: &str, wanted: f64| -> Option<Vec<String>> {
        let page = get(page, "/metrics")?;
        let samples =
            series(&page, family).into_iter().filter(|line| value(line).to_bits() == wanted.to_bits());
        Some(samples.map(|line| label(line, "pod").to_owned()).collect())
    };
    eventually("all run", || pods("kube_pod_container_status_running", 1.0).filter(|pods| pods.len() == 8));
    assert_eq!(ctl(&daemon, &["emit", "oom", "--data", "\"cart\""]).0, Some(0));
    let cart = ["cart-7c9d8b6f51-x01kz", "cart-7c9d8b6f51-x02kz"];
    eventually("both are killed", || pods("container_oom_events_total", 1.0).filter(|pods| *pods == cart));
    eventually("they wait", || {
        pods("kube_pod_container_status_waiting_reason", 1.0).filter(|pods| *pods == cart)
    });
    let one = "\"payments-7c9d8b6f53-x02kz\"";
    assert_eq!(ctl(&daemon, &["emit", "crash", "--data", one]).0, Some(0));
    let code = |code| pods("kube_pod_container_status_last_terminated_exitcode", code);
    eventually("it has crashed", || code(1.0).filter(|pods| *pods == ["payments-7c9d8b6f53-x02kz"]));
    assert_eq!(code(137.0).unwrap(), cart);
    eventually("they start again", || {
        pods("kube_pod_container_status_restarts_total", 1.0).filter(|pods| pods.len() == 3)
    });
}
