//! Remote write to a real Prometheus.

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, Prometheus, eventually, get, log_number, promemu, series, value};

/// Two hosts with a metric of each type that all servers know; one of them ends soon.
const CONFIG: &str = r#"Config(
    default_job_name: "written",
    hosts: [
        Host(name: "short", interval: 0.2, ttl: "4s", metric_sets: ["all"]),
        Host(name: "long", interval: 0.2, labels: { "Zone": "ü\"\\" }, metric_sets: ["all"]),
    ],
    metric_sets: { "all": [
        Metric(name: "level", value_range: (5, 9), update_interval: 0.2, scenario: random_walk),
        Metric(name: "steps_total", metric_type: counter, value_range: (1, 1), update_interval: 0.2, scenario: random_in_range),
        Metric(name: "request_seconds", metric_type: histogram, value_range: (0, 2), update_interval: 0.2, buckets: [0.5, 1],
            labels: { "path": "/" }, scenario: random_in_range),
    ] },
)"#;

fn config() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("written.ron");
    std::fs::write(&file, CONFIG).unwrap();
    (dir, file.display().to_string())
}

fn run(config: &str, output: &str, more: &[&str]) -> Process {
    let mut args = vec!["--config", config, "--push-interval", "500ms", "--output", output];
    args.extend(more);
    promemu(&args)
}

#[test]
fn prometheus_has_every_series_until_it_ends() {
    let prometheus = Prometheus::receiving();
    let (_dir, config) = config();
    let mut run = run(&config, &format!("remote-write={}", prometheus.url()), &[]);
    let count = |query: &str| prometheus.query(&format!("count({query})")).unwrap_or(0.0).to_string();
    eventually("both hosts are there", || (count(r#"{job="written"}"#) == "14").then_some(()));
    let labels = r#"request_seconds_bucket{path="/", le="+Inf", host!="", address!="", job="written"}"#;
    assert_eq!(prometheus.query(&format!("count({labels})")), Some(2.0));
    assert_eq!(prometheus.query(r#"count(level{Zone="ü\"\\", name="long"})"#), Some(1.0));
    eventually("it goes on", || prometheus.query("min(increase(steps_total[1m]))").filter(|n| *n > 1.0));
    eventually("the short one is gone", || (count(r#"{job="written"}"#) == "7").then_some(()));
    let sum = prometheus.query("request_seconds_sum").unwrap();
    assert!(sum > 0.0, "{sum}");
    assert_eq!(run.terminate(), Some(0));
    assert!(run.log().contains("dropped_samples=0"), "{}", run.log());
    assert_eq!(count(r#"{job="written"}"#), "0", "all has ended with the run");
    let sent = log_number(&run.log(), "sent_samples").unwrap();
    let markers = 14.0;
    let stored =
        ["level", "steps_total", "request_seconds_sum", "request_seconds_count", "request_seconds_bucket"]
            .map(|name| prometheus.query(&format!("sum(count_over_time({name}[5m]))")).unwrap());
    assert_eq!(
        (stored.iter().sum::<f64>() + markers).to_string(),
        sent.to_string(),
        "each sample arrived once"
    );
}

#[test]
fn a_server_of_version_1_is_recognised_and_rejected_samples_are_counted() {
    let prometheus = Prometheus::receiving();
    let (_dir, config) = config();
    let page = crate::processes::free_port();
    let mut run = run(
        &config,
        &format!("remote-write={},version=2", prometheus.url()),
        &["--self-metrics-address", &format!("127.0.0.1:{page}")],
    );
    run.wait_for_log("use version=1");
    let of_self = |name: &str| {
        let page = get(page, "/metrics").unwrap();
        series(&page, name).first().map(|line| value(line))
    };
    eventually("refusals are counted", || of_self("promemu_samples_dropped_total").filter(|n| *n > 30.0));
    assert_eq!(of_self("promemu_samples_sent_total"), Some(0.0));
    assert_eq!(run.count_in_log("use version=1"), 1);
    assert_eq!(run.terminate(), Some(1));
    assert!(run.log().contains("sent_samples=0"), "{}", run.log());
}

/// Three clean hosts, and one whose clock is ahead for a second.
const SKEWED: &str = r#"Config(default_job_name: "written", hosts: [
    Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "clean-{i}", interval: 0.2, metric_sets: ["alive"]),
    Host(name: "skewed", interval: 0.2, metric_sets: ["alive"],
        faults: [clock_skew(ahead: "1h", at: "1s", lasts: "1s")]),
], metric_sets: { "alive": [Metric(name: "alive_seconds", update_interval: 0.2, scenario: time_duration)] })"#;

#[test]
fn a_host_whose_clock_comes_back_costs_no_other_host_a_sample() {
    let prometheus = Prometheus::receiving();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("skewed.ron");
    std::fs::write(&file, SKEWED).unwrap();
    let output = format!("remote-write={},shards=1", prometheus.url());
    let mut run = run(&file.display().to_string(), &output, &[]);
    run.wait_for_log("rejected_samples=1 batch_samples=4 error=it answered 400");
    let seen = || prometheus.query(r#"sum(count_over_time(alive_seconds{name="clean-1"}[5m]))"#);
    let before = seen().unwrap();
    eventually("clean hosts go on while the other is refused", || seen().filter(|n| *n > before + 5.0));
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(run.count_in_log("rejected_samples=1"), 1, "further ones are only counted");
    let of_clean = |fold: &str| {
        prometheus
            .query(&format!(r#"{fold}(count_over_time(alive_seconds{{name=~"clean.*"}}[5m]))"#))
            .unwrap()
    };
    // A host starts up to 2 s, which are four rounds, later than another one.
    let (least, most) = (of_clean("min"), of_clean("max"));
    assert!(most - least <= 4.0, "{least} {most}");
    let log = run.log();
    let [sent, dropped] = ["sent_samples", "dropped_samples"].map(|field| log_number(&log, field).unwrap());
    assert!(dropped <= most, "only the one host's, one each round: {log}");
    let stored = prometheus.query("sum(count_over_time(alive_seconds[3h] offset -90m))").unwrap();
    let markers = sent - stored;
    assert!((3.0..=5.0).contains(&markers), "{stored} samples are there: {log}");
}

#[test]
fn requests_say_what_they_are() {
    let fake = FakeGateway::start(Behaviour::Answer(200));
    let (_dir, config) = config();
    let mut run = run(&config, &format!("remote-write={}", fake.url()), &[]);
    let request = eventually("a request", || fake.requests("POST").into_iter().next());
    assert_eq!(request.path, "/api/v1/write");
    for header in [
        "content-type: application/x-protobuf",
        "content-encoding: snappy",
        "x-prometheus-remote-write-version: 0.1.0",
        "user-agent: promemu/",
    ] {
        assert!(request.head.to_lowercase().contains(header), "{header}: {}", request.head);
    }
    assert_eq!(run.terminate(), Some(0));
}
