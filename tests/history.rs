//! `promemu --history`: the series of a live run go on from its past, without a gap and without a break.

use std::path::Path;
use std::process::Command;

use crate::processes::{Process, Prometheus, eventually, free_port, promemu};

/// Two hosts with a counter, and a member of a pool each.
const CONFIG: &str = r#"Config(default_job_name: "j", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", interval: "1s",
    metrics: [Metric(name: "n_total", metric_type: counter, value_range: (1, 9), update_interval: "1s", scenario: random_in_range)],
    pools: [Pool(name: "pods", count: 1, labels: { "pod": "{slot}" }, metrics: [Metric(name: "pod_info", default_value: 1)])])])"#;

/// A live run with a history, whose step is that of the scrapes.
fn run(dir: &Path, out: &str, more: &[&str]) -> Process {
    let config = dir.join("seam.ron");
    std::fs::write(&config, CONFIG).unwrap();
    let config = config.display().to_string();
    let args = ["--config", &config, "--history", "20m", "--history-out", out, "--history-step", "1s"];
    promemu(&[&args[..], more].concat())
}

fn wait_for_history(run: &Process) {
    eventually("the history is written", || run.log().contains("history is written").then_some(()));
}

/// Asks a Prometheus for the time around the seam. Each family has so many series.
fn has_no_seam(prometheus: &Prometheus, families: &[(&str, f64)]) {
    let length = 40;
    for (family, series) in families {
        // The history alone has fewer samples than that: the scrapes are at work.
        let newest =
            eventually("samples are scraped", || prometheus.query(&format!("min(timestamp({family}))")));
        let scraped = format!("min(timestamp({family})) > {}", newest + 8.0);
        eventually("eight more seconds are scraped", || prometheus.query(&scraped));
        let ask = |query: String| eventually(&query, || prometheus.query(&query));
        assert!(
            (ask(format!("count(count_over_time({family}[15m]))")) - series).abs() < 0.5,
            "{family}: the same series"
        );
        let counts = ["min", "max"].map(|of| ask(format!("{of}(count_over_time({family}[{length}s]))")));
        // A server that is started at the seam has missed the first scrapes, and a scrape is not at a whole second.
        assert!(
            counts.iter().all(|count| (28.0..=41.0).contains(count)),
            "{family}: {counts:?} samples in {length} s"
        );
        let resets = ask(format!("max(resets({family}[15m]))"));
        assert!(resets.abs() < 0.5, "{family} goes on: {resets} resets");
    }
}

#[test]
fn series_that_are_scraped_by_host_go_on_from_the_blocks_of_their_history() {
    let dir = tempfile::tempdir().unwrap();
    let (data, port) = (dir.path().join("data"), free_port());
    let out = format!("{}/", data.display());
    let run = run(dir.path(), &out, &["--output", &format!("scrape=127.0.0.1:{port}")]);
    wait_for_history(&run);
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: emulated\n    http_sd_configs:\n      - url: \
         http://127.0.0.1:{port}/http_sd\n        refresh_interval: 1s\n"
    );
    let prometheus = Prometheus::configured_with_data(&config, &data);
    has_no_seam(&prometheus, &[("n_total", 2.0), ("pod_info", 2.0), ("up", 2.0)]);
}

#[test]
fn series_of_remote_write_go_on_from_the_history_that_was_sent_there() {
    let (dir, prometheus) = (tempfile::tempdir().unwrap(), Prometheus::receiving());
    let target = format!("remote-write={}/api/v1/write", prometheus.url());
    let run = run(dir.path(), &target, &["--output", &target, "--push-interval", "1s"]);
    wait_for_history(&run);
    has_no_seam(&prometheus, &[("n_total", 2.0), ("pod_info", 2.0)]);
}

#[test]
fn series_as_of_a_pushgateway_go_on_from_the_openmetrics_of_their_history() {
    let dir = tempfile::tempdir().unwrap();
    let (data, past, port) = (dir.path().join("data"), dir.path().join("past.om"), free_port());
    let url = format!("http://127.0.0.1:{port}");
    let run = run(dir.path(), &past.display().to_string(), &["--embedded", "--pushgateway-url", &url]);
    wait_for_history(&run);
    let import = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&past, &data])
        .output();
    assert!(import.unwrap().status.success());
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: gateway\n    honor_labels: true\n    \
         static_configs: [{{ targets: ['127.0.0.1:{port}'] }}]\n"
    );
    let prometheus = Prometheus::configured_with_data(&config, &data);
    has_no_seam(&prometheus, &[("n_total", 2.0), ("pod_info", 2.0)]);
}
