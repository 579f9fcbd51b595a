//! Random plans with odd names and labels, infinite values and all faults: promtool reads from their blocks what the OpenMetrics export has.

use std::path::Path;

use proptest::prelude::*;

use crate::block_samples::{is_marker, samples_of_blocks, samples_of_file};
use crate::processes::promemu_command;

const FAULTS: [&str; 9] = [
    "gap(at: \"4m\", lasts: \"3m\")",
    "counter_reset(at: \"6m\")",
    "nan(probability: 0.3)",
    "clock_skew(ahead: \"25s\", at: \"3m\", lasts: \"2m\")",
    "late(by: \"45s\", at: \"5m\", lasts: \"3m\", probability: 0.5)",
    "out_of_order(by: \"17s\", probability: 0.4)",
    "flapping(up: \"90s\", down: \"40s\")",
    "host_down(at: \"8m\", lasts: \"2m\")",
    "gap(at: \"1s\", lasts: \"100s\")",
];

fn label_value() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => "[a-z0-9 .,={}\"\\\\\näß日本😀-]{0,10}",
        3 => Just(String::new()),
        1 => "[a-z]".prop_map(|letter| letter.repeat(64 << 10)),
    ]
}

/// A name that Prometheus takes for a metric; none has two of them that are alike.
fn metric_name() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => "[a-zA-Z_:][a-zA-Z0-9_:]{0,12}",
        1 => "[_:]".prop_map(|sign| sign.repeat(900)),
    ]
}

/// A name that Prometheus takes for a label, which none of promemu's own begins like.
fn label_name() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => "_?[A-Z][a-zA-Z0-9_]{0,8}",
        1 => "[A-Z]".prop_map(|letter| letter.repeat(1_000)),
    ]
}

/// Of observations whose sum leaves the range of numbers, up, down or not at all.
const OBSERVED: [&str; 3] = ["(0, 2)", "(1e308, 1.7e308)", "(-1.7e308, -1e308)"];

/// A text of a config; a brace is written twice.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", text.replace('{', "{{").replace('}', "}}"))
}

fn host() -> impl Strategy<Value = String> {
    let labels = [label_value(), label_value(), label_value()];
    let names = (metric_name(), label_name(), proptest::sample::select(&OBSERVED[..]));
    let faults = proptest::sample::subsequence(FAULTS.to_vec(), 0..3);
    (labels, names, faults, 3u32..20, prop_oneof![Just("inf"), Just("7m")]).prop_map(
        |([host, metric, member], (name, label, observed), faults, interval, ttl)| {
            let (host, metric, member) = (quoted(&host), quoted(&metric), quoted(&member));
            // A host whose reports come late may have no pools.
            let is_late = |fault: &&str| fault.starts_with("late") || fault.starts_with("out_of_order");
            let pools = if faults.iter().any(is_late) {
                String::new()
            } else {
                format!(
                    "pools: [Pool(name: \"pods\", count: 2, labels: {{ \"pod\": \"{{slot}}\", \"of_member\": {member} }},
                        metrics: [Metric(name: \"pod_load\", value_range: (0, 1), scenario: random_walk)])]"
                )
            };
            format!(
                "interval: {interval}, ttl: \"{ttl}\", labels: {{ \"{label}\": {host} }}, faults: [{}], metrics: [
                    Metric(name: \"{name}:g\", value_range: (-3, 3), labels: {{ \"own\": {metric} }}, scenario: random_walk),
                    Metric(name: \"n_total\", metric_type: counter, value_range: (1, 9), scenario: random_in_range),
                    Metric(name: \"latency_seconds\", metric_type: histogram, buckets: [0.1, 1], value_range: {observed}, scenario: random_in_range)],
                {pools}",
                faults.join(", ")
            )
        },
    )
}

fn export(config: &str, seed: u64, out: &Path) {
    let (out, seed) = (out.display().to_string(), seed.to_string());
    let args = [
        "export",
        config,
        "--from",
        "2026-01-05T01:55:00Z",
        "--for",
        "12m",
        "--step",
        "10s",
        "--seed",
        &seed,
    ];
    let more = ["--labels", "push", "--max-block-duration", "2h", "--out", &out];
    let output = promemu_command(&[&args[..], &more].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn cases() -> u32 {
    if std::env::var_os("PROMEMU_LONG").is_some() { 1_000 } else { 20 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_of_any_plan_have_the_samples_of_its_openmetrics(hosts in proptest::collection::vec(host(), 1..4), seed: u64) {
        let dir = tempfile::tempdir().unwrap();
        let (config, file, data) = (dir.path().join("plan.ron"), dir.path().join("x.om"), dir.path().join("data"));
        let hosts: Vec<String> =
            hosts.iter().enumerate().map(|(n, host)| format!("Host(name: \"h-{n}\", {host})")).collect();
        std::fs::write(&config, format!("Config(default_job_name: \"j\", hosts: [{}])", hosts.join(",\n"))).unwrap();
        let config = config.display().to_string();
        export(&config, seed >> 12, &file);
        std::fs::create_dir(&data).unwrap();
        export(&config, seed >> 12, &data);
        let (mut own, theirs) = (samples_of_blocks(&data), samples_of_file(&file));
        // Blocks have markers of series that end besides.
        own.retain(|sample, value| !is_marker(*value) || theirs.contains_key(sample));
        prop_assert!(!theirs.is_empty());
        prop_assert!(own == theirs, "{} and {} samples", own.len(), theirs.len());
    }
}
