//! The memory that a run takes, and the estimate of it.

use crate::processes::{Process, eventually, free_port, get, promemu_command};

/// Configs of different shapes, large enough to be told from the program itself, with the number of their samples in the text format.
fn shapes() -> [(&'static str, usize, String); 7] {
    let hosts = |count: usize, fields: &str| {
        format!(
            "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {count}), name: \"h{{i}}\", {fields})])"
        )
    };
    let walk = "value_range: (0, 9), scenario: random_walk";
    let random = "value_range: (0.000001, 1000000), scenario: random_in_range";
    [
        (
            "hosts",
            60_000,
            hosts(30_000, &format!("metrics: [Metric(name: \"m\", {walk}), Metric(name: \"n\", {walk})]")),
        ),
        (
            "metrics of one host",
            30_000,
            format!(
                "Config(hosts: [Host(name: \"h\", metrics: [Metric(name: \"m\", repeat: Repeat(var: \"i\", from: 1, to: 30000), labels: {{ \"id\": \"{{i}}\" }}, {walk})])])"
            ),
        ),
        (
            "native histograms",
            24_000,
            hosts(8_000, &format!("metrics: [Metric(name: \"m\", metric_type: native_histogram, {random})]")),
        ),
        (
            "histograms",
            280_000,
            hosts(20_000, &format!("metrics: [Metric(name: \"m\", metric_type: histogram, {random})]")),
        ),
        (
            "summaries",
            20_000,
            hosts(4_000, &format!("metrics: [Metric(name: \"m\", metric_type: summary, {random})]")),
        ),
        (
            "members of pools",
            60_000,
            hosts(
                60,
                &format!(
                    "metrics: [], pools: [Pool(count: 500, labels: {{ \"id\": \"{{uuid()}}\" }}, metrics: [Metric(name: \"m\", {walk}), Metric(name: \"n\")])]"
                ),
            ),
        ),
        (
            "long labels",
            6_000,
            hosts(
                6_000,
                &format!(
                    "labels: {{ \"text\": \"{}\" }}, metrics: [Metric(name: \"m\", {walk})]",
                    "x".repeat(2_000)
                ),
            ),
        ),
    ]
}

/// The largest memory of a process so far, in MiB.
fn peak_mib(process: &Process) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// The peak of a run of this config that has been scraped when all of its samples were there.
fn measured(text: &str, samples: usize) -> f64 {
    let file = tempfile::Builder::new().suffix(".ron").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let port = free_port();
    let output = format!("scrape=127.0.0.1:{port}");
    let config = file.path().to_str().unwrap();
    let process =
        Process::start(&mut promemu_command(&["--config", config, "--output", &output, "--listen", "off"]));
    eventually("all samples are on the page", || {
        let page = get(port, "/metrics")?;
        let shown = page.lines().filter(|line| !line.starts_with('#')).count();
        (shown >= samples).then_some(())
    });
    peak_mib(&process)
}

#[test]
fn the_estimate_of_memory_is_near_what_runs_of_many_shapes_take() {
    let own = measured("Config(hosts: [Host(name: \"h\", metrics: [Metric(name: \"m\")])])", 1);
    for (what, samples, text) in shapes() {
        let file = tempfile::Builder::new().suffix(".ron").tempfile().unwrap();
        std::fs::write(file.path(), &text).unwrap();
        let line = promemu_command(&["check", file.path().to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8(line.stdout).unwrap();
        let (before, _) = said.split_once(" MiB of memory").unwrap();
        let estimate: f64 = before.rsplit(' ').next().unwrap().parse().unwrap();
        let taken = measured(&text, samples) - own;
        assert!(estimate >= 0.8 * taken && estimate <= 3.0 * taken, "{what}: {estimate} for {taken} MiB");
    }
}
