//! The lines of the live page against a real Prometheus: on the same sample times, its own formula gives the same values, while hosts
//! stop, start, and go down.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::api::{Daemon, Events};
use crate::databases::{Database, encoded};
use crate::golden::shipped_configs;
use crate::processes::{free_port, get, promemu_command};
use crate::simulated::plugins;

/// The most series whose samples a stream has, and the most lines: together as many as a stream may have.
const SERIES_MAX: usize = 40;
const LINES_MAX: usize = 24;
/// The samples of a stream: the range of a rate, and those that are compared.
const SAMPLES: usize = RANGE_SAMPLES + 26;
const RANGE_SAMPLES: usize = 32;
/// Configs that this test cannot compare: of the first nothing grows that fits into a stream, `kubernetes_cluster` gets pods that the
/// test does not know, and a stream has no NaN, as `dirty_data` has. `page_lines` compares all of them.
const NOT_COMPARED: [&str; 11] = [
    "churn",
    "custom_scenario",
    "hosts_load_with_peaks",
    "processes",
    "processes_chaos",
    "processes_churn",
    "processes_high_cardinality",
    "processes_realistic",
    "single_host_load",
    "kubernetes_cluster",
    "dirty_data",
];
const OPERATORS: [&str; 4] = ["avg", "sum", "min", "max"];

/// A family, and the labels of its series, as a page of metrics has them.
struct Family {
    name: String,
    grows: bool,
    series: Vec<String>,
}

/// The first families of a run whose series fit into a stream, those that grow before others.
fn families(daemon: &Daemon) -> Vec<Family> {
    let (_, known) = daemon.get("/api/v1/metrics?limit=200");
    let page = get(daemon.port, "/api/v1/runs/main/metrics").unwrap();
    let mut found: Vec<Family> = Vec::new();
    for metric in known["metrics"].as_array().unwrap() {
        let name = metric["name"].as_str().unwrap().to_owned();
        let suffix = match metric["type"].as_str().unwrap() {
            "counter" | "gauge" => "",
            "histogram" | "summary" => "_count",
            _ => continue,
        };
        let lines = page.lines().filter_map(|line| line.strip_prefix(&format!("{name}{suffix}{{")));
        let labels = |line: &str| {
            let (labels, _) = line.rsplit_once("} ").unwrap();
            // Labels of the page, not of the run.
            let own = labels
                .split("\",")
                .filter(|pair| !pair.starts_with("job=") && !pair.starts_with("instance="));
            own.map(|pair| pair.trim_end_matches('"').to_owned() + "\"").collect::<Vec<_>>().join(",")
        };
        let series = lines.map(labels).collect();
        found.push(Family { name: name.clone(), grows: metric["type"] != "gauge", series });
    }
    found.sort_by_key(|family| !family.grows);
    let mut room = SERIES_MAX;
    found.retain(|family| {
        let fits = !family.series.is_empty() && family.series.len() <= room;
        room -= if fits { family.series.len() } else { 0 };
        fits
    });
    found
}

/// The values of some series, by time in milliseconds.
type Table = BTreeMap<u64, Vec<Option<f64>>>;

/// The next sample of a stream: its time, and the values.
fn next(stream: &mut Events) -> (u64, Vec<Option<f64>>) {
    loop {
        let (name, data) = stream.next();
        if name == "sample" {
            let values = data["values"].as_array().unwrap().iter().map(Value::as_f64).collect();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "milliseconds are below 2^53"
            )]
            return ((data["t"].as_f64().unwrap() * 1e3).round() as u64, values);
        }
    }
}

/// The samples, as a Prometheus that has scraped them at these times.
fn prometheus_with(samples: &Table, names: &[String]) -> Database {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for (column, name) in names.iter().enumerate() {
        for (millis, values) in samples {
            if let Some(value) = values[column] {
                writeln!(text, "{name} {value} {}.{:03}", millis / 1000, millis % 1000).unwrap();
            }
        }
    }
    let file = dir.path().join("samples.om");
    std::fs::write(&file, text + "# EOF\n").unwrap();
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h"])
        .args([&file, &dir.path().join("data")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Database::prometheus_with_data(dir, true)
}

/// The answers to a query at a time, by the label `line`.
fn answers(prometheus: &Database, query: &str, millis: u64) -> BTreeMap<String, f64> {
    let at = format!("{}.{:03}", millis / 1000, millis % 1000);
    let text = get(prometheus.port(), &format!("/api/v1/query?query={}&time={at}", encoded(query))).unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let series = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{text}"));
    let one = |series: &Value| {
        let value = series["value"][1].as_str().unwrap().parse().unwrap();
        (series["metric"]["line"].as_str().unwrap().to_owned(), value)
    };
    series.iter().map(one).collect()
}

/// Runs a config, changes its hosts meanwhile, and compares all lines of its families with those of Prometheus.
fn lines_are_those_of_prometheus(config: &str, args: &[&str]) {
    lines_with_plugins_are_those_of_prometheus(config, args, None);
}

fn lines_with_plugins_are_those_of_prometheus(config: &str, args: &[&str], plugins: Option<&Path>) {
    let daemon = Daemon::with_command(|listen| {
        let mut command = promemu_command(&["--config", config, "--seed", "7", "--listen", listen]);
        command.args(["--output", &format!("scrape=127.0.0.1:{}", free_port())]);
        command
            .args(plugins.into_iter().flat_map(|folder| [OsStr::new("--plugins-dir"), folder.as_os_str()]));
        if !args.is_empty() {
            command.arg("--config-args").args(args);
        }
        command
    });
    let families = families(&daemon);
    assert!(families.iter().any(|family| family.grows), "{config} has nothing that grows");
    let (mut ids, mut names, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    for (number, Family { name, grows, series }) in families.iter().enumerate() {
        for (part, labels) in series.iter().enumerate() {
            ids.push(format!("sum:{name}{{{labels}}}"));
            names.push(format!("f{number}{{part=\"{part}\"}}"));
        }
        let value = |selector: String| {
            if *grows {
                format!("rate({selector}[31s])")
            } else {
                format!("last_over_time({selector}[500ms])")
            }
        };
        for operator in OPERATORS {
            lines.push((
                format!("rate:{operator}:{name}"),
                format!("{operator}({})", value(format!("f{number}"))),
            ));
        }
        let first = value(format!("f{number}{{part=\"0\"}}"));
        lines.push((format!("rate:sum:{name}{{{}}}", series[0]), format!("sum({first})")));
    }
    lines.truncate(LINES_MAX);
    ids.extend(lines.iter().map(|(id, _)| id.clone()));
    let asked: Vec<String> = ids.iter().map(|id| format!("series={}", encoded(id))).collect();
    let mut stream = Events::open(daemon.port, &format!("/api/v1/live?{}", asked.join("&")));
    let (_, hosts) = daemon.get("/api/v1/hosts?limit=3");
    let hosts = hosts["hosts"].as_array().unwrap();
    // A config may have one host alone.
    let host = |at: usize| hosts[at.min(hosts.len() - 1)]["name"].as_str().unwrap();
    let mut samples = Table::new();
    for at in 0..SAMPLES {
        let (path, body) = match at {
            34 => (format!("/api/v1/hosts/{}/stop", host(0)), Value::Null),
            39 => (format!("/api/v1/hosts/{}/start", host(0)), Value::Null),
            45 => ("/api/v1/actions".to_owned(), json!({ "action": "down", "hosts": host(1), "for": "4s" })),
            _ => (String::new(), Value::Null),
        };
        if !path.is_empty() {
            let (status, answer) = daemon.send("POST", &path, &body);
            assert!(status < 300, "{config}, {path}: {answer}");
        }
        samples.extend([next(&mut stream)]);
    }
    compare(config, &lines, &samples, &prometheus_with(&samples, &names));
}

/// Compares the values of lines, the last ones of each sample, with the answers to their queries at its time.
fn compare(config: &str, lines: &[(String, String)], samples: &Table, prometheus: &Database) {
    let named = lines.iter().enumerate();
    let named =
        named.map(|(at, (_, query))| format!("label_replace({query}, \"line\", \"{at}\", \"\", \"\")"));
    let query = named.collect::<Vec<_>>().join(" or ");
    let mut compared = 0;
    // Lines of the page's first charts were read before: their rates have older samples.
    for (time, values) in samples.iter().skip(RANGE_SAMPLES) {
        let answers = answers(prometheus, &query, *time);
        let shown = &values[values.len() - lines.len()..];
        for (at, ((id, _), own)) in lines.iter().zip(shown).enumerate() {
            let theirs = answers.get(&at.to_string()).copied();
            let is_same = match (own, theirs) {
                (Some(own), Some(theirs)) => (own - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
                (own, theirs) => own.is_none() && theirs.is_none(),
            };
            assert!(is_same, "{config}, {id} at {time}: {own:?} is not {theirs:?}");
            compared += usize::from(own.is_some());
        }
    }
    assert!(compared > (SAMPLES - RANGE_SAMPLES) * lines.len() / 2, "{config}: only {compared} values");
}

/// All shipped configs but these, four at a time, with `PROMEMU_LONG`.
#[test]
fn rates_and_aggregates_of_all_configs_are_those_of_prometheus() {
    if std::env::var_os("PROMEMU_LONG").is_none() {
        return;
    }
    let plugins = plugins();
    let configs = shipped_configs();
    let kept: Vec<&String> =
        configs.iter().filter(|config| !NOT_COMPARED.contains(&config.as_str())).collect();
    let mut failed: Vec<String> = Vec::new();
    let folder = plugins.path();
    for some in kept.chunks(4) {
        std::thread::scope(|scope| {
            let start = |config: &&String| {
                let name = String::clone(config);
                let run = scope.spawn({
                    let name = name.clone();
                    move || lines_with_plugins_are_those_of_prometheus(&name, &[], Some(folder))
                });
                (name, run)
            };
            let runs: Vec<_> = some.iter().map(start).collect();
            failed.extend(runs.into_iter().filter_map(|(name, run)| run.join().is_err().then_some(name)));
        });
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn rates_and_aggregates_of_shipped_configs_are_those_of_prometheus_while_hosts_come_and_go() {
    let single = ["gateway_replicas=1", "orders_replicas=1", "payments_replicas=1", "inventory_replicas=1"];
    std::thread::scope(|scope| {
        scope.spawn(|| lines_are_those_of_prometheus("microservices", &single));
        scope.spawn(|| lines_are_those_of_prometheus("metric_types", &["hosts_count=4"]));
        scope.spawn(|| lines_are_those_of_prometheus("incident", &[]));
        scope.spawn(|| lines_are_those_of_prometheus("load_balancer_pool", &[]));
    });
}
