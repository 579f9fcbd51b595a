//! `promemu --history`: the series of a live run go on from its past, without a gap and without a break.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::api::Events;
use crate::processes::{Process, Prometheus, eventually, free_port, get, promemu};

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

/// The samples of a host's metric in a CSV file: milliseconds since 1970, and the value.
fn csv_samples(file: &Path, host: &str, metric: &str) -> BTreeMap<i64, f64> {
    let text = std::fs::read_to_string(file).unwrap();
    let of_host = format!("\"\"{host}\"\"");
    let rows = text.lines().filter(|row| row.split(',').nth(1) == Some(metric) && row.contains(&of_host));
    let sample = |row: &str| {
        (row.split(',').next().unwrap().parse().unwrap(), row.rsplit(',').next().unwrap().parse().unwrap())
    };
    rows.map(sample).collect()
}

#[test]
fn the_live_page_opens_on_the_past_and_a_timeline_begins_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let (config, file) = (dir.path().join("page.ron"), dir.path().join("past.csv"));
    let text = CONFIG
        .replace("Config(", "Config(levers: { \"load\": 1 }, timeline: Timeline(phases: [Phase(name: \"peak\", lasts: \"9h\", set: { \"load\": 5 })]), ")
        .replace("metrics: [Metric(name: \"n_total\"", "metrics: [Metric(name: \"load\", update_interval: \"1s\", scenario: script(source: \"run.load\")), Metric(name: \"n_total\"");
    std::fs::write(&config, text).unwrap();
    let (port, scraped) = (free_port(), free_port());
    let (config, out) = (config.display().to_string(), file.display().to_string());
    let (listen, output) = (format!("127.0.0.1:{port}"), format!("scrape=127.0.0.1:{scraped}"));
    let args = ["--config", &config, "--history", "2m", "--history-step", "1s", "--history-out", &out];
    let _run = promemu(&[&args[..], &["--listen", &listen, "--output", &output]].concat());
    eventually("the run is live", || get(port, "/api/v1/timeline"));
    let path = "/api/v1/live?series=h-1/n_total&series=sum:n_total&series=h-2/load&series=sum:pod_info&series=no/one";
    let mut live = Events::open(port, path);
    let (name, beginning) = live.next();
    assert_eq!(name, "series");
    let past = |series: usize| {
        let points = beginning["series"][series]["past"].as_array().unwrap().iter();
        let points = points.filter_map(|point| Some((point[0].as_f64()?, point[1].as_f64()?)));
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds are below 2^53")]
        points.map(|(secs, value)| ((secs * 1e3).round() as i64, value)).collect::<BTreeMap<i64, f64>>()
    };
    let own = csv_samples(&file, "h-1", "n_total");
    // Of a history that has become long, not all moments are kept.
    assert!(past(0).len() > 100, "{:?}", past(0));
    assert!(past(0).iter().all(|(time, value)| own[time].to_bits() == value.to_bits()), "{:?}", past(0));
    assert_eq!(past(0).keys().next_back(), own.keys().next_back());
    let other = csv_samples(&file, "h-2", "n_total");
    for (time, sum) in past(1).iter().rev().take(90) {
        assert!((own[time] + other[time] - sum).abs() < 1e-9, "{time}: {sum}");
    }
    let load = past(2);
    assert!(load.len() > 100 && load.values().all(|value| value.to_bits() == 1f64.to_bits()), "{load:?}");
    assert!(
        past(3).is_empty() && past(4).is_empty(),
        "members come and go, and a host that is not there has no past"
    );
    let newest = *load.keys().next_back().unwrap();
    let peak = eventually("the timeline begins", || {
        let (name, sample) = live.next();
        (name == "sample" && sample["values"][2].as_f64() == Some(5.0)).then(|| sample["t"].as_f64().unwrap())
    });
    #[expect(clippy::cast_precision_loss, reason = "milliseconds are below 2^53")]
    let end = newest as f64 / 1e3;
    assert!(peak > end, "{peak} is behind {end}");
}
