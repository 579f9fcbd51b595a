//! The memory that a run takes, and the estimate of it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::processes::{Process, eventually, free_port, get, http, promemu_command, promemu_in_kib};

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
        // Windows of summaries fill up in the first minutes only, and are estimated when they are full.
        let more = if what == "summaries" { 5.0 } else { 3.0 };
        assert!(estimate >= 0.8 * taken && estimate <= more * taken, "{what}: {estimate} for {taken} MiB");
    }
}

#[test]
fn a_damaged_config_as_long_as_is_read_is_refused_in_little_memory() {
    let text = std::fs::read_to_string("configs/single_host_load.ron").unwrap();
    let long = "x".repeat(60 << 20);
    for damaged in [
        text.replacen("description: \"", &format!("description: \"{long}"), 1),
        text.replacen("hosts:", &format!("{long}:"), 1),
        format!("// {long}\nConfig(hosts: 5)"),
    ] {
        let file = tempfile::Builder::new().suffix(".ron").tempfile().unwrap();
        std::fs::write(file.path(), damaged).unwrap();
        let ended = promemu_in_kib(1_000_000, &["check", file.path().to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.code() == Some(2) && said.contains(".ron:"), "{:?}: {said:.1000}", ended.status);
        assert!(said.len() < 100_000, "{} bytes are said", said.len());
    }
}

#[test]
fn clients_that_read_nothing_of_the_metrics_of_a_run_take_no_memory_for_each() {
    const SERIES: usize = 60_000;
    const CLIENTS: usize = 100;
    let [port, page] = [(); 2].map(|()| free_port());
    let (listen, output) = (format!("127.0.0.1:{port}"), format!("scrape=127.0.0.1:{page}"));
    let mut daemon = Process::start(&mut promemu_command(&["--listen", &listen, "--output", &output]));
    eventually("the API answers", || get(port, "/health"));
    let text = format!(
        "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: {}), name: \"host-with-a-long-name-{{i}}\", \
         metrics: [Metric(name: \"m{{j}}\", repeat: Repeat(var: \"j\", from: 1, to: 20), default_value: 1)])])",
        SERIES / 20
    );
    let run = serde_json::json!({ "id": "one", "text": text }).to_string();
    assert_eq!(http("POST", port, "/api/v1/runs", &run).unwrap().0, 201);
    let path = "/api/v1/runs/one/metrics";
    let series = |page: &str| page.lines().filter(|line| line.starts_with('m')).count();
    let whole = || get(port, path).filter(|page| series(page) == SERIES);
    for state in ["running", "over"] {
        let bytes = eventually("all series are there", whole).len();
        let before = peak_mib(&daemon);
        let open = |_| {
            let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            write!(client, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
            client
        };
        let mut clients: Vec<TcpStream> = (0..CLIENTS).map(open).collect();
        let statuses: Vec<String> = clients
            .iter_mut()
            .map(|client| {
                let mut status = [0; 12];
                client.read_exact(&mut status).unwrap();
                String::from_utf8_lossy(&status[9..]).into_owned()
            })
            .collect();
        assert!(statuses.iter().any(|status| status == "200"), "{statuses:?}");
        assert!(statuses.iter().any(|status| status == "429"), "{statuses:?}");
        let grown = peak_mib(&daemon) - before;
        let if_whole = f64::from(u32::try_from((CLIENTS * bytes) >> 20).unwrap());
        assert!(grown < if_whole / 8.0, "{state}: {grown} MiB of {if_whole}");
        drop(clients);
        eventually("others get them again", whole);
        if state == "running" {
            assert_eq!(http("POST", port, "/api/v1/runs/one/stop", "").unwrap().0, 202);
            eventually("it is over", || {
                get(port, "/api/v1/runs/one").filter(|run| run.contains("\"ended_at\":\""))
            });
        }
    }
    assert_eq!(daemon.terminate(), Some(0));
}
