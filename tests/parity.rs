//! The same run gives the same answers through every output.

use std::path::Path;

use crate::databases::Database;
use crate::processes::{Pushgateway, eventually, free_port, promemu, promemu_command};

/// Values are made once, from the seed, and stay, so all servers answer the same at any time.
const CONFIG: &str = r#"Config(
    default_job_name: "parity",
    hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web-{i}", host: "web{i}.test", interval: 1,
        labels: { "Zone": "ü \"{i}\" \\", "empty": "" }, metric_sets: ["all"])],
    metric_sets: { "all": [
        Metric(name: "level_percent", value_range: (0, 100), update_interval: "1h", scenario: random_in_range),
        Metric(name: "below_zero", value_range: (-1e12, -1e-9), decimals: 12, update_interval: "1h", scenario: random_in_range),
        Metric(name: "steps_total", metric_type: counter, value_range: (1, 1000), update_interval: "1h", labels: { "path": "/a,b" },
            scenario: random_in_range),
        Metric(name: "request_seconds", metric_type: histogram, value_range: (0, 2), update_interval: "1h", buckets: [0.1, 0.5, 1],
            observations: 40, labels: { "path": "/" }, exemplars: true, created: true, scenario: random_in_range),
        Metric(name: "wait_seconds", metric_type: native_histogram, value_range: (0, 60), update_interval: "1h", observations: 5000,
            spread: lognormal(median: 0.5, p99: 4), exemplars: true, created: true),
        Metric(name: "drift_seconds", metric_type: native_histogram, value_range: (-9, 9), update_interval: "1h", observations: 50,
            max_buckets: 20, zero_threshold: 0.1, spread: normal(median: -0.5, p99: 2)),
        Metric(name: "never_seconds", metric_type: native_histogram, observations: 0, scenario: do_nothing),
        Metric(name: "size_bytes", metric_type: summary, value_range: (0, 1e9), update_interval: "1h", observations: 5000,
            quantiles: [0.5, 0.99, 1], window: "10h", spread: lognormal(median: 2000, p99: 50000), created: true),
        Metric(name: "idle_seconds", metric_type: summary, update_interval: "1h", observations: 0, scenario: do_nothing),
        Metric(name: "build_info", metric_type: info, labels: { "version": "1.2", "Odd": "π\\n" }),
        Metric(name: "breaker", metric_type: stateset, states: ["closed", "half \"open\"", "open"], update_interval: "1h",
            scenario: random_in_range),
    ] },
)"#;

/// Counts the series that every server makes of the run.
const COUNT: &str =
    r#"count({job="parity", name!="", __name__!~".*_created|idle_seconds|(wait|drift|never)_seconds.*"})"#;

/// Queries, the number of series in each answer, and the number of servers that keep these series, the first ones in order.
const QUERIES: [(&str, usize, usize); 22] = [
    (COUNT, 1, ALL),
    ("level_percent", 3, ALL),
    ("below_zero", 3, ALL),
    ("steps_total", 3, ALL),
    (r#"steps_total{Zone="ü \"2\" \\"}"#, 1, ALL),
    ("request_seconds_bucket", 12, ALL),
    ("request_seconds_sum", 3, ALL),
    ("request_seconds_count", 3, ALL),
    ("sum by (le) (request_seconds_bucket)", 4, ALL),
    ("histogram_quantile(0.9, request_seconds_bucket)", 3, ALL),
    ("size_bytes", 9, ALL),
    ("size_bytes_sum", 3, ALL),
    ("size_bytes_count", 3, ALL),
    ("idle_seconds_count", 3, ALL),
    ("build_info", 3, ALL),
    ("breaker", 9, ALL),
    (r#"breaker{breaker="half \"open\""}"#, 3, ALL),
    ("sum by (Zone) (breaker)", 3, ALL),
    ("idle_seconds", 9, WITH_NAN),
    // The answers have all buckets.
    ("wait_seconds", 3, WITH_NATIVE_HISTOGRAMS),
    ("drift_seconds", 3, WITH_NATIVE_HISTOGRAMS),
    ("never_seconds", 3, WITH_NATIVE_HISTOGRAMS),
];

const ALL: usize = 7;
const WITH_NAN: usize = 5;
const WITH_NATIVE_HISTOGRAMS: usize = 4;

/// The end of the export, in seconds since 1970 and as text.
const END: (u64, &str) = (1_767_574_200, "2026-01-05T00:50:00Z");

/// Exports the same run to a file.
fn export(config: &str, file: &Path) {
    let mut command =
        promemu_command(&["export", config, "--seed", "7", "--from", "2026-01-05", "--to", END.1]);
    let output = command.args(["--step", "1m", "--out"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_server_answers_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("parity.ron");
    std::fs::write(&file, CONFIG).unwrap();
    let exported = dir.path().join("parity.om");
    export(file.to_str().unwrap(), &exported);
    let (gateway, page) = (Pushgateway::start(), free_port());
    let databases: [(&str, Database); ALL] = [
        ("pushgateway", Database::prometheus_scraping(gateway.port)),
        ("scrape", Database::prometheus_scraping(page)),
        ("remote write 1.0, Prometheus", Database::prometheus()),
        ("remote write 2.0, Prometheus", Database::prometheus3()),
        ("export", Database::prometheus_with_blocks_of(&exported, END.0)),
        ("remote write 1.0, VictoriaMetrics", Database::victoria_metrics()),
        ("OTLP, VictoriaMetrics", Database::victoria_metrics()),
    ];
    let [_, _, written_1, written_2, _, written_vm, points_vm] =
        databases.each_ref().map(|(_, server)| server.url());
    let outputs = [
        format!("pushgateway={}", gateway.url()),
        format!("scrape=127.0.0.1:{page}"),
        format!("remote-write={written_1}"),
        format!("remote-write={written_2},version=2"),
        format!("remote-write={written_vm},shards=1,batch_samples=5"),
        format!("otlp={points_vm}/opentelemetry/v1/metrics"),
    ];
    let mut args = vec!["--config", file.to_str().unwrap(), "--seed", "7", "--push-interval", "1s"];
    args.extend(outputs.iter().flat_map(|output| ["--output", output]));
    let mut run = promemu(&args);
    compare_answers(&databases);
    compare_exemplars(&databases[..WITH_NATIVE_HISTOGRAMS]);
    check_other_buckets(&databases[WITH_NAN..]);
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(run.count_in_log("dropped_samples=0"), 4, "{}", run.log());
    for (name, server) in databases.iter().filter(|(name, _)| *name != "export") {
        // VictoriaMetrics turns native buckets into others, which no staleness marker ends.
        let count =
            if name.ends_with("VictoriaMetrics") { COUNT } else { r#"count({job="parity", name!=""})"# };
        eventually(&format!("{name} has ended the series"), || server.number(count).is_none().then_some(()));
    }
}

fn compare_answers(databases: &[(&str, Database)]) {
    for (query, series, servers) in QUERIES {
        let answers: Vec<_> = databases[..servers]
            .iter()
            .map(|(name, server)| {
                let answer = eventually(&format!("{name} answers {query}"), || {
                    Some(server.answer(query)).filter(|answer| answer.len() == series)
                });
                (name, answer)
            })
            .collect();
        for (name, answer) in &answers[1..] {
            assert_eq!(*answer, answers[0].1, "{query}: {name} and {}", answers[0].0);
        }
    }
}

fn compare_exemplars(databases: &[(&str, Database)]) {
    for family in ["request_seconds_bucket", "wait_seconds"] {
        let exemplars = databases.iter().map(|(name, server)| {
            let what = format!("{name} has the exemplars of {family}");
            (name, eventually(&what, || Some(server.exemplars(family)).filter(|found| found.len() == 3)))
        });
        let exemplars: Vec<_> = exemplars.collect();
        for (name, found) in &exemplars {
            assert_eq!(*found, exemplars[0].1, "{family}: {name}");
        }
    }
}

/// `VictoriaMetrics` turns native histograms into buckets of its own.
fn check_other_buckets(databases: &[(&str, Database)]) {
    for (name, server) in databases {
        for (quantile, wanted) in [(0.5, 0.5), (0.99, 4.0)] {
            let query = format!("histogram_quantile({quantile}, sum by (vmrange) (wait_seconds_bucket))");
            let found = eventually(&format!("{name} answers {query}"), || server.number(&query));
            assert!((found / wanted - 1.0).abs() < 0.1, "{name}, {query}: {found}");
        }
    }
}
