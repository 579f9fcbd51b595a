//! Scenarios of the shipped suite in short form: a load, proxies, a run that disturbs them, and a Prometheus that judges.

use std::path::Path;

use serde_json::{Value, json};

use crate::memcached::Memcached;
use crate::processes::{Process, Prometheus, eventually, free_port, get, promemu_command};
use crate::simulated::plugins;

/// Time between two scrapes.
const SCRAPE_SECS: f64 = 0.5;
/// Time by which a busy machine may be late: the run with its effects, the load with its values, or a scrape.
const BUSY_SECS: f64 = 1.5;

/// Scenarios whose effects differ: slow and never broken, silent, and refused.
const SUITE: &str = r#"Playlist(
    item_args: { "proxy": "http://127.0.0.1:API", "stabilization": "4s", "testing": "8s", "recovery": "12s" },
    items: [
        Item(config: "resilience", class: "Latency100ms"),
        Item(config: "resilience", class: "Stall100"),
        Item(config: "resilience", class: "SplitBrain"),
    ],
    cooldown: "3s",
)"#;
const SCENARIOS: [&str; 3] = ["Latency100ms", "Stall100", "SplitBrain"];
/// Phases that have a number in `scenario_phase`.
const PHASES: [u32; 3] = [1, 2, 3];

/// Servers behind proxies, a load on them, and a Prometheus that scrapes the load and the scenarios.
struct Rig {
    api: u16,
    scenarios: u16,
    prometheus: Prometheus,
    folder: tempfile::TempDir,
    _running: (Vec<Memcached>, Process, Process),
}

impl Rig {
    fn start() -> Self {
        let (folder, [api, load, scenarios]) = (plugins(), [(); 3].map(|()| free_port()));
        let servers: Vec<Memcached> = (0..3).map(|_| Memcached::start()).collect();
        let listen = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
        let proxies = servers.iter().zip(&listen).enumerate().map(|(n, (server, listen))| {
            json!({ "name": format!("memcache{}", n + 1), "listen": listen, "upstream": server.address() })
        });
        let file = folder.path().join("proxies.json");
        std::fs::write(&file, Value::from(proxies.collect::<Vec<_>>()).to_string()).unwrap();
        let mut command = promemu_command(&["proxy", "--address", &format!("127.0.0.1:{api}")]);
        let proxy = Process::start(command.arg(&file));
        eventually("the proxies listen", || get(api, "/version"));
        let servers_arg = format!("servers={}", listen.join(","));
        let mut command = promemu_command(&["run", "memcached_load", "rate=400", "update_interval=100ms"]);
        command.args([&servers_arg, "--output", &format!("scrape=127.0.0.1:{load}")]);
        let load_run = Process::start(command.arg("--plugins-dir").arg(folder.path()));
        let prometheus = Prometheus::configured(&format!(
            "global: {{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s }}\nscrape_configs: [{{ job_name: j, \
             honor_labels: true, static_configs: [{{ targets: ['127.0.0.1:{load}', '127.0.0.1:{scenarios}'] }}] }}]\n"
        ));
        let loaded = || prometheus.query("sum(memcache_operations_total)").filter(|count| *count > 1000.0);
        eventually("the load is seen", loaded);
        Self { api, scenarios, prometheus, folder, _running: (servers, proxy, load_run) }
    }

    /// The time of the Prometheus, in seconds since the Unix epoch.
    fn now(&self) -> f64 {
        self.prometheus.query("vector(time())").unwrap()
    }

    /// The result of a query at a time in seconds since the Unix epoch.
    fn asked(&self, query: &str, at: f64) -> Vec<Value> {
        let encoded = query.bytes().fold(String::new(), |text, byte| text + format!("%{byte:02x}").as_str());
        let answer = self.prometheus.api(&format!("query?query={encoded}&time={at}")).unwrap();
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// The times and values of the samples of a range of one series before a time.
    fn samples(&self, selector: &str, until: f64) -> Vec<(f64, f64)> {
        let found = self.asked(selector, until);
        assert_eq!(found.len(), 1, "{selector} is one series");
        let pair = |pair: &Value| (pair[0].as_f64().unwrap(), pair[1].as_str().unwrap().parse().unwrap());
        found[0]["values"].as_array().unwrap().iter().map(pair).collect()
    }

    /// The times from scrape to scrape in the minute before a time, and in each the share of the answers of memcache1 that took over 100 ms.
    fn late_shares(&self, until: f64) -> Vec<(f64, f64, f64)> {
        let count = |bound: &str| {
            let labels = format!("server=\"memcache1\",operation=\"get\",le=\"{bound}\"");
            self.samples(&format!("memcache_response_seconds_bucket{{{labels}}}[1m]"), until)
        };
        let both: Vec<_> = count("+Inf").into_iter().zip(count("0.1")).collect();
        let shares = both.windows(2).map(|pair| {
            let [(all, quick), (next_all, next_quick)] = [pair[0], pair[1]];
            let answers = next_all.1 - all.1;
            (all.0, next_all.0, (answers - (next_quick.1 - quick.1)) / answers.max(1.0))
        });
        shares.collect()
    }

    /// The times at which operations of a server have succeeded, in the minute before a time.
    fn successes(&self, server: &str, until: f64) -> Vec<f64> {
        let outcomes = "hit|miss|stored|deleted|not_found|counted";
        let sum =
            format!("sum(memcache_operation_outcomes_total{{server=\"{server}\",outcome=~\"{outcomes}\"}})");
        let counts = self.samples(&format!("{sum}[1m:500ms]"), until);
        counts.windows(2).filter(|pair| pair[1].1 > pair[0].1).map(|pair| pair[1].0).collect()
    }

    /// The times of the first and the last scrape in a phase of a scenario.
    fn phase(&self, scenario: &str, phase: u32) -> (f64, f64) {
        let phases = format!("scenario_phase{{scenario=\"{scenario}\"}}[10m]");
        let found = self.asked(&phases, self.now());
        let samples = found[0]["values"].as_array().unwrap().iter();
        let mut times = samples
            .filter(|pair| pair[1] == phase.to_string().as_str())
            .map(|pair| pair[0].as_f64().unwrap());
        let first = times.next().unwrap_or_else(|| panic!("{scenario} has no phase {phase}: {found:?}"));
        (first, times.next_back().unwrap())
    }
}

/// The queries of a dashboard's panels, and those of its marks, for scrapes each half second.
fn queries() -> (Vec<String>, Vec<String>) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/grafana/dashboards/resilience_analysis.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let variables = [("$job", ".*"), ("$server", ".*"), ("$__rate_interval", "2s"), ("$__range", "20s")];
    let filled = |target: &Value| {
        let expr = target["expr"].as_str().unwrap().to_owned();
        variables.iter().fold(expr, |text, (name, value)| text.replace(name, value))
    };
    let targets: Vec<Value> =
        list(&dashboard["panels"]).iter().flat_map(|panel| list(&panel["targets"])).collect();
    let marks = list(&dashboard["annotations"]["list"]);
    (targets.iter().map(filled).collect(), marks.iter().map(filled).collect())
}

#[test]
fn scenarios_are_judged_by_what_clients_feel_and_every_panel_has_data_in_each_phase() {
    let rig = Rig::start();
    let suite = rig.folder.path().join("suite.ron");
    std::fs::write(&suite, SUITE.replace("API", &rig.api.to_string())).unwrap();
    let mut command = promemu_command(&["test", "--live", "--step", "1s", "--evaluation-interval", "1s"]);
    command.args(["--prometheus", &rig.prometheus.url()]);
    command.args(["--output", &format!("scrape=127.0.0.1:{}", rig.scenarios)]);
    let output = command.arg(&suite).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let (queries, marks) = queries();
    for scenario in SCENARIOS {
        for phase in PHASES {
            let (first, last) = rig.phase(scenario, phase);
            for query in &queries {
                let found = rig.asked(query, f64::midpoint(first, last));
                assert!(!found.is_empty(), "{scenario}, phase {phase}: no data of {query}");
            }
        }
    }
    for mark in marks {
        let seen = rig.asked(&format!("count_over_time(({mark})[5m:1s])"), rig.now());
        assert!(!seen.is_empty(), "the marks {mark} are never there");
    }
    check_edges(&rig);
    let proxies: Value = serde_json::from_str(&get(rig.api, "/proxies").unwrap()).unwrap();
    for (name, proxy) in proxies.as_object().unwrap() {
        assert!(proxy["enabled"] == true && proxy["toxics"] == json!([]), "{name}: {proxy}");
    }
}

/// The clients measure a disturbance from the begin of the phase of testing to its end, to within a scrape.
fn check_edges(rig: &Rig) {
    let (first, last) = rig.phase("Latency100ms", 2);
    let middle = f64::midpoint(first, last);
    let slow = rig.late_shares(last + 10.0);
    let is_late = |&&(_, _, share): &&(f64, f64, f64)| share > 0.5;
    // A busy machine is late, too: what counts is the time around the middle in which most answers are.
    let (before, after): (Vec<_>, Vec<_>) = slow.iter().partition(|(_, to, _)| *to <= middle);
    let begin = before.iter().rev().take_while(|it| is_late(it)).last();
    let end = after.iter().take_while(|it| is_late(it)).last();
    let (Some((begin, _, _)), Some((_, end, _))) = (begin, end) else {
        panic!("not late in the middle, at {middle}: {slow:?}");
    };
    check_near("late", (*begin, *end), (first, last));
    for (scenario, server) in
        [("Stall100", "memcache1"), ("SplitBrain", "memcache1"), ("SplitBrain", "memcache2")]
    {
        let (first, last) = rig.phase(scenario, 2);
        let middle = f64::midpoint(first, last);
        let rises = rig.successes(server, last + 10.0);
        let stop = rises.iter().rfind(|at| **at < middle);
        let start = rises.iter().find(|at| **at > middle);
        let (Some(stop), Some(start)) = (stop, start) else {
            panic!("{server} succeeds before and after {scenario}: {rises:?}");
        };
        // The breaker tries again later than the server is there.
        check_near(scenario, (*stop, start.min(last)), (first, last));
    }
}

/// The times of a disturbance are those of the phase, which began and ended within a scrape of these times.
fn check_near(what: &str, felt: (f64, f64), phase: (f64, f64)) {
    let is_near = |a: f64, b: f64| (a - b).abs() <= SCRAPE_SECS + BUSY_SECS;
    assert!(
        is_near(felt.0, phase.0) && is_near(felt.1, phase.1),
        "{what}: felt at {felt:?}, done at {phase:?}"
    );
}
