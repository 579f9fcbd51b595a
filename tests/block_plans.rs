//! Random plans with odd labels and all faults: promtool reads from their blocks what the OpenMetrics export has.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use crate::processes::promemu_command;

/// Labels of a series, and a time in milliseconds; the value as its bits, with one for all that is no number.
type Samples = BTreeMap<(Labels, i64), u64>;
type Labels = BTreeMap<String, String>;

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

/// A text of a config; a brace is written twice.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", text.replace('{', "{{").replace('}', "}}"))
}

fn host() -> impl Strategy<Value = String> {
    let labels = [label_value(), label_value(), label_value()];
    let faults = proptest::sample::subsequence(FAULTS.to_vec(), 0..3);
    (labels, faults, 3u32..20, prop_oneof![Just("inf"), Just("7m")]).prop_map(
        |([host, metric, member], faults, interval, ttl)| {
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
                "interval: {interval}, ttl: \"{ttl}\", labels: {{ \"odd\": {host} }}, faults: [{}], metrics: [
                    Metric(name: \"load\", value_range: (-3, 3), labels: {{ \"own\": {metric} }}, scenario: random_walk),
                    Metric(name: \"n_total\", metric_type: counter, value_range: (1, 9), scenario: random_in_range),
                    Metric(name: \"latency_seconds\", metric_type: histogram, buckets: [0.1, 1], value_range: (0, 2), scenario: random_in_range)],
                {pools}",
                faults.join(", ")
            )
        },
    )
}

/// Names and values between braces, in the escapes of Prometheus. A label without a value does not exist.
fn labels(mut text: &str) -> Labels {
    let mut labels = Labels::new();
    while let Some((name, rest)) = text.split_once("=\"") {
        let (mut value, mut chars) = (String::new(), rest.char_indices());
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        if !value.is_empty() {
            labels.insert(name.trim_start_matches([',', ' ']).to_owned(), value);
        }
        text = &rest[end + 1..];
    }
    labels
}

fn bits(value: &str) -> u64 {
    let value: f64 = value.parse().unwrap();
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// The samples of an OpenMetrics file.
fn samples_of_file(file: &Path) -> Samples {
    let text = std::fs::read_to_string(file).unwrap();
    let sample = |line: &str| {
        let line = line.split(" # {").next().unwrap();
        let (rest, time) = line.rsplit_once(' ').unwrap();
        let (series, value) = rest.rsplit_once(' ').unwrap();
        let (name, inner) = series.split_once('{').unwrap();
        let mut labels = labels(inner.strip_suffix('}').unwrap());
        labels.insert("__name__".to_owned(), name.to_owned());
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds are below 2^53")]
        let millis = (time.parse::<f64>().unwrap() * 1e3).round() as i64;
        ((labels, millis), bits(value))
    };
    text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

/// The samples that promtool reads from blocks.
fn samples_of_blocks(data: &Path) -> Samples {
    // promtool wants the folder of a log that it never reads here.
    std::fs::create_dir_all(data.join("wal")).unwrap();
    let output = Command::new("promtool").args(["tsdb", "dump"]).arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sample = |line: &str| {
        let (rest, time) = line.rsplit_once(' ').unwrap();
        let (series, value) = rest.rsplit_once(' ').unwrap();
        let inner = series.strip_prefix('{').and_then(|series| series.strip_suffix('}')).unwrap();
        ((labels(inner), time.parse().unwrap()), bits(value))
    };
    String::from_utf8(output.stdout).unwrap().lines().map(sample).collect()
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
        own.retain(|sample, value| *value != f64::NAN.to_bits() || theirs.contains_key(sample));
        prop_assert!(!theirs.is_empty());
        prop_assert!(own == theirs, "{} and {} samples", own.len(), theirs.len());
    }
}
