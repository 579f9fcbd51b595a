//! Three shards and one whole process, scraped by one Prometheus: the same queries have the same answers.

use std::time::Duration;

use serde_json::Value;

use crate::databases::encoded;
use crate::nats::Nats;
use crate::processes::{Process, Prometheus, changed_config, eventually, free_port, promemu, within};
use crate::sharded::SHARDS;

/// Values change in steps of eight seconds, which scrapes of each second see whatever their offsets; peaks come and go.
const ARGS: [&str; 6] =
    ["hosts_count=9", "hosts_ttl=1h", "interval=1s", "metrics_interval=8s", "first_peak=16s", "--seed"];
const SEED: &str = "7";
/// More than the shipped config has: something that grows, and a histogram.
const MORE: &str = r#""worker": [
            Metric(name: "requests_total", metric_type: counter, value_range: (1, 1000), update_interval: "8s", scenario: random_in_range),
            Metric(name: "request_seconds", metric_type: histogram, value_range: (0, 2), update_interval: "8s", buckets: [0.1, 0.5, 1],
                observations: 40, scenario: random_in_range),"#;
/// Queries over the series of one way, which stands for `WAY`.
const QUERIES: [&str; 7] = [
    r#"count({WAY, name=~"worker.*|balancer.*"})"#,
    "sum(cpu_usage_percent{WAY})",
    r#"sum by (name) (memory_usage_bytes{WAY, name="worker-05"})"#,
    "quantile(0.9, network_speed_mbps{WAY})",
    "sum(requests_total{WAY})",
    "histogram_quantile(0.3, sum by (le) (request_seconds_bucket{WAY}))",
    "max(heavy_task_active{WAY})",
];
const RATE: &str = "sum(rate(requests_total{WAY}[20s]))";
/// Seconds that are compared.
const WATCHED: u64 = 48;
/// A value that is seen for so many seconds is of one step in all processes.
const STEADY: usize = 3;

/// A way in which the run is done.
fn of_way(query: &str, way: &str) -> String {
    query.replace("WAY", &format!("way=\"{way}\""))
}

/// The values of a query, second by second, without those in which a process was not scraped in time.
fn values(prometheus: &Prometheus, query: &str, from: u64) -> Vec<f64> {
    let query = format!("({query}) and on() (sum(up) == {})", SHARDS + 1);
    let path = format!("query_range?query={}&start={from}&end={}&step=1", encoded(&query), from + WATCHED);
    let answer = prometheus.api(&path).unwrap_or_else(|| panic!("no answer to {query}"));
    let points = answer["data"]["result"][0]["values"].as_array().cloned().unwrap_or_default();
    points.iter().map(|point| point[1].as_str().unwrap().parse().unwrap()).collect()
}

fn is_same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

/// The values that stood for a while, each once.
fn steps(values: &[f64]) -> Vec<f64> {
    let mut steps: Vec<f64> = Vec::new();
    for same in values.chunk_by(|a, b| is_same(*a, *b)).filter(|same| same.len() >= STEADY) {
        if steps.last().is_none_or(|last| !is_same(*last, same[0])) {
            steps.push(same[0]);
        }
    }
    steps
}

/// A process of the run, and the port of its metrics.
fn start_one(config: &str, more: &[&str]) -> (Process, u16) {
    let port = free_port();
    let output = format!("scrape=127.0.0.1:{port}");
    (promemu(&[&["run", config], &ARGS[..], &[SEED, "--output", &output], more].concat()), port)
}

/// Three shards, and the whole with the same start.
fn start(nats: &Nats, config: &str) -> (Vec<Process>, Vec<u16>) {
    let bus = nats.url();
    let shard = |number| start_one(config, &["--shard", &format!("{number}/{SHARDS}"), "--bus", &bus]);
    let mut all: Vec<(Process, u16)> = (1..=SHARDS).map(shard).collect();
    let since = eventually("the shards have agreed on their start", || {
        let log = all[0].0.log();
        let since = log.split("since=").nth(1)?.split_whitespace().next()?;
        Some(since.trim_matches('"').to_owned())
    });
    all.push(start_one(config, &["--started-at", &since]));
    all.into_iter().unzip()
}

/// A Prometheus that scrapes all of them; the targets of shards have the label `part`, those of the whole run have none.
fn scraping(ports: &[u16]) -> Prometheus {
    let target = |(at, port): (usize, &u16)| {
        let labels = if at < SHARDS { format!("way: shards, part: '{at}'") } else { "way: whole".to_owned() };
        format!("    - {{ targets: ['127.0.0.1:{port}'], labels: {{ {labels} }} }}\n")
    };
    let targets: String = ports.iter().enumerate().map(target).collect();
    Prometheus::configured(&format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: run\n    honor_labels: true\n    static_configs:\n{targets}"
    ))
}

#[test]
fn three_shards_answer_the_same_queries_as_one_process_through_one_prometheus() {
    let dir = changed_config(
        "hosts_load_with_peaks",
        &[
            ("duration: \"90s\", interval: \"30s\"", "duration: \"16s\", interval: \"16s\""),
            ("\"worker\": [", MORE),
        ],
    );
    let nats = Nats::start();
    let config = dir.path().join("hosts_load_with_peaks.ron").display().to_string();
    let (_processes, ports) = start(&nats, &config);
    let prometheus = scraping(&ports);
    // The answers are complete when the last second is there.
    let all = eventually("all series are there", || {
        let count = |way: &str| prometheus.query(&of_way(QUERIES[0], way));
        let (shards, whole) = (count("shards")?, count("whole")?);
        (is_same(shards, whole) && shards > 100.0).then_some(shards)
    });
    let now = prometheus.query("vector(time())").unwrap();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds since 1970")]
    let from = now as u64 + 1;
    within(Duration::from_mins(2), "the time has passed", || {
        (prometheus.query("vector(time())")? > now + 3.0 + f64::from(u32::try_from(WATCHED).unwrap()))
            .then_some(())
    });
    for query in QUERIES {
        let [shards, whole] =
            ["shards", "whole"].map(|way| steps(&values(&prometheus, &of_way(query, way), from)));
        let mut rest = whole.as_slice();
        let mut alike = 0;
        for value in &shards {
            if let Some(at) = rest.iter().position(|other| is_same(*other, *value)) {
                (rest, alike) = (&rest[at + 1..], alike + 1);
            }
        }
        // The first and the last one may be cut in one of them, and a busy machine may cut others; another run has none alike.
        let least = if query == QUERIES[0] { 1 } else { (shards.len() / 2).max(2) };
        println!("{query}: {alike} of {} steps are alike", shards.len());
        assert!(alike >= least, "{query}: {shards:?} is not {whole:?}");
    }
    let [shards, whole] = ["shards", "whole"].map(|way| {
        let rates = values(&prometheus, &of_way(RATE, way), from + 20);
        let count = u32::try_from(rates.len()).unwrap();
        rates.iter().sum::<f64>() / f64::from(count)
    });
    println!("{all} series; rate {shards} by shards, {whole} by one process");
    assert!((shards - whole).abs() < 0.2 * whole, "{shards} is not {whole}");
    cpu_rises_everywhere(&prometheus, from);
}

/// The peaks of the balancer, which one shard has, are seen at each worker.
fn cpu_rises_everywhere(prometheus: &Prometheus, from: u64) {
    let at = from + WATCHED;
    let path = |query: &str| format!("query?query={}&time={at}", encoded(query));
    let spread = "max_over_time(cpu_usage_percent{way=\"shards\"}[48s]) - min_over_time(cpu_usage_percent{way=\"shards\"}[48s])";
    let answer: Value = prometheus.api(&path(spread)).unwrap();
    let workers = answer["data"]["result"].as_array().unwrap();
    assert_eq!(workers.len(), 9, "{workers:?}");
    for worker in workers {
        let rise: f64 = worker["value"][1].as_str().unwrap().parse().unwrap();
        assert!(rise > 40.0, "{worker}");
    }
    let targets = "count(count by (part) (cpu_usage_percent{way=\"shards\"}))";
    assert!(prometheus.query_at(targets, at).unwrap() >= 2.0, "the workers are in several shards");
}
