//! Queries on blocks of promemu have the answers that they have on blocks of promtool and after remote write, in Prometheus 2 and 3.

use std::path::Path;
use std::process::Command;

use crate::databases::{Answer, Database};
use crate::processes::promemu_command;

/// 2026-01-05T00:00:00Z
const START: u64 = 1_767_571_200;

/// Hosts with a gap, with resets, and without; one ends. Members of a pool come and go.
const CONFIG: &str = r#"Config(default_job_name: "j", hosts: [
    Host(name: "steady", interval: "15s", metric_sets: ["service"],
        pools: [Pool(name: "pods", count: 3, labels: { "pod": "pod-{slot}" }, metrics: [Metric(name: "pod_memory_bytes", value_range: (1, 9), scenario: random_in_range)])]),
    Host(name: "reset", interval: "15s", metric_sets: ["service"], faults: [counter_reset(at: "50m")]),
    Host(name: "gap", interval: "15s", metric_sets: ["service"], faults: [gap(at: "60m", lasts: "10m")]),
    Host(name: "down", interval: "15s", metric_sets: ["service"], faults: [host_down(at: "60m", lasts: "10m")]),
    Host(name: "short", interval: "15s", ttl: "40m", metric_sets: ["service"])],
    metric_sets: { "service": [
        Metric(name: "requests_total", metric_type: counter, accumulate: per_second, value_range: (80, 120), scenario: random_walk),
        Metric(name: "load", value_range: (0, 4), scenario: random_walk),
        Metric(name: "latency_seconds", metric_type: histogram, buckets: [0.1, 0.25, 0.5, 1], observations: "10", value_range: (0.02, 1.2), scenario: random_in_range),
        Metric(name: "size_bytes", metric_type: summary, quantiles: [0.5, 0.9], observations: "10", value_range: (1, 500), scenario: random_in_range),
        Metric(name: "state", metric_type: stateset, states: ["on", "off"], value_range: (0, 1), scenario: random_in_range),
        Metric(name: "native_seconds", metric_type: native_histogram, observations: "10", value_range: (0.02, 1.2), scenario: random_in_range)] })"#;

/// Queries on floats.
const QUERIES: [&str; 30] = [
    "requests_total",
    "load",
    "state",
    "rate(requests_total[5m])",
    "increase(requests_total[30m])",
    "irate(requests_total[5m])",
    "resets(requests_total[1h])",
    "changes(load[20m])",
    "delta(load[10m])",
    "deriv(load[10m])",
    "sum(rate(requests_total[5m]))",
    "sum by (instance) (rate(requests_total[20m]))",
    "topk(2, load)",
    "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "histogram_quantile(0.5, sum by (le, instance) (rate(latency_seconds_bucket[30m])))",
    "sum(rate(latency_seconds_sum[5m])) / sum(rate(latency_seconds_count[5m]))",
    "size_bytes{quantile=\"0.9\"}",
    "rate(size_bytes_count[5m])",
    "count(load)",
    "count by (__name__) ({job=\"j\", __name__!=\"up\", __name__!~\"native_.*\"})",
    "count_over_time(load[90m])",
    "avg_over_time(load[15m])",
    "max_over_time(load[15m]) - min_over_time(load[15m])",
    "quantile_over_time(0.9, load[30m])",
    "present_over_time(load{instance=\"gap\"}[5m])",
    "absent(load{instance=\"short\"})",
    "absent(nothing)",
    "load offset 10m",
    "sum by (pod) (pod_memory_bytes)",
    "max_over_time(rate(requests_total[5m])[30m:1m])",
];

/// Queries on native histograms, on ends of series and on `up`, whose reference is remote write.
const NATIVE_QUERIES: [&str; 8] = [
    "histogram_quantile(0.9, sum(rate(native_seconds[5m])))",
    "histogram_quantile(0.5, rate(native_seconds[30m]))",
    "histogram_count(native_seconds)",
    "histogram_sum(rate(native_seconds[5m]))",
    "count(native_seconds)",
    "load",
    "up",
    "avg_over_time(up[20m])",
];

/// Minutes at which queries are evaluated: no series ends in the five minutes before.
const MINUTES: [u64; 5] = [20, 48, 57, 85, 150];
/// The same where remote write is the reference: in gaps, and right behind ends of series.
const MINUTES_OF_ENDS: [u64; 6] = [20, 41, 57, 62, 71, 150];

fn export(config: &Path, more: &[&str]) {
    let config = config.display().to_string();
    let args =
        ["export", &config, "--from", "2026-01-05", "--for", "160m", "--seed", "7", "--labels", "scrape"];
    let output = promemu_command(&[&args[..], more].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Both answers have the same series, and values that differ by the order of a sum at most.
fn agree(query: &str, minute: u64, [ours, theirs]: [Answer; 2]) {
    let labels = |answer: &Answer| answer.iter().map(|(labels, _)| labels.clone()).collect::<Vec<_>>();
    assert_eq!(labels(&ours), labels(&theirs), "{query} after {minute} minutes");
    for ((labels, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        let differ = match (ours.parse::<f64>(), theirs.parse::<f64>()) {
            (Ok(ours), Ok(theirs)) => (ours - theirs).abs() > theirs.abs() * 1e-9,
            _ => ours != theirs,
        };
        assert!(!differ, "{query} after {minute} minutes: {labels:?} is {ours}, not {theirs}");
    }
}

#[test]
fn queries_on_blocks_have_the_answers_of_blocks_of_promtool_and_of_remote_write() {
    let dir = tempfile::tempdir().unwrap();
    let (config, file) = (dir.path().join("queries.ron"), dir.path().join("all.om"));
    std::fs::write(&config, CONFIG).unwrap();
    export(&config, &["--out", &file.display().to_string()]);
    for is_newer in [false, true] {
        let [own, theirs, empty] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        export(&config, &["--out", &format!("{}/", own.path().join("data").display())]);
        let import = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&file, &theirs.path().join("data")])
            .output();
        assert!(import.unwrap().status.success());
        let [ours, promtools, receiver] =
            [own, theirs, empty].map(|dir| Database::prometheus_with_data(dir, is_newer));
        export(&config, &["--output", &format!("remote-write={}", receiver.url())]);
        let mut answered = 0;
        let mut compare = |queries: &[&str], minutes: &[u64], reference: &Database| {
            for (query, minute) in
                queries.iter().flat_map(|query| minutes.iter().map(move |minute| (query, *minute)))
            {
                let at = Some(START + minute * 60);
                let answers = [&ours, reference].map(|database| database.answer_at(query, at));
                answered += usize::from(!answers[0].is_empty());
                agree(query, minute, answers);
            }
        };
        compare(&QUERIES, &MINUTES, &promtools);
        compare(&NATIVE_QUERIES, &MINUTES_OF_ENDS, &receiver);
        assert!(answered > 180, "{answered} answers are not empty");
    }
}
