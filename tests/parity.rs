//! The same run says the same through every output.

use crate::databases::Database;
use crate::processes::{Pushgateway, eventually, free_port, promemu};

/// Values that come once, from the seed, and stay: so all servers are to answer the same whenever they are asked.
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
            observations: 40, labels: { "path": "/" }, scenario: random_in_range),
    ] },
)"#;

/// Queries, and how many series each answers.
const QUERIES: [(&str, usize); 9] = [
    (r#"count({job="parity", name!=""})"#, 1),
    ("level_percent", 3),
    ("below_zero", 3),
    ("steps_total", 3),
    (r#"steps_total{Zone="ü \"2\" \\"}"#, 1),
    ("request_seconds_bucket", 12),
    ("request_seconds_sum", 3),
    ("request_seconds_count", 3),
    ("sum by (le) (request_seconds_bucket)", 4),
];

#[test]
fn every_server_answers_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("parity.ron");
    std::fs::write(&file, CONFIG).unwrap();
    let (gateway, page) = (Pushgateway::start(), free_port());
    let databases = [
        ("pushgateway", Database::prometheus_scraping(gateway.port)),
        ("scrape", Database::prometheus_scraping(page)),
        ("remote write 1.0, Prometheus", Database::prometheus()),
        ("remote write 2.0, Prometheus", Database::prometheus3()),
        ("remote write 1.0, VictoriaMetrics", Database::victoria_metrics()),
        ("OTLP, VictoriaMetrics", Database::victoria_metrics()),
    ];
    let [_, _, written_1, written_2, written_vm, points_vm] =
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
    for (query, count) in QUERIES {
        let answers = databases.each_ref().map(|(name, server)| {
            let answer = eventually(&format!("{name} answers {query}"), || {
                Some(server.answer(query)).filter(|answer| answer.len() == count)
            });
            (*name, answer)
        });
        for (name, answer) in &answers[1..] {
            assert_eq!(*answer, answers[0].1, "{query}: {name} and {}", answers[0].0);
        }
    }
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(run.count_in_log("none was dropped"), 4, "{}", run.log());
    for (name, server) in &databases {
        eventually(&format!("{name} knows of the end"), || {
            server.number(r#"count({job="parity", name!=""})"#).is_none().then_some(())
        });
    }
}
